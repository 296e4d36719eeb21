"""What holds for one series only: holidays, masks and verdicts, as the judge takes them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.errors import InputError
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.judge import judge
from analytics.monitoring.watch import Own, Watch, entry_of, holiday_dates, params_of
from analytics.params.baselines import Baselines

KEY = SeriesKey("twitter", "mentions", "", "acme")
COUNTS = MetricDefinition("twitter", "mentions", "Mentions", "mentions", "gauge", "sum")
OFF = date(2026, 10, 7)  # a Wednesday


def office(days: int = 45) -> pd.DataFrame:
    """Hourly counts that fall to a fifth on Sundays, and on one Wednesday off."""
    times = pd.date_range("2026-09-01", periods=24 * days, freq="h", tz="UTC")
    quiet = (times.day_of_week == 6) | (times.date == OFF)
    values = np.random.default_rng(5).poisson(np.where(quiet, 20.0, 100.0)).astype(float)
    return pd.DataFrame({"time": times, "value": values})


def events_on(own: Own) -> int:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    judged = judge(1, KEY, COUNTS, office(), start, start + timedelta(days=14), Watch(), own=own)
    return sum(event.start.date() == OFF for event in judged.events)


def test_a_holiday_is_expected_to_be_a_sunday():
    assert events_on(Own()) > 0
    assert events_on(Own(holidays=(OFF.isoformat(),))) == 0


def test_only_the_side_asked_for_is_told():
    assert events_on(Own(direction="above")) == 0


def test_rejected_incidents_make_a_series_harder_to_tell_of():
    assert events_on(Own(factor=20.0)) == 0


def test_holidays_of_a_part_of_a_country_differ():
    """Bavaria has days off that Berlin has not."""
    bavaria, berlin = (holiday_dates((code,), 2026, 2026) for code in ("DE-BY", "DE-BE"))

    assert date(2026, 1, 6) in bavaria - berlin


def test_a_series_own_entry_says_only_what_it_names():
    """Its algorithm is its own, its window that of the defaults; other series keep to the defaults."""
    chosen = Baselines.model_validate(
        {
            "defaults": {"algorithm": "ewma", "window_days": 21},
            "series": [
                {"platform": "twitter", "metric": "mentions", "algorithm": "stl"},
                {"platform": "twitter", "metric": "likes", "direction": "above"},
            ],
        }
    )
    mentions, likes, other = (
        params_of(chosen, SeriesKey("twitter", metric, "", "acme")) for metric in ("mentions", "likes", "views")
    )

    assert [(p.algorithm, p.window_days) for p in (mentions, likes, other)] == [("stl", 21), ("ewma", 21), ("ewma", 21)]
    assert likes.direction == "above"
    asked = Watch(algorithm="profile", window_days=30)
    assert asked.as_named(entry_of(chosen, KEY)) == Watch(algorithm="stl", window_days=30)
    assert asked.as_named(None) == asked


def test_the_clock_of_the_audience_says_what_is_normal_whatever_zone_a_report_counts_days_in():
    """An audience in Berlin that comes at nine, read over the change of its clocks."""
    times = pd.date_range("2026-09-15", "2026-10-31", freq="h", tz="UTC")
    at_nine = times.tz_convert("Europe/Berlin").hour == 9
    values = np.random.default_rng(1).poisson(np.where(at_nine, 400.0, 40.0)).astype(float)
    frame, start = pd.DataFrame({"time": times, "value": values}), datetime(2026, 10, 20, tzinfo=UTC)

    def told(**where: str) -> set[str]:
        found = judge(1, KEY, COUNTS, frame, start, start + timedelta(days=11), Watch(**where)).events
        return {f"{event.start} {event.rule}" for event in found}

    assert told(timezone="UTC") != set()
    assert told(timezone="UTC", clock="Europe/Berlin") == told(timezone="Asia/Tokyo", clock="Europe/Berlin") == set()


def test_a_window_that_holds_too_little_history_is_refused():
    """Every series would be silent, and a report without incidents looks like a calm month."""
    with pytest.raises(InputError, match="window_days 3 is less than min_history_days 7"):
        Watch(window_days=3)
