"""Rollups from the log of dirty hours: per series and hour, per series and day, and over a platform's metric.

A bucket is always recomputed whole from the raw readings, so late and corrected rows repair theirs. A day whose
raw readings have left the store is never recomputed: what is left of it would overwrite the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa

from analytics.errors import ValueRefused
from analytics.store.engine import driver_cursor
from analytics.store.partitions import day_bounds

ROLLUP_LOCK = 0x726F6C6C
Progress = Callable[[float], None]

ROLL = """
INSERT INTO {table} (series_id, n, bucket, last_time, sum_value, min_value, max_value, first_value, last_value,
                     p50_value, p95_value, p99_value)
SELECT series_id, n, bucket, last_time, total, low, high, sorted[1], sorted[n], pct[1], pct[2], pct[3] FROM (
    SELECT series_id, date_trunc('{unit}', time, 'UTC') AS bucket, count(*)::int AS n, max(time) AS last_time,
           sum(value) AS total, min(value) AS low, max(value) AS high, array_agg(value ORDER BY time) AS sorted,
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY value) AS pct
    FROM points WHERE time >= %(start)s AND time < %(end)s AND series_id <> ALL(%(left_out)s)
    GROUP BY series_id, bucket
) AS rolled ORDER BY series_id, bucket
"""
FORGET = """
DELETE FROM {table} WHERE bucket >= %(start)s AND bucket < %(end)s AND series_id <> ALL(%(left_out)s)
"""
# series whose day is no longer raw keep the rollup they have
LEFT_OUT = """
SELECT coalesce(array_agg(s.series_id), '{}') FROM tier_days t JOIN series s USING (platform) WHERE t.day = %(day)s
"""
DAILY_AGGREGATE = """
INSERT INTO aggregated_metrics (time, platform, metric_type, aggregation, avg_value, min_value, max_value, sum_value,
                                count_value, p50_value, p95_value, p99_value)
SELECT %(start)s, platform, metric_type, 'daily', avg(value), min(value), max(value), sum(value), count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY value), percentile_cont(0.95) WITHIN GROUP (ORDER BY value),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY value)
FROM points JOIN series USING (series_id)
WHERE time >= %(start)s AND time < %(end)s AND series_id <> ALL(%(left_out)s) GROUP BY platform, metric_type
ON CONFLICT (time, platform, metric_type, aggregation) DO UPDATE SET
    avg_value = excluded.avg_value, min_value = excluded.min_value, max_value = excluded.max_value,
    sum_value = excluded.sum_value, count_value = excluded.count_value, p50_value = excluded.p50_value,
    p95_value = excluded.p95_value, p99_value = excluded.p99_value, created_at = now()
"""
# a month's raw readings are not all kept: its percentiles are those of the hourly means
LONG_AGGREGATE = """
INSERT INTO aggregated_metrics (time, platform, metric_type, aggregation, avg_value, min_value, max_value, sum_value,
                                count_value, p50_value, p95_value, p99_value)
SELECT %(start)s, platform, metric_type, %(aggregation)s, sum(sum_value) / sum(n), min(min_value), max(max_value),
       sum(sum_value), sum(n), percentile_cont(0.5) WITHIN GROUP (ORDER BY sum_value / n),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY sum_value / n),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY sum_value / n)
FROM metric_hourly JOIN series USING (series_id)
WHERE bucket >= %(start)s AND bucket < %(end)s GROUP BY platform, metric_type
ON CONFLICT (time, platform, metric_type, aggregation) DO UPDATE SET
    avg_value = excluded.avg_value, min_value = excluded.min_value, max_value = excluded.max_value,
    sum_value = excluded.sum_value, count_value = excluded.count_value, p50_value = excluded.p50_value,
    p95_value = excluded.p95_value, p99_value = excluded.p99_value, created_at = now()
