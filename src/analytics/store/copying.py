"""PostgreSQL's binary COPY format as NumPy record arrays: a million rows are one buffer, not a million calls.

Format: https://www.postgresql.org/docs/current/sql-copy.html (Binary Format). Only fixed-width columns that
are never NULL: a missing `real` travels as NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import psycopg

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
POSTGRES_EPOCH = np.datetime64("2000-01-01", "us")
WIRE = {"int4": ">i4", "int8": ">i8", "timestamptz": ">i8", "float8": ">f8", "float4": ">f4"}
BLOCK = 1 << 20


def row_dtype(types: Sequence[str]) -> np.dtype[Any]:
    """The record of one row: a field count, then length and value of each column."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for i, name in enumerate(types):
        fields += [(f"length{i}", ">i4"), (f"value{i}", WIRE[name])]
    return np.dtype(fields)


def encode(columns: Sequence[npt.NDArray[Any]], types: Sequence[str]) -> memoryview:
    """Rows as COPY data without header and trailer; `datetime64[us]` columns are timestamptz."""
    rows = np.empty(len(columns[0]), dtype=row_dtype(types))
    rows["count"] = len(types)
    for i, (column, name) in enumerate(zip(columns, types, strict=True)):
        rows[f"length{i}"] = np.dtype(WIRE[name]).itemsize
        rows[f"value{i}"] = (column - POSTGRES_EPOCH).astype("int64") if name == "timestamptz" else column
    return rows.data.cast("B") if len(rows) else memoryview(b"")


def decode(data: bytes | bytearray, types: Sequence[str]) -> list[npt.NDArray[Any]]:
    """The columns of COPY data, header and trailer included, as native arrays; timestamps as `datetime64[us]`."""
    rows = np.frombuffer(data, dtype=row_dtype(types), offset=len(HEADER), count=_rows(data, types))
    columns = []
    for i, name in enumerate(types):
        column = rows[f"value{i}"].astype(np.dtype(WIRE[name]).newbyteorder("="))
        columns.append(column.astype("timedelta64[us]") + POSTGRES_EPOCH if name == "timestamptz" else column)
    return columns


def _rows(data: bytes | bytearray, types: Sequence[str]) -> int:
    size, rest = divmod(len(data) - len(HEADER) - len(TRAILER), row_dtype(types).itemsize)
    if rest:
        raise ValueError("COPY data is not of fixed-width rows")
    return size


def copy_in(
    cursor: psycopg.Cursor[Any], table: str, columns: Mapping[str, str], arrays: Sequence[npt.NDArray[Any]]
) -> None:
    """COPY arrays into a table; `columns` maps names to types, both known to this package alone."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with cursor.copy(statement.encode()) as copy:
        copy.write(HEADER)
        data = encode(arrays, list(columns.values()))
        for start in range(0, len(data), BLOCK):
            copy.write(data[start : start + BLOCK])
        copy.write(TRAILER)


def copy_out(
    cursor: psycopg.Cursor[Any], query: str, parameters: Sequence[Any], types: Sequence[str]
) -> list[npt.NDArray[Any]]:
    """The rows of a query of fixed-width columns, as arrays."""
    data = bytearray()  # a join would first hold each row as an object of its own
    with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode(), parameters) as copy:
        for block in copy:
            data += block
    return decode(data, types)
