"""Load history from files through the one write path; all files, or on any fault nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analytics.definitions import definitions_of
from analytics.errors import InputError, nearest
from analytics.ingest.files import fingerprint, read_frames, sniff
from analytics.ingest.spec import ImportSpec

if TYPE_CHECKING:
    from analytics.params.files import Params
    from analytics.store import Store, WriteResult

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the files' rows."""

    results: dict[Path, WriteResult]
    seconds: float

    def total(self, count: str) -> int:
        """Sum of a count (`read`, `written`, `duplicate`, …) over the files."""
        return sum(getattr(result, count) for result in self.results.values())

    @property
    def rows_per_second(self) -> float:
        """Rows read per second, the whole path included."""
        return self.total("read") / self.seconds if self.seconds else 0.0


def import_files(store: Store, paths: Sequence[Path], spec: ImportSpec, *, on_bytes: OnBytes | None = None) -> Imported:
    """Read, check and store `paths` in one transaction.

    Args:
        paths: CSV, gzipped CSV or Parquet files; all are looked at before the first is read.
        spec: what they hold; `{stem}` in account or content stands for a file's name without its ending.
        on_bytes: called with the bytes read since the last call.
    Raises:
        DataFileError: naming file, line and value; nothing of any file is stored.
    """
    from analytics.store import Collection

    for path in paths:
        sniff(path)
    started = time.perf_counter()
    specs = [_for_file(spec, path) for path in paths]
    results = store.write_all(
        (
            read_frames(path, own, on_bytes=on_bytes),
            Collection(own.platform, "import", own.account, path.name, fingerprint=fingerprint(path)),
        )
        for path, own in zip(paths, specs, strict=True)
    )
    return Imported(dict(zip(paths, results, strict=True)), time.perf_counter() - started)


def check_names(store: Store, spec: ImportSpec, params: Params) -> None:
    """Refuse a platform or metric that nobody knows: a slip of the pen would begin a series of its own.

    Raises:
        InputError: with the nearest name there is, and how to say that it is meant.
    """
    known = definitions_of(params)
    stored = store.series()
    platforms = {*params.platforms, *(platform for platform, _ in known), *stored["platform"].astype(str)}
    metrics = {metric for platform, metric in known if platform == spec.platform}
    metrics |= set(stored.loc[stored["platform"] == spec.platform, "metric_type"].astype(str))
    for what, name, names in (("platform", spec.platform, platforms), ("metric", spec.metric, metrics)):
        if name not in names:
            hint = nearest(name, sorted(names)) if names else "none is known of this platform"
            raise InputError(f"{what} {name!r}: unknown; {hint} (--new begins one of that name)")


def _for_file(spec: ImportSpec, path: Path) -> ImportSpec:
    stem = path.name.split(".")[0]
    return replace(
        spec, account=spec.account.replace("{stem}", stem), content_id=spec.content_id.replace("{stem}", stem)
    )
