"""What the report's comparisons are called: by the period compared with, and by what is compared."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analytics.errors import InputError
from analytics.model import MetricDefinition, Month, Span
from analytics.monitoring.watch import Watch
from analytics.periods.choice import choose_series, require_other
from analytics.periods.gather import gather
from analytics.reports.traffic import tables as traffic_tables
from analytics.reports.traffic.summary import sentences
from analytics.store import Collection, open_store
from tests.reports.traffic.test_traffic import DEFINITIONS, OCTOBER, mentions

SPAN = Span(date(2026, 9, 28), date(2026, 10, 31))
FOLLOWERS = MetricDefinition("twitter", "followers", "Followers", "users", "gauge", "last")


@pytest.fixture
def data_against(settings):
    """October of mentions and followers, gathered against the year before or a period given."""
    times = pd.date_range("2026-08-31", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    followers = pd.DataFrame({"time": times, "value": 10_000.0 + np.arange(times.size)})
    followers = followers.assign(platform="twitter", metric_type="followers", author_id="acme")
    with open_store(settings) as store:
        for frame in (mentions("acme", "2026-08-31", "2026-11-01"), followers):
            store.write(frame, Collection("twitter", "import", account="acme"))

        def gathered(compared=None, month=OCTOBER):
            series = choose_series(store, platforms=(), metrics=(), accounts=())
            known = DEFINITIONS | {("twitter", "followers"): (FOLLOWERS,)}
            return gather(store, series, month=month, watch=Watch(), definitions=known, compare_with=compared)

        yield gathered


def test_columns_are_headed_by_the_period_they_compare_with(data_against):
    """A comparison with the month before stood under "Year"; named twice, a period stands once."""
    heads = [
        [column.label for column in traffic_tables.trend_columns(data_against(compared))][2:]
        for compared in (None, Month(2026, 9))
    ]

    september = ["September 2026: per day", "September 2026: weekdays"]
    assert heads == [[*september, "October 2025: per day", "October 2025: weekdays"], september]


def test_a_level_is_told_from_what_is_counted(data_against):
    """The change of a level is no change of its days, and it has no weekdays."""
    rows = traffic_tables.trend_rows(data_against()).set_index("series")

    followers = rows.loc["Twitter acme followers (level)"]
    assert followers["per_day"] == pytest.approx(24)
    assert followers["previous_change"] == pytest.approx((10_000 + 62 * 24) / (10_000 + 31 * 24) - 1, abs=1e-3)
    assert np.isnan(followers["previous_adjusted"])
    assert np.isfinite(rows.loc["Twitter acme mentions", "previous_adjusted"])


def test_a_single_day_has_no_weekday_to_compare(data_against):
    """Of a Saturday against a Friday only the level can be compared, and that is said."""
    day = Span(date(2026, 10, 31), date(2026, 10, 31))

    told = " ".join(sentences(data_against(month=day)))

    assert told.startswith("31 October 2026 against 30 October 2026, levels only: ")
    assert "weekdays" not in told


def test_weeks_over_several_months_are_headed_with_their_months(data_against):
    """ "31–6" stood between "24–30" and "7–13"."""
    data = data_against()

    one = [column.label for column in traffic_tables.week_columns(data)]
    several = [column.label for column in traffic_tables.week_columns(replace(data, month=SPAN))]

    assert one[1:3] == ["1–4", "5–11"]
    assert several[1].replace("\xa0", " ") == "28 Sep–4 Oct"


def test_a_period_is_not_compared_with_itself():
    """Every change would be none."""
    with pytest.raises(InputError, match="compare 2026-10: is the period reported; name another one"):
        require_other(OCTOBER, Month(2026, 10))
