"""Reading: the list of series, and points as time-zone-aware frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from analytics.errors import InputError, StoreError
from analytics.store import tables
from analytics.store.archive import Archive, Entry
from analytics.store.copying import copy_out
from analytics.store.engine import driver_cursor
from analytics.store.partitions import day_bounds
from analytics.store.tiers import entries, tier_of_days

TIERS = ("hot", "archive", "warm", "cold")
HOT = (
    "SELECT series_id, time, value, coalesce(quality, 'NaN') FROM points"
    " WHERE series_id = ANY(%s) AND time >= %s AND time < %s"
)
LATE = (
    "SELECT series_id, time, value, 'NaN'::real FROM late_points WHERE series_id = ANY(%s) AND time >= %s AND time < %s"
)
WARM = (
    "SELECT h.series_id, h.last_time, h.last_value, 'NaN'::real FROM metric_hourly h JOIN series USING (series_id)"
    " WHERE h.series_id = ANY(%s) AND platform = %s AND h.bucket >= %s AND h.bucket < %s"
    " AND h.last_time >= %s AND h.last_time < %s"
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


def read_readings(
    connection: sa.Connection,
    archive: Archive | None,
    series_ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    thinned: bool = False,
) -> pd.DataFrame:
    """Readings of series in [start, end) from every tier, sorted by series and time.

    Args:
        thinned: where raw readings are no longer kept, give the last reading of each hour (warm) or day (cold).
            Right for levels and counters; a sum over such readings is not the period's sum.
    Returns:
        series_id, time (UTC), value, quality (1: nothing odd), tier (hot, archive, warm, cold) and resolution_s: 0
        where every reading is given, else the seconds one reading stands for.
    """
    check_period(start, end)
    ids = [int(i) for i in series_ids]
    with driver_cursor(connection) as cursor:
        parts = [_part(copy_out(cursor, HOT, [ids, start, end], TYPES), "hot", 0)]
        days = tiered_days(connection, ids, start, end)
        if days:
            parts.append(_part(copy_out(cursor, LATE, [ids, start, end], TYPES), "archive", 0))
    if days:
        parts += _archived(archive, ids, days, start, end)
        if thinned:
            parts += _thinned(connection, archive, ids, days, start, end)
    return _together(parts)


def check_period(start: datetime, end: datetime) -> None:
    """Refuse a period without time zones."""
    if start.tzinfo is None or end.tzinfo is None:
        raise InputError(f"period {start} to {end}: both ends need a time zone")


@dataclass(frozen=True, slots=True)
class TieredDays:
    """Days of a period that are no longer hot, for the platforms of some series."""

    tiers: Mapping[tuple[str, date], str]
    raw: Sequence[Entry]
    daily: Sequence[Entry]

    def __bool__(self) -> bool:
        return bool(self.tiers)

    def without_raw(self, tier: str) -> list[tuple[str, date]]:
        """Platform's days of a tier whose raw readings are not in the archive either."""
        archived = {(entry.platform, entry.day) for entry in self.raw}
        return sorted(at for at, found in self.tiers.items() if found == tier and at not in archived)


def tiered_days(connection: sa.Connection, series_ids: Sequence[int], start: datetime, end: datetime) -> TieredDays:
    """What of [start, end) is no longer hot for these series' platforms."""
    first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    platforms = connection.scalars(
        sa.text("SELECT DISTINCT platform FROM series WHERE series_id = ANY(:ids)"), {"ids": list(series_ids)}
    ).all()
    tiers = tier_of_days(connection, platforms, first, last)
    if not tiers:
        return TieredDays({}, [], [])
    daily = entries(connection, platforms, first, last, "daily")
    return TieredDays(tiers, entries(connection, platforms, first, last, "raw"), daily)


def archived_table(archive: Archive | None, entry: Entry, series_ids: Sequence[int]) -> pd.DataFrame:
    """The rows of an archived file that belong to these series."""
    if archive is None:
        raise StoreError(f"{entry.platform} {entry.day} is in the archive, and this store was opened without one")
    frame: pd.DataFrame = archive.read(entry.location, series_ids=list(series_ids)).to_pandas()
    return frame


def _archived(
    archive: Archive | None,
    ids: Sequence[int],
    days: TieredDays,
    start: datetime,
    end: datetime,
) -> list[pd.DataFrame]:
    found = []
    for entry in days.raw:
        frame = archived_table(archive, entry, ids)
        frame = frame[(frame["time"] >= start) & (frame["time"] < end)]
        found.append(frame[["series_id", "time", "value", "quality"]].assign(tier="archive", resolution_s=0))
    return found


def _thinned(
    connection: sa.Connection,
    archive: Archive | None,
    ids: Sequence[int],
    days: TieredDays,
    start: datetime,
    end: datetime,
) -> list[pd.DataFrame]:
    warm = days.without_raw("warm")
    found = []
    with driver_cursor(connection) as cursor:
        for platform, day in warm:
            bounds = [ids, platform, *day_bounds(day), start, end]
            found.append(_part(copy_out(cursor, WARM, bounds, TYPES), "warm", 3600))
    cold = set(days.without_raw("cold"))
    for entry in days.daily:
        if (entry.platform, entry.day) in cold:
            frame = archived_table(archive, entry, ids).rename(columns={"last_time": "time", "last_value": "value"})
            frame = frame[(frame["time"] >= start) & (frame["time"] < end)]
            frame = frame[["series_id", "time", "value"]].assign(quality=np.float32(np.nan))
            found.append(frame.assign(tier="cold", resolution_s=86_400))
    return found


def _part(arrays: Sequence[npt.NDArray[Any]], tier: str, resolution_s: int) -> pd.DataFrame:
    series_id, time, value, quality = arrays
    return pd.DataFrame(
        {
            "series_id": series_id,
            "time": pd.DatetimeIndex(time).tz_localize(UTC),
            "value": value,
            "quality": quality,
            "tier": pd.Categorical.from_codes(
                np.full(len(value), TIERS.index(tier), np.int8), categories=pd.Index(TIERS)
            ),
            "resolution_s": np.full(len(value), resolution_s, np.int32),
        }
    )


def _together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)] or list(parts[:1])
    frame = filled[0] if len(filled) == 1 else pd.concat(filled, ignore_index=True)
    # without its zone: with it pandas would make an object of every instant
    times, series_ids = frame["time"].dt.tz_localize(None).to_numpy(), frame["series_id"].to_numpy()
    frame = frame.take(np.lexsort((times, series_ids))).reset_index(drop=True)
    kinds = {"time": "datetime64[us, UTC]", "quality": "float32", "resolution_s": "int32"}
    frame["quality"] = np.nan_to_num(frame["quality"].to_numpy(np.float32), nan=1.0)
    return frame.astype(kinds | {"tier": pd.CategoricalDtype(list(TIERS))})
