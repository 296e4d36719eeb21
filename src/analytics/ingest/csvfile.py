"""CSV and gzipped CSV: chunks of the two columns, with the line of the file each row ends on."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from analytics.errors import DataFileError
from analytics.ingest.check import printable
from analytics.ingest.spec import GZIP, Chunk, ImportSpec, OnBytes, column_at

if TYPE_CHECKING:
    from _csv import Reader


def read_chunks(path: Path, spec: ImportSpec, on_bytes: OnBytes) -> Iterator[Chunk]:
    """Yield chunks of at most `spec.chunk_rows` rows; blank lines are skipped."""
    with path.open("rb") as raw:
        text = _decoded(raw)
        reader = csv.reader(text, delimiter=spec.delimiter, strict=True)
        try:
            header = [printable(name.strip()) for name in next(reader, [])]
            if not any(header):
                raise DataFileError(f"{path}: line 1: is blank where the header should be")
            time_at = column_at(path, spec.time_column, header, spec.delimiter)
            value_at = column_at(path, spec.value_column, header, spec.delimiter)
            seen = 0
            while (chunk := _next_chunk(reader, (time_at, value_at, len(header)), spec.chunk_rows)) is not None:
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
    plain: IO[bytes] = gzip.open(raw) if zipped else raw  # type: ignore[assignment]  # noqa: SIM115
    return io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _next_chunk(reader: Reader, places: tuple[int, int, int], size: int) -> Chunk | None:
    time_at, value_at, width = places
    times: list[str] = []
    values: list[str] = []
    lines: list[int] = []
    broken: list[tuple[int, str, str]] = []
    for row in reader:
        if len(row) == width:
            times.append(row[time_at])
            values.append(row[value_at])
            lines.append(reader.line_num)
        elif row:
            fault = f"expected {width} fields, found {len(row)}: {printable(','.join(row))[:80]!r}"
            broken.append((reader.line_num, fault, printable(",".join(row))[:1000]))
        if len(lines) >= size or len(broken) >= size:
            break
    if not lines and not broken:
        return None
    return Chunk(_arrow(times), _arrow(values), np.array(lines, dtype=np.int64), broken)


def _arrow(texts: list[str]) -> pa.Array:
    try:
        return pa.array(texts, type=pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):
        return pa.array([printable(text) for text in texts], type=pa.string())
