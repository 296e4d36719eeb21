"""Whether figures are settled and closed: each source by its own readings, each figure by its own close."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.model import MetricDefinition, Month
from analytics.monitoring.watch import Watch
from analytics.params.reports import Brand
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.periods.standing import figures_of
from analytics.reports.document.display import CALLOUT, COVER, TABLE
from analytics.reports.sections.restated import restated_rows
from analytics.reports.traffic.further import firmness, look_beyond
from analytics.reports.traffic.report import TrafficReport
from analytics.store import Collection, closes, open_store
from analytics.store.deletion import Deletion
from tests.reports.sample import shown

OCTOBER = Month(2026, 10)
DAYS = timedelta(days=2)
DEFINITIONS = {
    ("twitter", "mentions"): (MetricDefinition("twitter", "mentions", "Mentions", "mentions", "gauge", "sum"),),
    ("instagram", "reach_per_day"): (
        MetricDefinition("instagram", "reach_per_day", "Reach per day", "people", "gauge", "sum", settles_after=DAYS),
    ),
    ("instagram", "followers"): (
        MetricDefinition("instagram", "followers", "Followers", "people", "gauge", "last"),
    ),
}  # fmt: skip


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def write(store, platform, metric, account, times):
    values = np.random.default_rng(len(times)).poisson(50, len(times)).astype(float)
    frame = pd.DataFrame({"time": times, "value": values, "platform": platform, "metric_type": metric})
    store.write(frame.assign(author_id=account), Collection(platform, "import", account=account))


def two_accounts(store):
    for account, start in (("loud", "2026-09-20"), ("quiet", "2026-09-21")):
        times = pd.date_range(start, "2026-11-01", freq="1h", inclusive="left", tz="UTC")
        write(store, "twitter", "mentions", account, times)


def gathered(store, *, accounts=(), timezone="UTC"):
    series = choose_series(store, platforms=(), metrics=(), accounts=accounts)
    watch = Watch(timezone=timezone, algorithm="ewma")
    data = gather(store, series, month=OCTOBER, watch=watch, definitions=DEFINITIONS)
    return data, look_beyond(store, data, DEFINITIONS, asked=((), (), accounts)).standing


def close(store, data, *, change: float = 0.0):
    """Keep the figures; `change` is what their amounts a day were otherwise."""
    at = datetime(2026, 11, 5, tzinfo=UTC)
    kept = []
    for item in data.items:
        key, (total, per_day) = item.series.key, figures_of(item)
        names = (key.platform, key.metric_type, key.author_id)
        figures = (total, (per_day or 0.0) + change)
        kept.append(closes.ClosedFigure(str(OCTOBER), data.timezone, *names, *figures, data.snapshot, "ana", at))
    closes.add(store, kept)


def said(data, standing) -> str:
    """The callout, and the table below it."""
    outputs = shown(firmness(data, standing, {})).outputs
    callout = next(o.data[CALLOUT]["markdown"] for o in outputs if CALLOUT in o.data)
    return callout.replace("\u00a0", " ") + json.dumps([o.data[TABLE]["rows"] for o in outputs if TABLE in o.data])


def test_a_closed_figure_that_was_deleted_is_told(store):
    """It once went without a word: nothing was left to compare it with."""
    two_accounts(store)
    close(store, gathered(store)[0])
    store.delete(Deletion("twitter", "quiet", None, "test"))

    data, standing = gathered(store)
    of_loud = gathered(store, accounts=("loud",))

    rows = restated_rows(data, standing.closed)
    assert [(row.number, "quiet mentions" in row.series, row.now) for row in rows.itertuples()] == [
        ("total", True, None),
        ("per day", True, None),
    ]
    assert (rows["then"] > 0).all()
    assert "Closed on 5 Nov 2026 00:00 by ana. 1 figure has changed since." in said(data, standing)
    assert "No figure has changed since." in said(*of_loud)


def test_a_report_is_issued_when_it_is_closed(store):
    """It once bore its last day of data as the day of issue, above a close of weeks later."""
    two_accounts(store)
    before = TrafficReport("Traffic", gathered(store)[0], Brand(), look_beyond(store, gathered(store)[0], DEFINITIONS))
    close(store, before.data)

    after = replace(before, beyond=look_beyond(store, before.data, DEFINITIONS))

    covers = [report.cover().data[COVER] for report in (before, after)]
    assert [(cover["issued"], cover["dated"]) for cover in covers] == [("", "2026-10-31"), ("2026-11-05", "2026-10-31")]
    assert "31 Oct 2026 23:00" in dict(covers[0]["facts"])["Data to"].replace("\u00a0", " ")


def test_figures_that_nobody_closed_have_not_changed(store):
    two_accounts(store)
    close(store, gathered(store, accounts=("loud",))[0])

    data, standing = gathered(store)

    assert (standing.word, standing.is_closed) == ("settled", False)
    assert "1 of 2 figures are closed, since 5 Nov 2026 00:00 by ana. No figure has changed since." in said(
        data, standing
    )


def test_an_amount_a_day_that_differs_is_told_too(store):
    two_accounts(store)
    data, _ = gathered(store)
    close(store, data, change=1.0)

    rows = restated_rows(*gathered(store)[:1], gathered(store)[1].closed)

    assert set(rows["number"]) == {"per day"}
    assert rows["difference"].round(9).tolist() == [-1.0, -1.0]


def test_days_of_another_time_zone_are_named(store):
    """The figures are of other hours, so they are not compared; that there is a close is said all the same."""
    two_accounts(store)
    close(store, gathered(store)[0])

    data, standing = gathered(store, timezone="Europe/Berlin")

    assert standing.word == "settled"
    assert "It was closed for days of another time zone: UTC." in said(data, standing)


@pytest.mark.parametrize(("until", "settled"), [("2026-11-01", False), ("2026-11-02", True)])
def test_each_series_settles_by_its_own_readings(store, until, settled):
    """A poll of another platform, or of another metric, says nothing about a daily figure that has stopped."""
    polls = pd.date_range("2026-10-01", "2026-11-03 00:05", freq="1h", tz="UTC")
    write(store, "twitter", "mentions", "loud", polls)
    write(store, "instagram", "followers", "1", polls)
    write(store, "instagram", "reach_per_day", "1", pd.date_range("2026-09-01T07:00Z", f"{until}T07:00Z", freq="1D"))

    data, standing = gathered(store)

    assert (standing.is_settled, standing.settles_at) == (settled, datetime(2026, 11, 3, tzinfo=UTC))
    if not settled:
        assert "reach per day" in standing.slowest
        assert "until 3 Nov 2026 00:00, and its newest reading is of 1 Nov 2026 07:00." in said(data, standing)
