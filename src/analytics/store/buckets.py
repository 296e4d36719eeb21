"""Hours and days of series from every tier: how many readings, their sum, extremes, first, last, percentiles.

Hours and UTC days come from the rollups, and from raw readings where those wait to be rolled up. Days of another
zone, and hours of one that is not whole hours from UTC, are cut out of raw readings; where these are no longer kept,
days are made of hours, if the zone's begin with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.model import zone_of
from analytics.store.archive import Archive
from analytics.store.copying import copy_out
from analytics.store.engine import driver_cursor
from analytics.store.reading import TIERS, TieredDays, archived_table, check_period, read_readings, tiered_days
from analytics.store.tiers import ROLLUP, ROLLUP_TYPES

Unit = Literal["hour", "day"]
RESOLUTION_S = {"hour": 3600, "day": 86_400}
PERCENTILES = {"p50_value": 0.5, "p95_value": 0.95, "p99_value": 0.99}
COLUMNS = [*ROLLUP, "tier", "resolution_s"]
ROLLED = (
    "SELECT {columns} FROM {table} WHERE series_id = ANY(%s) AND bucket >= %s AND bucket < %s"
    " AND bucket <> ALL(%s::timestamptz[])"
)


def read_buckets(
    connection: sa.Connection,
    archive: Archive | None,
    series_ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    unit: Unit = "hour",
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Buckets of series that begin in [start, end), sorted by series and bucket.

    Returns:
        series_id, bucket (aware, in `timezone`), n, last_time, sum_value, min_value, max_value, first_value,
        last_value, p50_value, p95_value, p99_value (NaN where they cannot be told any more), late (readings the
        percentiles do not hold), tier (the coldest the bucket was made from) and resolution_s of what it was made from.
    Raises:
        InputError: days or hours of this zone cannot be cut out of what is still kept; the message names the first such
            day.
    """
    check_period(start, end)
    ids = [int(i) for i in series_ids]
    zone_of(timezone)
    if unit == "day" and timezone != "UTC":
        frame = _local_days(connection, archive, ids, start, end, timezone)
    elif unit == "hour" and _begins_within_hours(start, end, timezone):
        frame = _local_hours(connection, archive, ids, start, end, timezone)
    else:
        frame = _utc_buckets(connection, archive, ids, start, end, unit)
    frame = frame.sort_values(["series_id", "bucket"], ignore_index=True)
    frame["bucket"] = frame["bucket"].dt.tz_convert(timezone)
    return frame[COLUMNS]


def _utc_buckets(
    connection: sa.Connection, archive: Archive | None, ids: list[int], start: datetime, end: datetime, unit: Unit
) -> pd.DataFrame:
    days = tiered_days(connection, ids, start, end)
    dirty = _dirty(connection, start, end, unit)
    table = "metric_hourly" if unit == "hour" else "metric_daily"
    with driver_cursor(connection) as cursor:
        query = ROLLED.format(columns=", ".join(ROLLUP), table=table)
        arrays = copy_out(cursor, query, [ids, start, end, dirty], ROLLUP_TYPES)
    rolled = pd.DataFrame(dict(zip(ROLLUP, arrays, strict=True)))
    for name in ("bucket", "last_time"):
        rolled[name] = rolled[name].dt.tz_localize(UTC)
    parts = [_with_tier(connection, rolled, days, unit)]
    for first, last in _stretches(dirty, unit):
        parts.append(summarise(read_readings(connection, archive, ids, first, last), unit, "UTC"))
    parts += _cold(archive, ids, days, start, end, unit)
    return combine(parts)


def _with_tier(connection: sa.Connection, rolled: pd.DataFrame, days: TieredDays, unit: Unit) -> pd.DataFrame:
    if not days:
        return rolled.assign(tier="hot", resolution_s=0)
    query = sa.text("SELECT series_id, platform FROM series WHERE series_id = ANY(:ids)")
    found = connection.execute(query, {"ids": rolled["series_id"].unique().tolist()})
    platforms = {row.series_id: row.platform for row in found}
    keys = zip(rolled["series_id"].map(platforms), rolled["bucket"].dt.date, strict=True)
    is_tiered = np.fromiter((key in days.tiers for key in keys), bool, len(rolled))
    tier = np.where(is_tiered, "warm", "hot")
    return rolled.assign(tier=tier, resolution_s=np.where(is_tiered, RESOLUTION_S[unit], 0))


