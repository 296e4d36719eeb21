"""Which tier holds a platform's day, and the tables of a day as the archive keeps them.

hot: raw readings in `points`. warm: hourly rollups. cold: daily rollups in the archive. gone: nothing, by policy.
A warm or cold day has its raw readings in the archive where the platform's policy asks for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from analytics.store.archive import KEYS, Entry
from analytics.store.copying import copy_out
from analytics.store.engine import driver_cursor
from analytics.store.partitions import day_bounds
from analytics.store.tables import archive_log
from analytics.store.upsert import upsert

VALUES = ("sum", "min", "max", "first", "last", "p50", "p95", "p99")
ROLLUP = ("series_id", "n", "bucket", "last_time", *(f"{name}_value" for name in VALUES), "late")
ROLLUP_TYPES = ("int4", "int4", "timestamptz", "timestamptz", *["float8"] * len(VALUES), "int4")
RAW = ("series_id", "collection_id", "time", "value", "quality")
RAW_TYPES = ("int4", "int4", "timestamptz", "float8", "float4")
OF_PLATFORM = "series_id IN (SELECT series_id FROM series WHERE platform = %s)"


def raw_table(connection: sa.Connection, platform: str, day: date) -> pa.Table:
    """A platform's raw readings of a UTC day, by series and time, with their natural keys."""
    query = (
        "SELECT series_id, collection_id, time, value, coalesce(quality, 'NaN') FROM points"  # noqa: S608 constants
        f" WHERE {OF_PLATFORM} AND time >= %s AND time < %s"
    )
    return _table(connection, query, [platform, *day_bounds(day)], RAW, RAW_TYPES)


def rollup_table(connection: sa.Connection, table: str, platform: str, day: date) -> pa.Table:
    """A platform's rollups of a UTC day from `metric_hourly` or `metric_daily`, with their natural keys."""
    query = f"SELECT {', '.join(ROLLUP)} FROM {table} WHERE {OF_PLATFORM} AND bucket >= %s AND bucket < %s"  # noqa: S608
    return _table(connection, query, [platform, *day_bounds(day)], ROLLUP, ROLLUP_TYPES)


def log_entry(connection: sa.Connection, entry: Entry) -> None:
    """Put a verified file on record, in place of an older one of the same platform, day and content."""
    row = {
        name: getattr(entry, name) for name in ("platform", "day", "content", "location", "rows", "bytes", "checksum")
    }
    upsert(connection, archive_log, [row | {"verified_at": sa.func.now()}], ("platform", "day", "content"))


def entries(connection: sa.Connection, platforms: Sequence[str], first: date, last: date, content: str) -> list[Entry]:
    """Archived files of days that are no longer hot, oldest first."""
    query = sa.text(
        "SELECT platform, day, content, location, rows, bytes, checksum FROM archive_log JOIN tier_days"
        " USING (platform, day) WHERE platform = ANY(:platforms) AND day BETWEEN :first AND :last"
        " AND content = :content ORDER BY day, platform"
    )
    found = connection.execute(query, {"platforms": list(platforms), "first": first, "last": last, "content": content})
    return [Entry(*row) for row in found]


def tier_of_days(
    connection: sa.Connection, platforms: Sequence[str], first: date, last: date
) -> dict[tuple[str, date], str]:
    """Tier of each platform's day that is no longer hot."""
    query = sa.text(
        "SELECT platform, day, tier FROM tier_days WHERE platform = ANY(:platforms) AND day BETWEEN :first AND :last"
    )
    found = connection.execute(query, {"platforms": list(platforms), "first": first, "last": last})
    return {(row.platform, row.day): row.tier for row in found}


def _table(
    connection: sa.Connection, query: str, parameters: list[Any], names: Sequence[str], types: Sequence[str]
) -> pa.Table:
    with driver_cursor(connection) as cursor:
        arrays = dict(zip(names, copy_out(cursor, query, parameters, types), strict=True))
    order = np.lexsort((arrays["time" if "time" in arrays else "bucket"], arrays["series_id"]))
    columns: dict[str, Any] = {}
    for name, kind in zip(names, types, strict=True):
        values = arrays[name][order]
        columns[name] = (
            pa.array(values, type=pa.timestamp("us", tz="UTC")) if kind == "timestamptz" else pa.array(values)
        )
    return pa.table(columns | _key_columns(connection, arrays["series_id"][order]))


def _key_columns(connection: sa.Connection, series_ids: npt.NDArray[np.int32]) -> dict[str, Any]:
    distinct, places = np.unique(series_ids, return_inverse=True)
    query = sa.text(
        "SELECT metric_type, content_id, author_id FROM series WHERE series_id = ANY(:ids) ORDER BY series_id"
    )
    rows = connection.execute(query, {"ids": distinct.tolist()}).all()
    return {
        name: pa.array([row[i] for row in rows], type=pa.string()).take(pa.array(places)) for i, name in enumerate(KEYS)
    }
