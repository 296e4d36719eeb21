"""A request to delete is honoured in every tier, and is on record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.ingest.landing import Landed, Landing
from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive
from analytics.store.deletion import Deletion, request

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
DAYS = (date(2026, 8, 10), date(2026, 9, 10), date(2026, 11, 10))
KEEP_RAW = Params.model_validate(
    {"platforms": {"reddit": {"adapter": "x", "display_name": "x", "policy": {"archive_raw": True}}}}
)


@pytest.fixture
def tiered(store: Store, tmp_path: Path) -> Store:
    """Two accounts in every tier, one of them also in quarantine."""
    store.archive = Archive(tmp_path / "archive")
    times = pd.DatetimeIndex([pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=h) for day in DAYS for h in range(24)])
    frame = pd.DataFrame({"platform": "reddit", "metric_type": "posts", "time": times, "value": 1.0})
    for account in ("stays", "goes"):
        store.write(frame.assign(author_id=account), Collection("reddit", "import"), now=NOW)
    bad = frame.head(1).assign(author_id="goes", value="x")
    store.write(bad, Collection("reddit", "import"), now=NOW)
    store.landing = Landing(tmp_path / "landing")
    store.landing.append(
        [Landed("reddit", name, NOW, "GET /about", "parse_about", "1", 9, b"{}") for name in ("stays", "goes")]
    )
    store.lifecycle_run(KEEP_RAW, now=NOW)
    return store


def traces(store: Store, folder: Path) -> dict[str, int]:
    found = {}
    with store.engine.connect() as connection:
        for table in ("points", "metric_hourly", "metric_daily"):
            query = f"SELECT count(*) FROM {table} JOIN series USING (series_id) WHERE author_id = 'goes'"
            found[table] = connection.scalar(sa.text(query))
        found["series"] = connection.scalar(sa.text("SELECT count(*) FROM series WHERE author_id = 'goes'"))
        found["quarantine"] = connection.scalar(sa.text("SELECT count(*) FROM quarantine"))
    assert store.landing is not None
    found["landing"] = sum(a.account == "goes" for a in store.landing.read("reddit", since=NOW.date()))
    files = list(folder.rglob("*.parquet"))
    found["archive"] = sum(pq.read_table(f, partitioning=None)["author_id"].to_pylist().count("goes") for f in files)
    return found


def test_nothing_is_left_in_any_tier_and_the_others_stay(tiered: Store, tmp_path: Path):
    stays = tiered.series(accounts=["stays"])["series_id"].tolist()
    start = datetime(2026, 8, 1, tzinfo=UTC)
    before = tiered.read_series(stays, start, NOW)

    tiered.delete(Deletion("reddit", "goes", None, "asked by the account", "ana"), now=NOW)

    assert set(traces(tiered, tmp_path / "archive").values()) == {0}
    pd.testing.assert_frame_equal(tiered.read_series(stays, start, NOW), before)
    with tiered.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT reason, requested_by, points, completed_at FROM deletions")).one()
    assert tuple(row) == ("asked by the account", "ana", 72, NOW)


AGGREGATES = """
SELECT time, aggregation, metric_type, avg_value, min_value, max_value, sum_value, count_value FROM aggregated_metrics
ORDER BY time, aggregation, metric_type
"""


def test_what_was_summed_over_accounts_is_summed_again_without_the_deleted_one(tiered: Store):
    """Two accounts that said the same: after one is gone every sum and count is half, every mean the same."""
    with tiered.engine.connect() as connection:
        before = pd.read_sql(AGGREGATES, connection)

    tiered.delete(Deletion("reddit", "goes", None, "asked"), now=NOW)

    with tiered.engine.connect() as connection:
        after = pd.read_sql(AGGREGATES, connection)
    halves = ["sum_value", "count_value"]
    assert {"daily", "weekly", "monthly"} <= set(before["aggregation"])
    assert len(before) >= 3 * len(DAYS)
    pd.testing.assert_frame_equal(after.drop(columns=halves), before.drop(columns=halves))
    pd.testing.assert_frame_equal(after[halves].astype(float), before[halves] / 2)


def test_percentiles_of_days_still_raw_come_back_with_the_next_rollup(tiered: Store):
    tiered.delete(Deletion("reddit", "goes", None, "asked"), now=NOW)

    tiered.roll_up(now=NOW)

    query = "SELECT time::date, p95_value FROM aggregated_metrics WHERE aggregation = 'daily' ORDER BY 1"
    with tiered.engine.connect() as connection:
        known = dict(tuple(row) for row in connection.execute(sa.text(query)))
    assert known == {DAYS[0]: None, DAYS[1]: None, DAYS[2]: 1.0}


def test_the_last_account_takes_its_aggregates_along(tiered: Store):
    for account in ("stays", "goes"):
        tiered.delete(Deletion("reddit", account, None, "asked"), now=NOW)

    with tiered.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM aggregated_metrics")) == 0


def test_a_request_left_unfinished_is_finished_by_the_next_run(tiered: Store, tmp_path: Path):
    with tiered.begin() as connection:
        request(connection, Deletion("reddit", "goes", None, "asked"))

    tiered.lifecycle_run(KEEP_RAW, now=NOW)

    assert set(traces(tiered, tmp_path / "archive").values()) == {0}


def test_a_name_that_is_not_there_is_refused(tiered: Store):
    with pytest.raises(InputError, match="reddit nobody : no series of that name"):
        tiered.delete(Deletion("reddit", "nobody", None, "asked"), now=NOW)
