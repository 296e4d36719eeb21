"""Raw answers as they came, compressed, for a time: what a later mended parser reads again.

One file a platform and UTC day, `landing/<platform>/<day>.jsonl.gz`; each answer is appended as a
gzip member of its own, so a cut-off write costs one answer and the file stays readable with `zcat`.
Calls carry no secrets: the client has taken them out.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from analytics.errors import InputError, StoreError
from analytics.settings import private_file, private_folder

_MEMBER = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Landed:
    """One answer: enough to parse it again without asking anybody."""

    platform: str
    account: str
    observed_at: datetime
    call: str
    parser: str
    api_version: str
    rate_limit_remaining: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Landing:
    """The folder of raw answers."""

    folder: Path

    def append(self, answers: list[Landed]) -> None:
        """Keep `answers`; all of one platform and day go to disk in one write.

        Raises:
            StoreError: the disk took them not or not whole, so that the round is tried again.
        """
        by_file: dict[Path, list[bytes]] = {}
        for answer in answers:
            path = self.folder / _checked(answer.platform) / f"{answer.observed_at.astimezone(UTC):%Y-%m-%d}.jsonl.gz"
            by_file.setdefault(path, []).append(gzip.compress(_line(answer), compresslevel=5, mtime=0))
        for path, members in by_file.items():
            content = b"".join(members)
            try:
                self._folder_of(path)
                with self._held(path.parent), open(path, "ab", buffering=0, opener=private_file) as file:
                    if file.write(content) < len(content):  # what a disk does that is full after some of it
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(file.fileno())
            except OSError as exc:
                raise StoreError(f"raw answers cannot be kept in {path}: {exc.strerror}") from exc

    def read(self, platform: str, *, since: date, until: date | None = None) -> Iterator[Landed]:
        """Answers observed from `since` to `until` (both included), in the order they came."""
        for path in self.files(platform):
            if since <= _day_of(path) and (until is None or _day_of(path) <= until):
                for line in _members(path.read_bytes()):
                    yield _landed(line)

    def tags(self, platform: str, account: str) -> dict[str, tuple[str, bytes]]:
        """By call, the tag and body of the account's last answers; empty where none are kept or readable."""
        try:
            kept = json.loads(gzip.decompress(self._tags_file(platform, account).read_bytes()))
            return {call: (tag, base64.b64decode(body)) for call, (tag, body) in kept.items()}
        except (OSError, EOFError, ValueError, TypeError, zlib.error):
            return {}  # a cache: what cannot be read is asked for again

    def keep_tags(self, platform: str, account: str, tags: Mapping[str, tuple[str, bytes]]) -> None:
        """Keep the tags and bodies for the next round, all of them or, where the disk is full, none."""
        path = self._tags_file(platform, account)
        content = json.dumps({call: (tag, base64.b64encode(body).decode()) for call, (tag, body) in tags.items()})
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder_of(path)
            with open(draft, "wb", opener=private_file) as file:
                file.write(gzip.compress(content.encode(), compresslevel=5, mtime=0))
            draft.replace(path)
        except OSError:  # a cache: what is not kept is asked for again
            with suppress(OSError):
                draft.unlink()

    def _folder_of(self, path: Path) -> None:
        private_folder(self.folder)
        path.parent.mkdir(exist_ok=True)

    def _tags_file(self, platform: str, account: str) -> Path:
        name = hashlib.blake2b(account.encode(), digest_size=8).hexdigest()
        return self.folder / _checked(platform) / f"tags-{name}.json.gz"

    def files(self, platform: str) -> list[Path]:
        """The platform's files, oldest first."""
        return sorted((self.folder / _checked(platform)).glob("????-??-??.jsonl.gz"))

    def forget(self, platform: str, *, account: str | None, content_id: str | None) -> int:
        """Remove every answer that names the account or content (both None: all); return how many.

        An answer is removed whole, and the kept tags with it. Each file is replaced in one step: interrupted, the
        next call finishes the work.
        """
        names = [name for name in (account, content_id) if name]
        patterns = [re.compile(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])") for name in names]
        gone = 0
        folder = self.folder / _checked(platform)
        if not folder.is_dir():
            return 0
        with self._held(folder):
            for path in self.files(platform):
                gone += _without(path, patterns)
            for tags in folder.glob("tags-*.json.gz"):
                tags.unlink()  # a cache of answers: made anew by the next round
        return gone

    @contextmanager
    def _held(self, folder: Path) -> Iterator[None]:
        """The folder to ourselves: an answer appended while its file is replaced would be lost."""
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def purge(self, platform: str, *, before: date) -> int:
        """Remove files of days before `before`; return how many."""
        old = [path for path in self.files(platform) if _day_of(path) < before]
        for path in old:
            path.unlink()
        return len(old)


def _checked(platform: str) -> str:
    if not platform.isidentifier():
        raise InputError(f"platform {platform!r}: expected a name of letters, digits and underscores")
    return platform


def _day_of(path: Path) -> date:
    return date.fromisoformat(path.name[:10])


def _line(answer: Landed) -> bytes:
    try:
        body = {"text": answer.raw.decode("utf-8")}
    except UnicodeDecodeError:
        body = {"base64": base64.b64encode(answer.raw).decode("ascii")}
    head = {
        "platform": answer.platform,
        "account": answer.account,
        "observed_at": answer.observed_at.astimezone(UTC).isoformat(),
        "call": answer.call,
        "parser": answer.parser,
        "api_version": answer.api_version,
        "rate_limit_remaining": answer.rate_limit_remaining,
    }
    return json.dumps(head | body, ensure_ascii=False).encode() + b"\n"


def _landed(line: bytes) -> Landed:
    record = json.loads(line)
    raw = record["text"].encode() if "text" in record else base64.b64decode(record["base64"])
    return Landed(
        platform=record["platform"],
        account=record["account"],
        observed_at=datetime.fromisoformat(record["observed_at"]),
        call=record["call"],
        parser=record["parser"],
        api_version=record["api_version"],
        rate_limit_remaining=record["rate_limit_remaining"],
        raw=raw,
    )


def _without(path: Path, patterns: list[re.Pattern[bytes]]) -> int:
    """Write a file again without the answers that every pattern names (no pattern: all); return how many those are."""
    lines = list(_members(path.read_bytes()))
    kept = [line for line in lines if patterns and not all(_is_named(line, pattern) for pattern in patterns)]
    if not kept:
        path.unlink()
    elif len(kept) < len(lines):
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(b"".join(gzip.compress(line, compresslevel=5, mtime=0) for line in kept))
        draft.replace(path)
    return len(lines) - len(kept)


def _is_named(line: bytes, pattern: re.Pattern[bytes]) -> bool:
    landed = _landed(line)
    return any(pattern.search(part) for part in (landed.account.encode(), landed.call.encode(), landed.raw))


def _members(content: bytes) -> Iterator[bytes]:
    """Each whole gzip member's text; a damaged one is passed over."""
    at = content.find(_MEMBER)
    while at >= 0:
        inflater = zlib.decompressobj(wbits=31)
        try:
            line = inflater.decompress(content[at:])
        except zlib.error:
            line = b""
        if inflater.eof:
            yield line
            at = len(content) - len(inflater.unused_data)
            at = at if content[at : at + 3] == _MEMBER else content.find(_MEMBER, at)
        else:
            at = content.find(_MEMBER, at + 1)
