"""CSV and gzipped CSV: chunks of the two columns, with the line of the file each row ends on."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from analytics.errors import DataFileError
from analytics.ingest.check import printable
from analytics.ingest.others import OtherColumns
from analytics.ingest.spec import GZIP, Chunk, ImportSpec, OnBytes, column_at
from analytics.ingest.written import delimiter_of
from analytics.unpacking import Bounded

if TYPE_CHECKING:
    from _csv import Reader

SAMPLE_ROWS = 500
MOST_COLUMNS = 1000
FEWEST_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_TIMES_PACKED = 200  # readings pack to a fifth to a fiftieth


def read_chunks(path: Path, spec: ImportSpec, on_bytes: OnBytes) -> Generator[Chunk, None, None]:
    """Yield chunks of at most `spec.chunk_rows` rows; blank lines are skipped."""
    with path.open("rb") as raw:
        text = _decoded(raw)
        reader = csv.reader(text, delimiter=delimiter_used(path, spec), strict=True)
        others = OtherColumns(path, spec.account)
        try:
            header = [printable(name.strip()) for name in next(reader, [])]
            if not any(header):
                raise DataFileError(f"{path}: line 1: is blank where the header should be")
            if len(header) > MOST_COLUMNS:
                raise DataFileError(f"{path}: line 1: has {len(header)} columns; expected at most {MOST_COLUMNS}")
            time_at = column_at(path, spec.time_column, header, spec.delimiter)
            value_at = column_at(path, spec.value_column, header, spec.delimiter)
            account_at = column_at(path, spec.account_column, header, spec.delimiter) if spec.account_column else -1
            places = _Places(time_at, value_at, account_at, tuple(header))
            seen = 0
            while (chunk := _next_chunk(reader, places, others, spec.chunk_rows)) is not None:
                position = raw.tell()
                on_bytes(position - seen)
                seen = position
                yield chunk
        except csv.Error as exc:
            raise DataFileError(f"{path}: line {reader.line_num}: {exc}") from exc
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise DataFileError(f"{path}: line {reader.line_num + 1}: gzip data is damaged or cut short") from exc


def _decoded(raw: IO[bytes]) -> IO[str]:
    """Text without a byte-order mark; bytes that are no UTF-8 stay recognisable, so that their line is told."""
    zipped = raw.read(2) == GZIP
    raw.seek(0)
    plain: IO[bytes] = raw
    if zipped:
        limit = FEWEST_UNPACKED_BYTES + MOST_TIMES_PACKED * os.fstat(raw.fileno()).st_size
        said = f"{raw.name}: more than {limit} bytes come out of it, which no file of readings does"
        plain = io.BufferedReader(Bounded(gzip.open(raw), limit, said))  # type: ignore[arg-type]  # noqa: SIM115
    return io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline="")


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the columns stand; `account` is -1 where no column names accounts."""

    time: int
    value: int
    account: int
    header: tuple[str, ...]

    @property
    def others(self) -> list[int]:
        """Columns nobody named."""
        return [i for i in range(len(self.header)) if i not in (self.time, self.value, self.account)]


def delimiter_used(path: Path, spec: ImportSpec) -> str:
    """What separates the columns: as told, or as the header shows."""
    return spec.delimiter or delimiter_of(_header_of(path))


def _header_of(path: Path) -> str:
    with path.open("rb") as raw, _decoded(raw) as text:
        try:
            return text.readline(100_000)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return ""  # told by the reader, with its line


def sample(path: Path, spec: ImportSpec, count: int = SAMPLE_ROWS) -> list[tuple[int, str, str]]:
    """Line, time and value of the first rows, as they are written."""
    with closing(read_chunks(path, replace(spec, chunk_rows=count), lambda _: None)) as chunks:
        for chunk in chunks:
            return list(zip(chunk.lines.tolist(), chunk.times.to_pylist(), chunk.values.to_pylist(), strict=True))
    return []


def _next_chunk(reader: Reader, places: _Places, others: OtherColumns, size: int) -> Chunk | None:
    time_at, value_at, account_at, width = places.time, places.value, places.account, len(places.header)
    accounts: list[str] = []
    rest: dict[int, list[str]] = {i: [] for i in places.others}
    times: list[str] = []
    values: list[str] = []
    lines: list[int] = []
    broken: list[tuple[int, str, str]] = []
    for row in reader:
        if len(row) == width:
            times.append(row[time_at])
            values.append(row[value_at])
            lines.append(reader.line_num)
            if account_at >= 0:
                accounts.append(row[account_at].strip())
            for i, cells in rest.items():
                cells.append(row[i])
        elif row:
            fault = f"expected {width} fields, found {len(row)}: {printable(','.join(row))[:80]!r}"
            broken.append((reader.line_num, fault, printable(",".join(row))[:1000]))
        if len(lines) >= size or len(broken) >= size:
            break
    if not lines and not broken:
        return None
    others.look(times, {places.header[i]: cells for i, cells in rest.items()})
    return Chunk(_arrow(times), _arrow(values), np.array(lines, dtype=np.int64), broken, accounts)


def _arrow(texts: list[str]) -> pa.Array:
    try:
        return pa.array(texts, type=pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):
        return pa.array([printable(text) for text in texts], type=pa.string())
