"""Files the supervisor keeps beside PostgreSQL's own: locks, the TCP door, and how they are made private."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from analytics.errors import ServerError
from analytics.store.server.account import Account

POLL_S = 0.02


@dataclass(frozen=True)
class TcpDoor:
    """Port on 127.0.0.1 and password of the role that may come in there."""

    port: int
    password: str

    @classmethod
    def read(cls, data_dir: Path) -> TcpDoor | None:
        """The door as it was last asked for; None where there is none."""
        try:
            return cls(**json.loads((data_dir / "tcp.json").read_text()))
        except FileNotFoundError:
            return None

    @classmethod
    def new(cls, port: int, earlier: TcpDoor | None) -> TcpDoor:
        """A door on this port, with the earlier one's password."""
        return cls(port, earlier.password if earlier else secrets.token_urlsafe(24))

    def write(self, data_dir: Path, account: Account) -> None:
        """Keep it, readable by the owner alone."""
        write_private(data_dir / "tcp.json", json.dumps(asdict(self)), account)

    @staticmethod
    def forget(data_dir: Path) -> None:
        """Remove it, and its password."""
        (data_dir / "tcp.json").unlink(missing_ok=True)


def write_private(path: Path, text: str, account: Account) -> None:
    """Replace a file in one step by one of the account's own, 0600."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    account.own(new)
    new.replace(path)


def make_data_dir(data_dir: Path, account: Account) -> None:
    """Make the folder, the account's own, and what is missing above it, owned by whoever owns the folder above that.

    Folders that were there before keep their owner and mode.
    """
    missing = [folder for folder in (data_dir, *data_dir.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if folder == data_dir:
            folder.chmod(0o700 if account.is_self else 0o711)  # initdb passes through as another account
            account.own(folder)
        elif not account.is_self:
            above = folder.parent.stat()
            os.chown(folder, above.st_uid, above.st_gid)
            folder.chmod(folder.stat().st_mode | 0o011)  # whatever root's umask: the server has to pass


@contextmanager
def mutex(path: Path, account: Account, *, timeout_s: float) -> Iterator[int]:
    """Hold a lock file, whose descriptor is yielded; the kernel releases it with the process, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        account.own(path)
        deadline = time.monotonic() + timeout_s
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ServerError(f"another process has held {path} for {timeout_s:g} s: is it starting a server?")
            time.sleep(POLL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def readable_errors(data_dir: Path) -> Iterator[None]:
    """Turn what the operating system says about these files into one line that says what to do."""
    try:
        yield
    except PermissionError as exc:
        raise ServerError(
            f"{exc.filename or data_dir} belongs to another account (root may have started the database first):"
            " run as that account, or set ANALYTICS_HOME to a folder of your own"
        ) from exc
    except OSError as exc:
        raise ServerError(f"the database folder {data_dir} cannot be used: {exc}") from exc


def size_of(path: Path) -> int:
    """Size in bytes; 0 where there is no such file."""
    return path.stat().st_size if path.exists() else 0


def tail(log: Path, start: int, lines: int = 5) -> str:
    """The last lines written to the log since byte `start`, on one line."""
    if not log.exists():
        return ""
    return " | ".join(log.read_bytes()[start:].decode(errors="replace").splitlines()[-lines:])


def disk_bytes(folder: Path) -> int:
    """Bytes on disk below a folder, links not followed; 0 where there is none."""
    total = 0
    for below, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(below, name).lstat().st_blocks * 512
            except FileNotFoundError:  # PostgreSQL removes files while we count
                continue
    return total
