"""What a write is told and what it tells: one collection in, counts out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

Method = Literal["api", "import", "webhook", "feed", "export", "simulator", "replay"]


@dataclass(frozen=True, slots=True)
class Collection:
    """One fetch or import, as the table `collections` keeps it.

    `replace` says what a reading does that differs from the stored one of the same series and instant: correct it,
    which is recorded as a restatement (the default), or stay out. `fingerprint` names the input; None: the rows'.
    `as_of` is when its readings were given, where that was before now: what a source of another kind said later stays.
    `error` is what went wrong with a part of the fetch whose rest is written, or why nothing was asked (`is_skipped`).
    """

    platform: str
    method: Method
    account: str = ""
    source: str = ""
    api_version: str | None = None
    rate_limit_remaining: int | None = None
    started_at: datetime | None = None
    fingerprint: str | None = None
    error: str | None = None
    replace: bool = True
    as_of: datetime | None = None
    is_skipped: bool = False


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of the rows of one collection.

    read = written + duplicate + corrected + quarantined + unknown (+ those kept out where `replace` is off, counted
    as duplicates); late is the part of written that is older than its series' newest point was.
    """

    collection_id: int
    read: int = 0
    written: int = 0
    duplicate: int = 0
    corrected: int = 0
    late: int = 0
    quarantined: int = 0
    unknown: int = 0

    def __add__(self, other: WriteResult) -> WriteResult:
        """The counts of both; the number of the collection written last."""
        counts = (f.name for f in fields(self) if f.name != "collection_id")
        sums = {name: getattr(self, name) + getattr(other, name) for name in counts}
        return WriteResult(other.collection_id, **sums)