def _cold(
    archive: Archive | None, ids: list[int], days: TieredDays, start: datetime, end: datetime, unit: Unit
) -> list[pd.DataFrame]:
    """Days from the archive's daily rollups, hours only where the archive has raw readings."""
    cold = {at for at, tier in days.tiers.items() if tier == "cold"}
    found = []
    for entry in days.daily if unit == "day" else days.raw:
        if (entry.platform, entry.day) not in cold:
            continue
        frame = archived_table(archive, entry, ids)
        if unit == "day":
            frame = frame[(frame["bucket"] >= start) & (frame["bucket"] < end)]
            found.append(frame[list(ROLLUP)].assign(tier="cold", resolution_s=RESOLUTION_S[unit]))
        else:
            frame = frame[(frame["time"] >= start) & (frame["time"] < end)]
            found.append(summarise(frame.assign(tier="archive", resolution_s=0), unit, "UTC"))
    return found


def _local_days(
    connection: sa.Connection, archive: Archive | None, ids: list[int], start: datetime, end: datetime, timezone: str
) -> pd.DataFrame:
    start, end = _midnight(start, timezone), _midnight(end, timezone)
    days = tiered_days(connection, ids, start, end)
    if cold := days.without_raw("cold"):
        raise InputError(
            f"{cold[0][0]} {cold[0][1]}: only its UTC day is kept, days of {timezone} cannot be cut out of it"
        )
    parts = [summarise(read_readings(connection, archive, ids, start, end), "day", timezone)]
    warm = days.without_raw("warm")
    if warm:
        hours = _utc_buckets(connection, archive, ids, start, end, "hour")
        hours = hours[hours["tier"] == "warm"]
        local = hours["bucket"].dt.tz_convert(timezone)
        if (local.dt.minute != 0).any():
            raise InputError(f"{warm[0][0]} {warm[0][1]}: only UTC hours are kept, days of {timezone} begin within one")
        parts.append(hours.assign(bucket=local.dt.normalize(), **dict.fromkeys(PERCENTILES, np.nan)))
    return combine(parts)


def _local_hours(
    connection: sa.Connection, archive: Archive | None, ids: list[int], start: datetime, end: datetime, timezone: str
) -> pd.DataFrame:
    days = tiered_days(connection, ids, start, end)
    for tier in ("warm", "cold"):
        if kept := days.without_raw(tier):
            what = "UTC hours are" if tier == "warm" else "its UTC day is"
            raise InputError(
                f"{kept[0][0]} {kept[0][1]}: only {what} kept, hours of {timezone} cannot be cut out of them"
            )
    first, last = _hour(pd.Series(pd.DatetimeIndex([start, end])), timezone, up=True).dt.to_pydatetime()
    return combine([summarise(read_readings(connection, archive, ids, first, last), "hour", timezone)])


def _begins_within_hours(start: datetime, end: datetime, timezone: str) -> bool:
    """Whether the zone's hours begin within a UTC hour anywhere in a period."""
    days = pd.DatetimeIndex([*pd.date_range(start, end, freq="D"), start, end])
    return bool((days.tz_convert(timezone).minute != days.minute).any())


def _hour(times: pd.Series[Any], timezone: str, *, up: bool = False) -> pd.Series[Any]:
    """The local hour's begin at or before each instant, or at or after it; right on days that change the clock."""
    utc = times.dt.tz_convert(UTC).dt.tz_localize(None)
    offset = times.dt.tz_convert(timezone).dt.tz_localize(None) - utc
    local = utc + offset
    hour = pd.DatetimeIndex((local.dt.ceil("h") if up else local.dt.floor("h")) - offset)
    return pd.Series(hour.tz_localize(UTC), index=times.index)


def _midnight(moment: datetime, timezone: str) -> datetime:
    """The first midnight of a zone at or after an instant."""
    local = pd.Timestamp(moment).tz_convert(timezone)
    midnight = local.normalize() if local == local.normalize() else (local + pd.DateOffset(days=1)).normalize()
    return midnight.tz_convert(UTC).to_pydatetime()


