"""Import files: CSV, gzipped CSV and Parquet as frames of readings, chunk by chunk in bounded memory.

A file that does not say what it should is refused as a whole, with file, line and value. With
`quarantine_bad_rows` its unreadable rows are passed on with their fault instead.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.errors import DataFileError
from analytics.ingest.check import constant
from analytics.ingest.columns import Problems, parse_numbers, parse_times
from analytics.ingest.spec import GZIP, Chunk, ImportSpec, OnBytes
from analytics.ingest.written import NumberStyle, style_of
from analytics.model import zone_of

PARQUET, ZIP = b"PAR1", b"PK\x03\x04"


def read_frames(path: Path, spec: ImportSpec, *, on_bytes: OnBytes | None = None) -> Iterator[pd.DataFrame]:
    """Yield frames of readings in the file's order; columns as `ingest.check` takes them, plus `line`.

    Args:
        path: the file; its kind is told by its first bytes, not by its name.
        spec: what the columns mean.
        on_bytes: called with the bytes read since the last call.
    Raises:
        DataFileError: naming file, line and value.
    """
    zone_of(spec.times.timezone)
    kind = sniff(path)
    if kind == "parquet":
        from analytics.ingest.parquetfile import read_chunks
    else:
        from analytics.ingest.csvfile import read_chunks
    offset: OffsetRule = OffsetRule()
    style = number_style(path, spec)
    rows = 0
    for chunk in read_chunks(path, spec, on_bytes or (lambda _: None)):
        frame = _frame(path, spec, replace(chunk, values=style.plain(chunk.values)), offset)
        rows += len(frame)
        if len(frame):
            yield frame
    if not rows:
        raise DataFileError(f"{path}: has a header but no rows")


def number_style(path: Path, spec: ImportSpec) -> NumberStyle:
    """How the file writes its numbers: as told in `spec.decimal`, or by its first rows. Parquet's are typed."""
    if sniff(path) == "parquet":
        return NumberStyle()
    from analytics.ingest.csvfile import delimiter_used, sample

    values = {f"{path}: line {line}": value for line, _, value in sample(path, spec)}
    return style_of(values, decimal=spec.decimal, delimiter=delimiter_used(path, spec))


def sniff(path: Path) -> str:
    """Tell the kind of file, `parquet`, `gzip` or `csv`, by its first bytes; refuse what cannot be one."""
    if not path.exists():
        raise DataFileError(f"{path}: no such file{_neighbour(path)}")
    if path.is_dir():
        raise DataFileError(f"{path}: is a folder; name the files in it")
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as exc:
        raise DataFileError(f"{path}: cannot be read ({exc.strerror})") from exc
    if not head:
        raise DataFileError(f"{path}: is empty")
    if head.startswith(PARQUET):
        return "parquet"
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(ZIP):
        raise DataFileError(f"{path}: is a zip or Excel file; unpack it, or save the sheet as CSV")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataFileError(f"{path}: is UTF-16 text; save it as UTF-8")
    if b"\x00" in head:
        raise DataFileError(f"{path}: line {1 + head[: head.index(0)].count(10)}: is binary, neither CSV nor Parquet")
    return "csv"


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class OffsetRule:
    """Either every time of a file has a UTC offset or none has; remembers the first row."""

    def __init__(self) -> None:
        self.first_line: int | None = None
        self.has_offset = False

    def problems(self, has_offset: npt.NDArray[np.bool_], readable: npt.NDArray[np.bool_], chunk: Chunk) -> Problems:
        """Rows that differ from the file's first readable one."""
        rows = np.flatnonzero(readable)
        if self.first_line is None and rows.size:
            self.first_line, self.has_offset = int(chunk.lines[rows[0]]), bool(has_offset[rows[0]])
        found = {}
        for row in rows[has_offset[rows] != self.has_offset]:
            now, before = ("has", "has none") if has_offset[row] else ("has no", "has one")
            text = str(chunk.times[int(row)].as_py())
            found[int(row)] = f"time {text!r} {now} UTC offset, but line {self.first_line} {before}: mixed time zones"
        return found


def _frame(path: Path, spec: ImportSpec, chunk: Chunk, offset: OffsetRule) -> pd.DataFrame:
    times = parse_times(chunk.times, spec.times)
    values, problems = parse_numbers(chunk.values)
    problems |= offset.problems(times.has_offset, ~np.isnat(times.instants), chunk)
    problems |= times.problems
    if (problems or chunk.broken) and not spec.quarantine_bad_rows:
        first = min([(int(chunk.lines[i]), text) for i, text in problems.items()] + [b[:2] for b in chunk.broken])
        raise DataFileError(f"{path}: line {first[0]}: {first[1]}")
    constants = _constants(spec, len(values))
    if len(chunk.accounts):
        constants["author_id"] = pd.Categorical(list(chunk.accounts))
    frame = constants.assign(time=pd.DatetimeIndex(times.instants).tz_localize("UTC"), value=values, line=chunk.lines)
    return _with_faults(frame, spec, chunk, problems) if problems or chunk.broken else frame


def _constants(spec: ImportSpec, rows: int) -> pd.DataFrame:
    texts = {
        "platform": spec.platform,
        "metric_type": spec.metric,
        "author_id": spec.account,
        "content_id": spec.content_id,
        "content_type": spec.content_type,
    }
    return pd.DataFrame({name: constant(text, rows) for name, text in texts.items()})


def _with_faults(frame: pd.DataFrame, spec: ImportSpec, chunk: Chunk, problems: Problems) -> pd.DataFrame:
    """Bad rows carry their fault, and the text of the file in place of what could not be read."""
    bad = sorted(problems)
    times: list[Any] = frame["time"].iloc[bad].tolist()
    values: list[Any] = frame["value"].iloc[bad].tolist()
    for place, row in enumerate(bad):
        if problems[row].startswith("time"):
            times[place] = chunk.times[row].as_py()
        else:
            values[place] = chunk.values[row].as_py()
    faulty = frame.iloc[bad].assign(fault=[problems[i] for i in bad], time=times, value=values)
    broken = _constants(spec, len(chunk.broken)).assign(
        line=[line for line, _, _ in chunk.broken],
        fault=[fault for _, fault, _ in chunk.broken],
        time=[text for _, _, text in chunk.broken],
        value=None,
    )
    parts = [frame.drop(index=bad).astype({"time": object}), faulty, broken]
    return pd.concat([part.astype({"value": object}) for part in parts if len(part)], ignore_index=True)


def _neighbour(path: Path) -> str:
    names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""
