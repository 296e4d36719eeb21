"""Moving days down the tiers: roll up, write, read back and compare, log, and only then drop.

Each step commits by itself and the next run plans from what the database says, so an interruption anywhere costs
time and nothing else. Writers are held off only while one platform's day changes its tier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from analytics.errors import StoreError, ValueRefused
from analytics.store.archive import Archive, checksum
from analytics.store.partitions import day_bounds, days_with_points, drop_day
from analytics.store.rollup import roll_up
from analytics.store.tiers import log_entry, raw_table, rollup_table
from analytics.store.writing import LIFECYCLE_LOCK

if TYPE_CHECKING:
    from analytics.params.files import Params

MOST_FAILURES = 3  # in a row
RUN_LOCK = 0x72756E6C
Tier = Literal["warm", "cold", "gone"]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a platform's readings stay in each tier, in days; the specification's defaults."""

    raw_days: int = 30
    hourly_days: int = 90
    cold: bool = True
    archive_raw: bool = False
    derived: bool = True


DEFAULT = Keep()


@dataclass(frozen=True, slots=True)
class Step:
    """One platform's day to be moved; `rows` are its raw readings or hourly rollups."""

    platform: str
    day: date
    to: Tier
    rows: int
    archives: tuple[str, ...]

    def __str__(self) -> str:
        kept = " and ".join(f"{content} to the archive" for content in self.archives) or "nothing archived"
        return f"{self.day} {self.platform}: {self.rows:,} rows → {self.to}, {kept}"


def keeps_of(params: Params) -> dict[str, Keep]:
    """What the params say per platform, over the defaults."""
    keeps = {}
    for name, platform in params.platforms.items():
        policy = platform.policy
        raw_days = policy.raw_days or DEFAULT.raw_days
        keeps[name] = Keep(
            raw_days=raw_days,
            hourly_days=max(raw_days, policy.hourly_days or DEFAULT.hourly_days),
            cold=policy.keep_cold,
            archive_raw=policy.archive_raw and policy.keep_cold,
            derived=policy.keep_cold or policy.amendment_accepted,
        )
    return keeps


def plan(connection: sa.Connection, keeps: Mapping[str, Keep], today: date) -> list[Step]:
    """What a run would do, oldest day first; nothing is changed."""
    steps = []
    for day in days_with_points(connection):
        if day >= today - timedelta(days=min([DEFAULT.raw_days, *(keep.raw_days for keep in keeps.values())])):
            break
        for platform, rows in _platforms_on(connection, day):
            keep = keeps.get(platform, DEFAULT)
            if day < today - timedelta(days=keep.raw_days):
                steps.append(Step(platform, day, "warm", rows, ("raw",) if keep.archive_raw else ()))
    warm = "SELECT platform, day FROM tier_days WHERE tier = 'warm'"
    warm_days = {(row.platform, row.day) for row in connection.execute(sa.text(warm))}
    for platform, day in sorted(warm_days | {(s.platform, s.day) for s in steps}, key=lambda at: (at[1], at[0])):
        keep = keeps.get(platform, DEFAULT)
        if day < today - timedelta(days=keep.hourly_days):
            rows = _count(connection, "metric_hourly", "bucket", platform, day)[0]
            to: Tier = "cold" if keep.cold else "gone"
            steps.append(Step(platform, day, to, rows, ("daily",) if keep.cold else ()))
    return steps


