"""Reading: the list of series, and points as time-zone-aware frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.store import tables
from analytics.store.copying import copy_out
from analytics.store.engine import driver_cursor

POINTS = (
    "SELECT series_id, time, value, coalesce(quality, 'NaN') FROM points"
    " WHERE series_id = ANY(%s) AND time >= %s AND time < %s"
)
TYPES = ("int4", "timestamptz", "float8", "float4")


def select_series(
    connection: sa.Connection,
    platforms: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    accounts: Sequence[str] | None = None,
    content_ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Series that hold points, in the order of their natural key; None: no limit on that part."""
    s = tables.series.c
    query = (
        sa.select(tables.series)
        .where(s.last_time.is_not(None))
        .order_by(s.platform, s.metric_type, s.author_id, s.content_id)
    )
    wanted = ((s.platform, platforms), (s.metric_type, metrics), (s.author_id, accounts), (s.content_id, content_ids))
    for column, names in wanted:
        if names is not None:
            query = query.where(column.in_(list(names)))
    frame = pd.DataFrame(connection.execute(query).mappings().all(), columns=[c.name for c in tables.series.c])
    texts = ["platform", "metric_type", "content_id", "author_id", "content_type"]
    kinds: dict[str, Any] = dict.fromkeys(texts, "str") | {"series_id": "int32"}
    kinds |= dict.fromkeys(("first_time", "last_time"), "datetime64[us, UTC]")
    return frame.astype(kinds)


def read_points(connection: sa.Connection, series_ids: Sequence[int], start: datetime, end: datetime) -> pd.DataFrame:
    """Raw points of series in [start, end): series_id, time (UTC), value, quality (1: nothing odd); sorted."""
    if start.tzinfo is None or end.tzinfo is None:
        raise InputError(f"period {start} to {end}: both ends need a time zone")
    ids = [int(i) for i in series_ids]
    with driver_cursor(connection) as cursor:
        arrays = copy_out(cursor, POINTS, [ids, start.astimezone(UTC), end.astimezone(UTC)], TYPES)
    series_id, time, value, quality = arrays
    order = np.lexsort((time, series_id))
    return pd.DataFrame(
        {
            "series_id": series_id[order],
            "time": pd.DatetimeIndex(time[order]).tz_localize(UTC),
            "value": value[order],
            "quality": np.nan_to_num(quality[order], nan=1.0),
        }
    )
