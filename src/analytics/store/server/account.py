"""Which account the embedded PostgreSQL runs as, and what that account can reach.

PostgreSQL refuses to run as root. For an ordinary user nothing is special: the server runs as that user. For root it
runs as the owner of the folder the data goes to, and where that is root itself, as a user id that belongs to nobody
(`DEDICATED_UIDS`): no account is created, and no other process of the machine has that id, which cannot be said of
`nobody`. `initdb`, unlike the server, insists on an entry in the password file, so it runs as `nobody` in a folder of
its own, and the finished files are handed to the dedicated id.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analytics.errors import ServerError

# Unassigned by systemd's table of user ids (60706 to 61183), above human users and below dynamic ones.
DEDICATED_UIDS = range(60800, 61184)


@dataclass(frozen=True)
class Account:
    """User and group id of the server's processes."""

    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether this is the account we run as already."""
        return self.uid == os.geteuid()

    def run(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, in its own session, without a shell and without our environment."""
        try:
            return subprocess.run(
                list(command),
                cwd=cwd,
                env={"PATH": os.defpath, "LC_ALL": "C", **env},
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                start_new_session=True,
                user=None if self.is_self else self.uid,
                group=None if self.is_self else self.gid,
                extra_groups=None if self.is_self else [],
                check=False,
            )
        except OSError as exc:
            name = Path(command[0]).name
            raise ServerError(f"{name} could not be run as user id {self.uid}: {exc.strerror}") from exc

    def own(self, path: Path) -> None:
        """Hand a file, or a folder with all that is in it, to this account."""
        if self.is_self:
            return
        os.lchown(path, self.uid, self.gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.lchown(Path(folder, name), self.uid, self.gid)


def server_account(data_dir: Path) -> Account:
    """The account for the server of `data_dir`: ourselves, or for root the owner of the folder or a dedicated id."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    existing = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    uid = existing.stat().st_uid or next(uid for uid in DEDICATED_UIDS if not has_name(uid))
    return Account(uid, pwd.getpwuid(uid).pw_gid if has_name(uid) else uid)


def initdb_account(account: Account) -> Account:
    """The account `initdb` runs as: it looks its user up in the password file, the server does not."""
    if account.is_self or has_name(account.uid):
        return account
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerError(
            "PostgreSQL cannot be initialised by root on a system without the account 'nobody': run as another user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def has_name(uid: int) -> bool:
    """Whether the password file knows this user id.

    >>> has_name(0)
    True
    """
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may pass through every folder above `path`, and run or enter it, by their permission bits.

    What does not exist yet is taken to be passable.

    >>> can_reach(Account(DEDICATED_UIDS[0], DEDICATED_UIDS[0]), Path("/"))
    True
    """
    if account.is_self:
        return True
    for folder in (path, *path.parents):
        if not folder.exists():
            continue
        info = folder.stat()
        if info.st_uid == account.uid:
            needed = stat.S_IXUSR
        else:
            needed = stat.S_IXGRP if info.st_gid == account.gid else stat.S_IXOTH
        if not info.st_mode & needed:
            return False
    return True