def run(
    engine: sa.Engine,
    archive: Archive,
    keeps: Mapping[str, Keep],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> list[Step]:
    """Do what `plan` says and clear up; return what was done.

    Raises:
        StoreError: another run is under way, the archive cannot be written or read back, or a rollup does not agree
            with its raw readings. What was not done is left as it was.
    """
    with engine.connect() as guard:
        if not guard.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": RUN_LOCK}):
            raise StoreError("another lifecycle run is under way")
        guard.commit()
        try:
            return _run(engine, archive, keeps, now, progress or (lambda _: None))
        finally:
            guard.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": RUN_LOCK})
            guard.commit()


def _run(
    engine: sa.Engine, archive: Archive, keeps: Mapping[str, Keep], now: datetime, progress: Progress
) -> list[Step]:
    with suppress(ValueRefused):  # days at fault stay in the log of what is dirty, and raw below
        roll_up(engine, now=now)
    with engine.connect() as connection:
        steps = plan(connection, keeps, now.astimezone(UTC).date())
    done, failures, in_a_row = 0, list[str](), 0
    for (to, _), group in groupby(steps, key=lambda step: (step.to == "warm", step.day)):
        together = list(group)
        try:
            if to:
                _to_warm(engine, archive, together, now)
            else:
                for step in together:
                    _out_of_warm(engine, archive, step, derived=keeps.get(step.platform, DEFAULT).derived)
        except StoreError as exc:  # one day stops no other; several in a row are the archive's or the database's fault
            failures.append(f"{together[0].day}: {exc}")
            in_a_row += 1
            if in_a_row == MOST_FAILURES:
                break
        else:
            in_a_row = 0
        done += len(together)
        progress(done / len(steps))
    with engine.begin() as connection:
        _clear_up(connection, now)
    if failures:
        raise StoreError(f"{len(failures)} days could not be moved: {'; '.join(failures)}")
    return steps


def _to_warm(engine: sa.Engine, archive: Archive, steps: list[Step], now: datetime, attempts: int = 3) -> None:
    """Archive a day's raw readings if wanted, make sure the rollups hold them all, then drop them."""
    day = steps[0].day
    for _ in range(attempts):
        for step in steps:
            if "raw" in step.archives:
                _archive(engine, archive, step, "raw")
        with engine.begin() as connection:
            _hold_writers(connection)
            if not _is_dirty(connection, day) and all(_is_archived_whole(connection, step) for step in steps):
                for step in steps:
                    _compare(connection, step)
                    _mark(connection, step)
                _drop_raw(connection, steps)
                return
        with suppress(ValueRefused):  # of this day or another: the next look at the log says which
            roll_up(engine, now=now)
    raise StoreError("readings keep coming in; run the lifecycle again later")


def _out_of_warm(engine: sa.Engine, archive: Archive, step: Step, *, derived: bool) -> None:
    if "daily" in step.archives:
        _archive(engine, archive, step, "daily")
    with engine.begin() as connection:
        _hold_writers(connection)
        if "daily" in step.archives and not _is_archived_whole(connection, step):
            raise StoreError(f"{step.day} {step.platform}: rollups changed meanwhile; run the lifecycle again")
        for table in ("metric_hourly", "metric_daily"):
            _delete(connection, table, "bucket", step)
        if step.to == "gone" and not derived:
            _delete_derived(connection, step)
        _mark(connection, step)


def _archive(engine: sa.Engine, archive: Archive, step: Step, content: Literal["raw", "daily"]) -> None:
    with engine.connect() as connection:
        if content == "raw":
            table = raw_table(connection, step.platform, step.day)
        else:
            table = rollup_table(connection, "metric_daily", step.platform, step.day)
    entry = archive.write(step.platform, step.day, content, table)
    with engine.begin() as connection:
        log_entry(connection, entry)
    archive.keep_only(entry)


def _hold_writers(connection: sa.Connection) -> None:
    connection.execute(sa.text("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0"))
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LIFECYCLE_LOCK})


def _is_dirty(connection: sa.Connection, day: date) -> bool:
    start, end = day_bounds(day)
    waiting = (
        "SELECT EXISTS (SELECT 1 FROM rollup_dirty WHERE bucket >= :start AND bucket < :end)"
        " OR EXISTS (SELECT 1 FROM aggregate_dirty WHERE aggregation = 'daily' AND time = :start)"
    )
    return bool(connection.scalar(sa.text(waiting), {"start": start, "end": end}))


def _is_archived_whole(connection: sa.Connection, step: Step) -> bool:
    """Whether the logged file holds as many rows as the table it was made from, newest change included."""
    for content in step.archives:
        logged = connection.execute(
            sa.text(
                "SELECT rows, checksum FROM archive_log"
                " WHERE platform = :platform AND day = :day AND content = :content"
            ),
            {"platform": step.platform, "day": step.day, "content": content},
        ).one_or_none()
        if content == "raw":
            table = raw_table(connection, step.platform, step.day)
        else:
            table = rollup_table(connection, "metric_daily", step.platform, step.day)
        if logged is None or logged.rows != table.num_rows or logged.checksum != checksum(table):
            return False
    return True


def _compare(connection: sa.Connection, step: Step) -> None:
    raw = _count(connection, "points", "time", step.platform, step.day)
    for table in ("metric_hourly", "metric_daily"):
        rolled = _count(connection, table, "bucket", step.platform, step.day)
        if rolled[1] != raw[0] or abs(rolled[2] - raw[2]) > 1e-9 * max(abs(raw[2]), raw[3], 1.0):
            raise StoreError(
                f"{step.day} {step.platform}: {table} has {rolled[1]} readings summing to {rolled[2]}, "
                f"raw has {raw[0]} summing to {raw[2]}; nothing was dropped"
            )


