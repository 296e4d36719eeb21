"""The snapshot of a report: another one where anything it was made from is another, and the same else."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from analytics.model import Month, SeriesKey
from analytics.monitoring.watch import Watch
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.reports.traffic.further import look_beyond
from analytics.reports.traffic.snapshot import snapshot_of
from analytics.store import Collection, open_store
from analytics.store.remarks import Annotation, add
from tests.reports.sections.test_restated import DEFINITIONS, write

OCTOBER = Month(2026, 10)


def hours(start: str, end: str) -> pd.DatetimeIndex:
    return pd.date_range(start, end, freq="1h", inclusive="left", tz="UTC")


@pytest.fixture
def filled(settings):
    """Two clients' accounts; the next hour of one has come, so that October has settled for both."""
    with open_store(settings) as store:
        for account in ("acme", "globex"):
            write(store, "twitter", "mentions", account, hours("2026-09-20", "2026-11-01T02:00"))
    return settings


def snapshot(settings) -> str:
    """Of a report about acme alone, by a process of its own."""
    with open_store(settings) as store:
        series = choose_series(store, platforms=(), metrics=(), accounts=("acme",))
        data = gather(store, series, month=OCTOBER, watch=Watch(algorithm="ewma"), definitions=DEFINITIONS)
        return snapshot_of(store, data, look_beyond(store, data, DEFINITIONS))


def test_what_comes_for_others_or_later_gives_no_other_snapshot(filled):
    """On a live store every reading once made a new version of every month, and sent it out again."""
    before = snapshot(filled)
    with open_store(filled) as store:
        write(store, "twitter", "mentions", "globex", hours("2026-11-10", "2026-11-11"))
        write(store, "twitter", "mentions", "acme", hours("2026-11-10", "2026-11-11"))
        write(store, "github", "stars", "acme/orchard", hours("2026-10-10", "2026-10-11"))

    assert snapshot(filled) == before


@pytest.mark.parametrize("at", ["2026-10-15T10:00Z", "2026-09-25T10:00Z"])
def test_a_reading_corrected_in_the_month_or_behind_it_gives_another(filled, at):
    before = snapshot(filled)
    frame = pd.DataFrame({"time": [pd.Timestamp(at)], "value": 1000.0, "platform": "twitter"})
    with open_store(filled) as store:
        written = store.write(
            frame.assign(metric_type="mentions", author_id="acme"), Collection("twitter", "import", account="acme")
        )

    assert written.corrected == 1
    assert snapshot(filled) != before


def test_a_remark_about_its_series_gives_another(filled):
    """What was said is shown, and learned from."""
    before, at = snapshot(filled), datetime(2026, 9, 25, tzinfo=UTC)
    for account, same in (("globex", True), ("acme", False)):
        key = SeriesKey("twitter", "mentions", author_id=account)
        with open_store(filled) as store, store.begin() as connection:
            add(connection, [Annotation(key, at, at, "note", "a fair", "ana", at)])
        assert (snapshot(filled) == before) is same