WHERE aggregated_metrics.count_value <= excluded.count_value
"""
MARK = "INSERT INTO aggregate_dirty (aggregation, time) VALUES (%s, %s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class RolledUp:
    """How much one run recomputed; `waiting` are dirty hours another run holds or that came meanwhile."""

    hours: int = 0
    days: int = 0
    periods: int = 0


def roll_up(engine: sa.Engine, *, now: datetime, progress: Progress | None = None) -> RolledUp:
    """Work off the dirty log: a day's hours in one transaction, oldest first; then closed days, weeks and months.

    Interrupted anywhere, what was not committed stays in the log. Two at once take turns. A day whose values the
    database cannot add up stays in the log with the reason, and stops no other.

    Args:
        now: days that ended before it are rolled up as days.
        progress: called with the share done, 0 to 1.
    Raises:
        ValueRefused: days, weeks or months could not be rolled up; all others are.
    """
    hours, failures = 0, list[str]()
    days = _dirty_days(engine)
    for done, day in enumerate(days):
        hours += _in_turn(engine, partial(_roll_hours, day=day), failures, "hourly", day_bounds(day))
        if progress is not None:
            progress((done + 1) / (2 * len(days)))
    closed = _dirty_aggregates(engine, "daily", day_bounds(now.astimezone(UTC).date())[0])
    for done, start in enumerate(closed):
        _in_turn(engine, partial(_roll_day, day=start.date()), failures, "daily", (start, start))
        if progress is not None:
            progress(0.5 + (done + 1) / (2 * len(closed)))
    periods = 0
    for aggregation in ("weekly", "monthly"):
        for start in _dirty_aggregates(engine, aggregation, now):
            rolled = partial(_roll_period, aggregation=aggregation, start=start)
            _in_turn(engine, rolled, failures, aggregation, (start, start))
            periods += 1
    if failures:
        raise ValueRefused(f"{len(failures)} could not be rolled up, all others are: {'; '.join(failures[:3])}")
    return RolledUp(hours, len(closed), periods)


def backlog(connection: sa.Connection) -> int:
    """Hours waiting to be rolled up."""
    return int(connection.scalar(sa.text("SELECT count(DISTINCT bucket) FROM rollup_dirty")) or 0)


def period_of(aggregation: str, moment: datetime) -> tuple[datetime, datetime]:
    """The UTC week (from Monday) or month that holds `moment`.

    >>> [str(end.date()) for end in period_of("weekly", datetime(2026, 10, 1, tzinfo=UTC))]
    ['2026-09-28', '2026-10-05']
    """
    day = moment.astimezone(UTC).date()
    if aggregation == "weekly":
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1)
    return day_bounds(first)[0], day_bounds(last)[0]


def failing(connection: sa.Connection) -> list[tuple[str, datetime, str]]:
    """What could not be rolled up: rollup, start of its day or period, and why; oldest first."""
    query = (
        "SELECT DISTINCT 'hourly', date_trunc('day', bucket, 'UTC') AS start, error FROM rollup_dirty"
        " WHERE error IS NOT NULL"
        " UNION SELECT aggregation, time, error FROM aggregate_dirty WHERE error IS NOT NULL ORDER BY start"
    )
    return [(kind, start, error) for kind, start, error in connection.execute(sa.text(query))]


def _in_turn(
    engine: sa.Engine,
    work: Callable[[psycopg.Cursor[Any]], int],
    failures: list[str],
    kind: str,
    span: tuple[datetime, datetime],
) -> int:
    """Do one piece in a transaction of its own; where its values are at fault, note that in the log and go on."""
    try:
        with engine.begin() as connection, driver_cursor(connection) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLUP_LOCK])
            return work(cursor)
    except psycopg.DataError as exc:
        why = " ".join(str(exc).split())
    failures.append(f"{kind} {span[0]:%Y-%m-%d}: {why}")
    with engine.begin() as connection:
        if kind == "hourly":
            noted = sa.text("UPDATE rollup_dirty SET error = :why WHERE bucket >= :start AND bucket < :end")
        else:
            noted = sa.text("UPDATE aggregate_dirty SET error = :why WHERE aggregation = :kind AND time = :start")
        connection.execute(noted, {"why": why, "start": span[0], "end": span[1], "kind": kind})
    return 0


def _dirty_days(engine: sa.Engine) -> list[date]:
    with engine.connect() as connection:
        days = "SELECT DISTINCT (bucket AT TIME ZONE 'UTC')::date FROM rollup_dirty ORDER BY 1"
        return list(connection.scalars(sa.text(days)))


def _dirty_aggregates(engine: sa.Engine, aggregation: str, before: datetime) -> list[datetime]:
    with engine.connect() as connection:
        wanted = "SELECT time FROM aggregate_dirty WHERE aggregation = :aggregation AND time < :before ORDER BY 1"
        return list(connection.scalars(sa.text(wanted), {"aggregation": aggregation, "before": before}))


def _roll_hours(cursor: psycopg.Cursor[Any], day: date) -> int:
    start, end = day_bounds(day)
    cursor.execute(
        "WITH gone AS (DELETE FROM rollup_dirty WHERE bucket >= %s AND bucket < %s RETURNING bucket)"
        " SELECT DISTINCT bucket FROM gone ORDER BY 1",
        [start, end],
    )
    hours = [row[0] for row in cursor.fetchall()]
    left_out = _left_out(cursor, day)
    for first, last in _stretches(hours):
        bounds = {"start": first, "end": last, "left_out": left_out}
        cursor.execute(FORGET.format(table="metric_hourly").encode(), bounds)
        cursor.execute(ROLL.format(table="metric_hourly", unit="hour").encode(), bounds)
    if hours:
        cursor.execute(MARK, ["daily", start])
    return len(hours)


def _roll_day(cursor: psycopg.Cursor[Any], day: date) -> int:
    start, end = day_bounds(day)
    bounds = {"start": start, "end": end, "left_out": _left_out(cursor, day)}
    cursor.execute("DELETE FROM aggregate_dirty WHERE aggregation = 'daily' AND time = %s", [start])
    cursor.execute(FORGET.format(table="metric_daily").encode(), bounds)
    cursor.execute(ROLL.format(table="metric_daily", unit="day").encode(), bounds)
    cursor.execute(DAILY_AGGREGATE, bounds)
    for aggregation in ("weekly", "monthly"):
        cursor.execute(MARK, [aggregation, period_of(aggregation, start)[0]])
    return 1


def _roll_period(cursor: psycopg.Cursor[Any], aggregation: str, start: datetime) -> int:
    first, last = period_of(aggregation, start)
    cursor.execute("DELETE FROM aggregate_dirty WHERE aggregation = %s AND time = %s", [aggregation, start])
    cursor.execute(LONG_AGGREGATE, {"start": first, "end": last, "aggregation": aggregation})
    return 1


def _left_out(cursor: psycopg.Cursor[Any], day: date) -> list[int]:
    cursor.execute(LEFT_OUT, {"day": day})
    row = cursor.fetchone()
    return list(row[0]) if row else []


def _stretches(hours: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Runs of consecutive hours as half-open spans, so that a whole day is one statement."""
    first = 0
    for i, hour in enumerate(hours):
        if i + 1 == len(hours) or hours[i + 1] - hour > timedelta(hours=1):
            yield hours[first], hour + timedelta(hours=1)
            first = i + 1