def _count(connection: sa.Connection, table: str, time: str, platform: str, day: date) -> tuple[int, int, float, float]:
    """Rows, readings, their sum, and the sum of their sizes, of a platform's day."""
    start, end = day_bounds(day)
    n, value = ("1", "value") if table == "points" else ("n", "sum_value")
    row = connection.execute(
        sa.text(
            f"SELECT count(*), coalesce(sum({n}), 0), coalesce(sum({value}), 0), coalesce(sum(abs({value})), 0)"  # noqa: S608
            f" FROM {table} JOIN series USING (series_id)"
            f" WHERE platform = :platform AND {time} >= :start AND {time} < :end"
        ),
        {"platform": platform, "start": start, "end": end},
    ).one()
    return int(row[0]), int(row[1]), float(row[2]), float(row[3])


def _platforms_on(connection: sa.Connection, day: date) -> list[tuple[str, int]]:
    """Platforms with raw readings on a day, and how many."""
    start, end = day_bounds(day)
    query = (
        "SELECT platform, count(*) FROM points JOIN series USING (series_id)"
        " WHERE time >= :start AND time < :end GROUP BY platform ORDER BY platform"
    )
    return [(row[0], row[1]) for row in connection.execute(sa.text(query), {"start": start, "end": end})]


def _mark(connection: sa.Connection, step: Step) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO tier_days (platform, day, tier) VALUES (:platform, :day, :tier)"
            " ON CONFLICT (platform, day) DO UPDATE SET tier = excluded.tier, changed_at = now()"
        ),
        {"platform": step.platform, "day": step.day, "tier": step.to},
    )


def _drop_raw(connection: sa.Connection, steps: list[Step]) -> None:
    """Drop the whole partition where every platform's term is over; else delete the rows of those whose is."""
    for step in steps:
        _delete(connection, "point_faults", "time", step)
    if {platform for platform, _ in _platforms_on(connection, steps[0].day)} <= {step.platform for step in steps}:
        drop_day(connection, steps[0].day)
    else:
        for step in steps:
            _delete(connection, "points", "time", step)


def _delete(connection: sa.Connection, table: str, time: str, step: Step) -> None:
    start, end = day_bounds(step.day)
    connection.execute(
        sa.text(
            f"DELETE FROM {table} USING series s WHERE s.series_id = {table}.series_id AND s.platform = :platform"  # noqa: S608
            f" AND {table}.{time} >= :start AND {table}.{time} < :end"
        ),
        {"platform": step.platform, "start": start, "end": end},
    )


def _delete_derived(connection: sa.Connection, step: Step) -> None:
    """A policy that allows nothing past its term: also figures made from the readings."""
    start, end = day_bounds(step.day)
    bounds = {"platform": step.platform, "start": start, "end": end}
    for table in ("restatements", "late_points"):
        _delete(connection, table, "time", step)
    for table in ("aggregated_metrics", "baseline_history"):
        connection.execute(
            sa.text(f"DELETE FROM {table} WHERE platform = :platform AND time >= :start AND time < :end"),  # noqa: S608
            bounds,
        )
    connection.execute(
        sa.text(
            "UPDATE anomaly_events SET actual_value = NULL, expected_value = NULL"
            " WHERE platform = :platform AND time >= :start AND time < :end"
        ),
        bounds,
    )


def _clear_up(connection: sa.Connection, now: datetime) -> None:
    """The specification's clean-up: resolved anomalies after 180 days, reports into their archive after a year."""
    connection.execute(
        sa.text("DELETE FROM anomaly_events WHERE resolved_at IS NOT NULL AND time < :cut"),
        {"cut": now - timedelta(days=180)},
    )
    columns = [
        "report_id, report_type, period_start, period_end, platforms, status, file_path, file_size_bytes",
        "generation_time_ms, sections, metadata, created_by, created_at, completed_at",
    ]
    names = ", ".join(columns)
    connection.execute(
        sa.text(
            f"WITH old AS (DELETE FROM reports WHERE created_at < :cut RETURNING {names})"  # noqa: S608
            f" INSERT INTO reports_archive ({names}) SELECT {names} FROM old"
        ),
        {"cut": now - timedelta(days=365)},
    )
