"""Load files downloaded from platforms' dashboards through the one write path; all files, or on any fault nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from analytics.adapters.exports import Export, Reading, read_export
from analytics.adapters.exports.cells import Order
from analytics.errors import DataFileError
from analytics.ingest.files import fingerprint
from analytics.jobs.sync import define

if TYPE_CHECKING:
    from analytics.model import Observation
    from analytics.store import Collection, Store, WriteResult

MAX_FILE_BYTES = 512 * 1024 * 1024
_DAY = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class ImportedExport:
    """One file: what it was, and what became of its figures, by platform."""

    path: Path
    export: Export
    at: datetime
    results: dict[str, WriteResult]

    def total(self, count: str) -> int:
        """Sum of a count (`read`, `written`, `duplicate`, …) over the platforms."""
        return sum(getattr(result, count) for result in self.results.values())


def import_exports(
    store: Store,
    paths: Sequence[Path],
    *,
    account: str = "",
    platform: str | None = None,
    at: datetime | None = None,
    zone: str | None = None,
    order: Order | None = None,
) -> list[ImportedExport]:
    """Read and store `paths` in one transaction.

    Args:
        account: whose figures, where the files do not say.
        platform: whose files, where the header does not tell.
        at: when they were downloaded; None: by each file's name, else its date.
        zone: of the files' days; None: the platform's.
        order: whether day or month comes first in their dates; None: as the files tell.
    Raises:
        DataFileError: naming file, line and value; nothing of any file is stored.
    """
    read = []
    for path in paths:
        when = at or downloaded_at(path)
        reading = Reading(when, account, platform, zone, order)
        read.append((path, when, read_export(_bytes(path), path.name, reading)))
    define(store, {o.platform for _, _, export in read for o in export.observations})
    batches = [
        (path, name, observations, collection)
        for path, when, export in read
        for name, observations, collection in _batches(path, when, export, account)
    ]
    results = store.write_all((observations, collection) for _, _, observations, collection in batches)
    by_file: dict[Path, dict[str, WriteResult]] = {path: {} for path in paths}
    for (path, name, *_), result in zip(batches, results, strict=True):
        by_file[path][name] = result
    return [ImportedExport(path, export, when, by_file[path]) for path, when, export in read]


def downloaded_at(path: Path) -> datetime:
    """When a file was downloaded: after the last day in its name, but never later than the file itself.

    A file copied to another machine gets a new date, its name stays: the same file must meet its own points.
    """
    if not path.is_file():
        raise DataFileError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    written = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    days = ["-".join(parts) for parts in _DAY.findall(path.name)]
    try:
        last = max(date.fromisoformat(day) for day in days)
    except ValueError:  # none, or the 31st of a short month
        return written
    return min(written, datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=1))


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataFileError(f"{path}: is larger than {MAX_FILE_BYTES // 2**20} MB, which no dashboard's file is")
        return path.read_bytes()
    except OSError as exc:
        raise DataFileError(f"{path}: cannot be read ({exc.strerror})") from exc


def _batches(
    path: Path, when: datetime, export: Export, account: str
) -> list[tuple[str, list[Observation], Collection]]:
    from analytics.store import Collection

    by_platform: dict[str, list[Observation]] = {}
    for observation in export.observations:
        by_platform.setdefault(observation.platform, []).append(observation)
    mark = fingerprint(path)
    return [
        (name, rows, Collection(name, "export", account, path.name, started_at=when, fingerprint=mark))
        for name, rows in by_platform.items()
    ]
