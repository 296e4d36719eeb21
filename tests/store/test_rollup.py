"""Rollups say what the raw readings say, whenever and in whatever order those came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.errors import ValueRefused
from analytics.jobs.watching.health import rollups
from analytics.store import Collection, Store, open_store
from analytics.store.rollup import backlog

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = Collection("reddit", "import")


def readings(days: float = 2, accounts: int = 2, seed: int = 7, start: datetime = START) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    times = pd.date_range(start, start + timedelta(days=days), freq="7min", inclusive="left")
    frames = [
        pd.DataFrame(
            {
                "platform": "reddit",
                "metric_type": "posts",
                "author_id": str(account),
                "time": times,
                "value": random.normal(100, 20, len(times)).round(3),
            }
        )
        for account in range(accounts)
    ]
    return pd.concat(frames, ignore_index=True)


def rollup(store: Store, table: str = "metric_hourly") -> pd.DataFrame:
    with store.engine.connect() as connection:
        frame = pd.read_sql(
            sa.text(f"SELECT r.*, author_id FROM {table} r JOIN series USING (series_id) ORDER BY author_id, bucket"),
            connection,
        )
    return frame.drop(columns=["series_id", "late"]).set_index(["author_id", "bucket"])


def expected(frame: pd.DataFrame, unit: str = "h") -> pd.DataFrame:
    """The same by pandas."""
    sorted_frame = frame.sort_values("time")
    grouped = sorted_frame.groupby([sorted_frame["author_id"], sorted_frame["time"].dt.floor(unit).rename("bucket")])
    values = grouped["value"]
    return pd.DataFrame(
        {
            "n": values.count(),
            "last_time": grouped["time"].last(),
            "sum_value": values.sum(),
            "min_value": values.min(),
            "max_value": values.max(),
            "first_value": values.first(),
            "last_value": values.last(),
            "p50_value": values.quantile(0.5),
            "p95_value": values.quantile(0.95),
            "p99_value": values.quantile(0.99),
        }
    )


def assert_same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_index_type=False, rtol=1e-12)


@pytest.mark.parametrize(("table", "unit"), [("metric_hourly", "h"), ("metric_daily", "D")])
def test_rollups_agree_with_the_readings(store: Store, table: str, unit: str):
    frame = readings()
    store.write(frame, HERE, now=NOW)

    done = store.roll_up(now=NOW)

    assert_same(rollup(store, table), expected(frame, unit))
    assert (done.hours, done.days) == (48, 2)
    with store.engine.connect() as connection:
        assert backlog(connection) == 0


def test_late_and_corrected_rows_repair_their_hour_and_touch_no_other(store: Store):
    frame = readings()
    early = frame.sample(frac=0.8, random_state=1)
    store.write(early, HERE, now=NOW)
    store.roll_up(now=NOW)

    corrected = frame.assign(value=frame["value"].where(frame.index != 5, 999.0))
    store.write(corrected, HERE, now=NOW)
    store.roll_up(now=NOW)

    assert_same(rollup(store), expected(corrected))


def test_a_row_forty_days_late_is_right(store: Store):
    store.write(readings(days=1), HERE, now=NOW)
    store.roll_up(now=NOW)
    late = readings(days=0.1, seed=3, start=START - timedelta(days=40))

    store.write(late, HERE, now=NOW)
    done = store.roll_up(now=NOW)

    assert done.hours == 3
    assert_same(rollup(store), expected(pd.concat([late, readings(days=1)])))


def test_a_second_run_has_nothing_to_do(store: Store):
    store.write(readings(), HERE, now=NOW)
    store.roll_up(now=NOW)

    again = store.roll_up(now=NOW)

    assert (again.hours, again.days, again.periods) == (0, 0, 0)


def test_the_running_day_waits_until_it_is_over(store: Store):
    store.write(readings(days=1), HERE, now=NOW)

    during = store.roll_up(now=START + timedelta(hours=12))
    after = store.roll_up(now=START + timedelta(days=1))

    assert (during.hours, during.days) == (24, 0)
    assert (after.hours, after.days) == (0, 1)


def test_a_platforms_metric_is_aggregated_by_day_week_and_month(store: Store):
    frame = readings(days=10)
    store.write(frame, HERE, now=NOW)

    store.roll_up(now=NOW)

    with store.engine.connect() as connection:
        rows = pd.read_sql(sa.text("SELECT * FROM aggregated_metrics ORDER BY aggregation, time"), connection)
    assert rows.groupby("aggregation")["count_value"].sum().to_dict() == dict.fromkeys(
        ("daily", "monthly", "weekly"), len(frame)
    )
    first = frame[frame["time"] < START + timedelta(days=1)]["value"]
    daily = rows[rows["aggregation"] == "daily"].iloc[0]
    assert daily[["p50_value", "p95_value", "p99_value"]].tolist() == pytest.approx(
        first.quantile([0.5, 0.95, 0.99]).tolist()
    )
    month = rows[rows["aggregation"] == "monthly"].iloc[0]
    assert month["time"] == START
    assert month["avg_value"] == pytest.approx(frame["value"].mean())


def test_the_hourly_view_has_the_specifications_names(store: Store):
    store.write(readings(days=0.1), HERE, now=NOW)
    store.roll_up(now=NOW)

    with store.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM platform_metrics_hourly LIMIT 1")).mappings().one()

    wanted = {"bucket", "platform", "metric_type", "avg_value", "min_value", "max_value", "data_points"}
    assert wanted | {"median_value", "p95_value"} <= set(row)


def rolled_days(store: Store) -> set[str]:
    with store.begin() as connection:
        days = connection.scalars(
            sa.text("SELECT DISTINCT to_char(bucket AT TIME ZONE 'UTC', 'DD') FROM metric_hourly")
        )
        return set(days)


def test_a_day_that_cannot_be_added_up_stops_no_other(settings):
    """Its sum goes beyond what a number holds; the days behind it waited for ever, and health said nothing."""
    huge = pd.DataFrame(
        {
            "platform": "reddit",
            "metric_type": "posts",
            "author_id": "0",
            "time": pd.to_datetime(["2026-10-02T00:10Z", "2026-10-02T00:20Z"]),
            "value": 1.7e308,
        }
    )
    with open_store(settings) as store:
        store.write(readings(days=1), HERE, now=NOW)
        store.write(huge, HERE, now=NOW)
        store.write(readings(days=1, start=START + timedelta(days=2)), HERE, now=NOW)

        for _ in range(2):
            with pytest.raises(ValueRefused, match="hourly 2026-10-02: value out of range"):
                store.roll_up(now=NOW)
        done = rolled_days(store)
        status, said = rollups(settings)
        with store.begin() as connection:
            connection.execute(sa.text("UPDATE points SET value = 1 WHERE value > 1e300"))
        store.roll_up(now=NOW)

        assert done == {"01", "03"}
        assert (status, "hourly 2026-10-02: value out of range" in said) == ("degraded", True)
        assert rollups(settings)[0] == "healthy"
        assert rolled_days(store) == {"01", "02", "03"}