def summarise(readings: pd.DataFrame, unit: Unit, timezone: str) -> pd.DataFrame:
    """Buckets of raw readings; local days and hours begin when the zone's clock says so, whatever its offset then."""
    ordered = readings.sort_values(["series_id", "time"])
    local = ordered["time"].dt.tz_convert(timezone)
    bucket = local.dt.normalize() if unit == "day" else _hour(ordered["time"], timezone)
    grouped = ordered.assign(bucket=bucket).groupby(["series_id", "bucket"], sort=True)
    values = grouped["value"]
    frame = pd.DataFrame(
        {
            "n": values.count(),
            "last_time": grouped["time"].last(),
            "sum_value": values.sum(),
            "min_value": values.min(),
            "max_value": values.max(),
            "first_value": values.first(),
            "last_value": values.last(),
            **{name: values.quantile(q) for name, q in PERCENTILES.items()},
            "late": 0,
            "tier": [TIERS[int(code)] for code in grouped["tier"].agg(_coldest)] if len(ordered) else [],
            "resolution_s": grouped["resolution_s"].max(),
        }
    )
    return frame.reset_index()


def combine(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row a series and bucket: pieces of the same bucket are merged, which leaves no percentiles."""
    filled = [part[COLUMNS].assign(bucket=part["bucket"].dt.tz_convert(UTC)) for part in parts if len(part)]
    if not filled:
        return _empty()
    frame = pd.concat(filled, ignore_index=True)
    frame = frame.astype(dict.fromkeys(("n", "late", "resolution_s"), "int64"))
    again = frame.duplicated(["series_id", "bucket"], keep=False)
    if not again.any():
        return frame
    pieces = frame[again].sort_values(["series_id", "bucket", "last_time"])
    grouped = pieces.groupby(["series_id", "bucket"])
    merged = grouped.agg(
        n=("n", "sum"),
        last_time=("last_time", "last"),
        sum_value=("sum_value", "sum"),
        min_value=("min_value", "min"),
        max_value=("max_value", "max"),
        first_value=("first_value", "first"),
        last_value=("last_value", "last"),
        late=("late", "sum"),
        tier=("tier", _coldest),
        resolution_s=("resolution_s", "max"),
    ).assign(**dict.fromkeys(PERCENTILES, np.nan))
    merged["tier"] = [TIERS[int(code)] for code in merged["tier"]]
    return pd.concat([frame[~again], merged.reset_index()], ignore_index=True)


def _coldest(tiers: pd.Series[Any]) -> int:
    return max(TIERS.index(tier) for tier in tiers.unique())


def _empty() -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
    whole: dict[str, Any] = dict.fromkeys(("n", "late", "resolution_s"), "int64") | {"series_id": "int32"}
    return frame.astype(whole | dict.fromkeys(("bucket", "last_time"), "datetime64[us, UTC]") | {"tier": "str"})


def _dirty(connection: sa.Connection, start: datetime, end: datetime, unit: Unit) -> list[datetime]:
    """Buckets whose rollup is not up to date: hours in the log; for days also those not rolled up yet."""
    if unit == "hour":
        query = "SELECT DISTINCT bucket FROM rollup_dirty WHERE bucket >= :start AND bucket < :end"
    else:
        query = (
            "SELECT date_trunc('day', bucket, 'UTC') FROM rollup_dirty WHERE bucket >= :start AND bucket < :end"
            " UNION SELECT time FROM aggregate_dirty WHERE aggregation = 'daily' AND time >= :start AND time < :end"
        )
    whole_day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    buckets = connection.scalars(sa.text(query), {"start": whole_day, "end": end})
    return sorted(bucket for bucket in buckets if bucket >= start)


def _stretches(buckets: list[datetime], unit: Unit) -> list[tuple[datetime, datetime]]:
    step = timedelta(seconds=RESOLUTION_S[unit])
    found: list[tuple[datetime, datetime]] = []
    for bucket in buckets:
        if found and found[-1][1] == bucket:
            found[-1] = (found[-1][0], bucket + step)
        else:
            found.append((bucket, bucket + step))
    return found
