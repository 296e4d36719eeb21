"""What a report reads once raw readings have left: the same amounts, at the resolution that is still there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.model import MetricDefinition
from analytics.monitoring.judge import MonitoredSeries, monitor
from analytics.monitoring.readings import Readings, readings_of
from analytics.monitoring.watch import Watch
from analytics.params.files import Params
from analytics.settings import Settings
from analytics.store import Collection, Store, open_store

MONTH = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
SINCE = datetime(2026, 7, 30, tzinfo=UTC)
DEFINED = {
    "views": MetricDefinition("reddit", "views", "Views", "views", "counter", "sum"),
    "mentions": MetricDefinition("reddit", "mentions", "Mentions", "mentions", "gauge", "sum"),
    "online": MetricDefinition("reddit", "online", "Online", "people", "gauge", "mean"),
}
KNOWN = {("reddit", metric): (definition,) for metric, definition in DEFINED.items()}


@pytest.fixture(scope="module")
def counts() -> pd.Series:
    """What came in every quarter of an hour, from the end of July to the first of October, with a daily rhythm."""
    times = pd.date_range(SINCE, MONTH[1], freq="15min", inclusive="left")
    usual = 120 + 60 * np.sin(2 * np.pi * times.hour / 24)
    return pd.Series(np.random.default_rng(2).poisson(usual).astype(float), index=times)


@pytest.fixture
def store(settings: Settings, counts: pd.Series) -> Iterator[Store]:
    """A counter, a count in intervals that was not asked for on the tenth from 5:30 to 6:15, and a level."""
    asked = ~((counts.index >= "2026-09-10 05:30+00:00") & (counts.index < "2026-09-10 06:15+00:00"))
    values = {"views": 1000 + counts.cumsum(), "mentions": counts[asked], "online": 500 + counts}
    with open_store(settings) as opened:
        for metric, series in values.items():
            names = {"platform": "reddit", "metric_type": metric, "author_id": "acme"}
            frame = pd.DataFrame({**names, "time": series.index, "value": series.to_numpy()})
            opened.write(frame, Collection("reddit", "import"), now=MONTH[1])
        yield opened


def kept(store: Store, metric: str) -> Readings:
    series_id = int(store.series(metrics=[metric])["series_id"].iloc[0])
    return readings_of(store, series_id, DEFINED[metric], SINCE, *MONTH, timezone="UTC")


def judged(store: Store) -> dict[str, MonitoredSeries]:
    found = monitor(store, store.series(), *MONTH, Watch(), definitions=KNOWN)
    return {series.key.metric_type: series for series in found}


def test_a_month_adds_up_to_the_same_as_its_readings_leave(store: Store, counts: pd.Series):
    """Raw at first; then partly and wholly by the hour, its oldest history left out; in the end by the day."""
    raw, before = kept(store, "mentions"), judged(store)
    month = counts.loc[MONTH[0] :].sum()
    since_first_hour = counts.loc[MONTH[0] + timedelta(hours=1) :].sum()

    assert (raw.resolution_s, raw.warning, before["mentions"].step_s) == (0, "", 900)

    for days_later in (20, 45):
        store.lifecycle_run(Params(), now=MONTH[1] + timedelta(days=days_later))
        views, online = kept(store, "views"), kept(store, "online")
        inside = views.frame.loc[views.frame["time"] >= MONTH[0], "value"]

        assert views.resolution_s == online.resolution_s == 3600
        assert inside.iloc[-1] - inside.iloc[0] == since_first_hour
        assert (online.frame["time"] >= MONTH[0]).sum() == 30 * 24
        assert SINCE <= views.frame["time"].iloc[0].to_pydatetime() <= MONTH[0] - timedelta(days=14)

    after = judged(store)["views"]
    inside_month = (after.times >= np.datetime64("2026-09-01")) & np.isfinite(after.values)
    assert after.step_s == 3600
    assert any("by the hour only" in warning for warning in after.warnings)
    assert inside_month.sum() == 30 * 24
    assert np.isfinite(after.baseline.expected[inside_month]).all()

    store.lifecycle_run(Params(), now=MONTH[1] + timedelta(days=300))
    views = kept(store, "views")

    assert views.resolution_s == 86_400
    daily = counts.resample("D").sum()
    assert views.frame["value"].diff().dropna().tolist() == daily.iloc[1:].tolist()
    assert daily.loc[MONTH[0] :].sum() == month
    assert set(views.frame["time"].dt.hour) == {0}


def test_hours_with_few_readings_are_unknown_and_an_outage_is_no_dip(store: Store, counts: pd.Series):
    """Of five o'clock two quarters came, of six o'clock three: too few, both; the other hours are their sums."""
    store.lifecycle_run(Params(), now=MONTH[1] + timedelta(days=45))

    hourly = kept(store, "mentions").frame.set_index("time")["value"]

    expected = counts.resample("h").sum().loc[hourly.index]
    assert hourly.tolist() == expected.tolist()
    missing = pd.date_range(MONTH[0], MONTH[1], freq="h", inclusive="left").difference(hourly.index)
    assert [str(hour)[:16] for hour in missing] == ["2026-09-10 05:00", "2026-09-10 06:00"]
