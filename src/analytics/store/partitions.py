"""Day partitions of `points`: made before rows need them, safely under concurrent writers.

CREATE TABLE … LIKE and ATTACH takes a weaker lock than CREATE … PARTITION OF, so readers and writers go on.
An advisory lock would not do: the other session's catalogue is read before it waits. Locking the parent is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from analytics.errors import StoreError

SCHEMA = "partitions"


def partition_name(day: date) -> str:
    """Name of a day's partition, made of nothing but the date.

    >>> partition_name(date(2015, 2, 26))
    'points_20150226'
    """
    return f"points_{day:%Y%m%d}"


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of a UTC day and of the next."""
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


def is_partitioned(connection: sa.Connection) -> bool:
    """Whether `points` is partitioned by PostgreSQL itself; False where TimescaleDB keeps it."""
    kind = connection.scalar(sa.text("SELECT relkind FROM pg_class WHERE oid = to_regclass('points')"))
    return kind in {"p", b"p"}


def existing_days(connection: sa.Connection) -> list[date]:
    """Days with an attached partition, oldest first."""
    names = connection.scalars(
        sa.text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass('points') AND NOT i.inhdetachpending ORDER BY 1"
        )
    )
    return [datetime.strptime(name, "points_%Y%m%d").replace(tzinfo=UTC).date() for name in names]


def days_with_points(connection: sa.Connection) -> list[date]:
    """UTC days that have a partition or chunk, oldest first."""
    if is_partitioned(connection):
        return existing_days(connection)
    chunks = "SELECT range_start FROM timescaledb_information.chunks WHERE hypertable_name = 'points' ORDER BY 1"
    return [start.astimezone(UTC).date() for start in connection.scalars(sa.text(chunks))]


def drop_day(connection: sa.Connection, day: date) -> None:
    """Drop a day's partition or chunk with all its points, in the caller's transaction."""
    start, end = day_bounds(day)
    if is_partitioned(connection):
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {SCHEMA}.{partition_name(day)}"))
    else:
        drop = "SELECT drop_chunks('points', CAST(:end AS timestamptz), CAST(:start AS timestamptz))"
        connection.execute(sa.text(drop), {"start": start, "end": end})


def ensure_days(engine: sa.Engine, days: Iterable[date]) -> int:
    """Make the missing partitions of `days`, in a transaction of their own; return how many were made."""
    wanted = sorted(set(days))
    with engine.connect() as connection:
        if not is_partitioned(connection) or not _missing(connection, wanted):
            return 0
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE points IN SHARE UPDATE EXCLUSIVE MODE"))
            missing = _missing(connection, wanted)
            for day in missing:
                _create(connection, day)
    except sa.exc.DBAPIError as exc:
        raise StoreError(f"partitions of {wanted[0]} to {wanted[-1]}: {str(exc.orig).strip()}") from exc
    return len(missing)


def _missing(connection: sa.Connection, days: list[date]) -> list[date]:
    return sorted(set(days) - set(existing_days(connection)))


def _create(connection: sa.Connection, day: date) -> None:
    name = f"{SCHEMA}.{partition_name(day)}"
    start, end = day_bounds(day)
    connection.execute(sa.text(f"CREATE TABLE IF NOT EXISTS {name} (LIKE points INCLUDING DEFAULTS)"))
    connection.execute(
        sa.text(
            f"ALTER TABLE points ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
    )
