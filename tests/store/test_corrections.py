"""Readings later than their day's raw readings: merged on request, once, and never in place of a full bucket."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
COLD, WARM = date(2026, 8, 10), date(2026, 9, 10)
HERE = Collection("reddit", "import", source="x")
EXACT = ["n", "sum_value", "min_value", "max_value", "last_value", "late"]


def day_of(day: date, account: str = "a") -> pd.DataFrame:
    times = pd.date_range(day, periods=288, freq="5min", tz="UTC")
    return pd.DataFrame(
        {"platform": "reddit", "metric_type": "posts", "author_id": account, "time": times, "value": np.arange(288.0)}
    )


@pytest.fixture
def tiered(store: Store, tmp_path: Path) -> Store:
    store.archive = Archive(tmp_path / "archive")
    store.write(pd.concat([day_of(COLD), day_of(WARM)]), HERE, now=NOW)
    store.lifecycle_run(Params(), now=NOW)
    return store


def late(day: date, account: str = "a") -> pd.DataFrame:
    return (
        day_of(day, account).tail(1).assign(time=pd.Timestamp(day, tz="UTC") + pd.Timedelta("23:59:00"), value=1000.0)
    )


@pytest.mark.parametrize("day", [COLD, WARM])
def test_a_late_reading_is_merged_once_and_the_full_bucket_stays(tiered: Store, day: date):
    tiered.write(late(day), HERE, now=NOW)

    merged = tiered.quarantine_correct(now=NOW)
    tiered.write(late(day).assign(line=2), HERE, now=NOW)
    again = tiered.quarantine_correct(now=NOW)

    assert (merged.written, merged.late) == (1, 1)
    assert (again.written, again.duplicate) == (0, 1)
    days = tiered.read_buckets([1], datetime(2026, 8, 1, tzinfo=UTC), NOW, unit="day").set_index("bucket")
    found = days.loc[pd.Timestamp(day, tz="UTC"), EXACT]
    assert found.tolist() == [289, sum(range(288)) + 1000, 0, 1000, 1000, 1]
    other = days.drop(index=pd.Timestamp(day, tz="UTC"))
    assert other["n"].tolist() == [288]


@pytest.mark.parametrize("day", [COLD, WARM])
def test_a_late_series_of_its_own_gets_its_own_bucket(tiered: Store, day: date):
    tiered.write(late(day, "new"), HERE, now=NOW)

    tiered.quarantine_correct(now=NOW)

    series = tiered.series(accounts=["new"])
    days = tiered.read_buckets(series["series_id"].tolist(), datetime(2026, 8, 1, tzinfo=UTC), NOW, unit="day")
    assert days[["n", "sum_value", "p50_value", "late"]].to_numpy().tolist() == [[1, 1000, 1000, 0]]


def test_other_rows_in_quarantine_are_left_there(tiered: Store):
    tiered.write(late(WARM).assign(value=np.inf), HERE, now=NOW)

    result = tiered.quarantine_correct(now=NOW)

    assert result.read == 0
    assert len(tiered.quarantine_list()) == 1
