"""A month's figures against sums made by hand, and comparisons that adjust or refuse."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from analytics.model import Month
from analytics.periods.facts import compare, month_facts, weekday_means

MARCH = Month(2026, 3)


def readings(start: str, days: float, step: str = "1h", value=lambda t: np.ones(t.size)):
    times = pd.date_range(start, periods=int(pd.Timedelta(days=days) / pd.Timedelta(step)), freq=step)
    return times.to_numpy("datetime64[ns]"), value(times).astype(float)


def facts(times, values, month=MARCH, *, timezone="UTC", aggregation="sum", step_s=3600.0, reached=None):
    return month_facts(
        times, values, month=month, timezone=timezone, aggregation=aggregation, step_s=step_s, reached=reached
    )


def test_a_month_adds_up_day_by_day():
    """One a hour is 24 a day and 744 in March; readings beyond the month do not count."""
    found = facts(*readings("2026-02-20", 60))

    assert found.total == 744
    assert found.per_day == 24
    assert list(found.days["amount"]) == [24.0] * 31
    assert found.coverage_ratio == 1


def test_days_follow_the_clocks_of_the_zone():
    """Berlin's 29 March 2026 has 23 hours, and its month begins an hour before midnight UTC."""
    found = facts(*readings("2026-02-20", 60), timezone="Europe/Berlin")

    by_day = found.days["amount"]
    assert by_day.loc["2026-03-29"].sum() == 23
    assert found.total == 743
    assert found.coverage_ratio == 1


def test_a_half_hour_zone_has_whole_days():
    """Kolkata's midnight lies at 18:30 UTC; half-hourly readings make 48 a day."""
    found = facts(*readings("2026-02-20", 60, "30min"), timezone="Asia/Kolkata", step_s=1800.0)

    assert set(found.days["amount"]) == {48.0}


def test_a_missing_day_is_unknown_not_zero():
    """An outage must not look like a day without visitors."""
    times, values = readings("2026-03-01", 31)
    kept = (times < np.datetime64("2026-03-10")) | (times >= np.datetime64("2026-03-11"))

    found = facts(times[kept], values[kept])

    assert np.isnan(found.days["amount"].iloc[9])
    assert found.days["coverage_ratio"].iloc[9] == 0
    assert found.per_day == 24
    assert found.coverage_ratio == pytest.approx(30 / 31)


def test_a_level_is_its_last_reading_and_moves_by_its_difference():
    """Followers do not add up over a month."""
    times, values = readings("2026-03-01", 31, value=lambda t: 1000 + np.arange(t.size) / 24)

    found = facts(times, values, aggregation="last")

    assert found.total == pytest.approx(values[-1])
    assert found.per_day == pytest.approx(1.0)


def test_a_level_moves_on_its_first_day_too():
    """Against the last reading of the day before: the month's largest gain may come on the first."""
    times, values = readings("2026-02-28", 32, value=lambda t: np.where(t < "2026-03-01", 1000, 1100))

    movement = facts(times, values, aggregation="last").movement

    assert (len(movement), movement.idxmax().day, movement.max()) == (31, 1, 100)


def test_months_of_other_length_and_weekdays_compare_as_equal():
    """February has four Saturdays, August 2026 five: a steady week must come out as no change."""

    def weekly(times):
        return np.where(times.day_of_week >= 5, 10.0, 1.0)

    times, values = readings("2026-06-01", 120, value=weekly)
    august, july = (facts(times, values, month=Month(2026, m)) for m in (8, 7))

    found = compare(august, july)

    assert found.adjusted_change_ratio == pytest.approx(0.0)
    assert found.change_ratio > 0.1
    assert weekday_means(august)[5] == 240


def test_a_change_is_seen_with_its_sign():
    """A tenth more is +0.1, from the other month to this one."""
    times, values = readings("2026-02-01", 59, value=lambda t: np.where(t.month == 3, 11.0, 10.0))

    found = compare(facts(times, values), facts(times, values, month=Month(2026, 2)))

    assert found.change_ratio == pytest.approx(0.1)
    assert found.adjusted_change_ratio == pytest.approx(0.1)


def test_a_month_with_few_days_is_not_compared():
    """Two days of February say nothing about February; the reason is told."""
    times, values = readings("2026-02-27", 33)

    found = compare(facts(times, values), facts(times, values, month=Month(2026, 2)))

    assert np.isnan(found.change_ratio)
    assert found.refusal == "February 2026 has 2 full days of 28"


def test_no_reading_at_all_is_not_known():
    """Neither zero nor an error: the caller decides whether a report may be made."""
    empty = np.array([], dtype="datetime64[ns]")

    found = facts(empty, np.array([]))

    assert np.isnan(found.total)
    assert found.coverage_ratio == 0


def test_of_a_running_month_only_what_can_have_come_is_due():
    """A perfect feed up to Monday noon is complete, and the half Monday is no full day."""
    found = facts(*readings("2026-03-01", 15.5), reached=datetime(2026, 3, 16, 11, tzinfo=UTC))

    assert found.coverage_ratio == 1
    assert (found.whole_days, len(found.full_days), len(found.days)) == (15, 15, 16)


def test_a_daily_reading_of_a_running_month_is_not_late_before_its_day_is_over():
    """On the morning of the second the reading of the first may still be the newest."""
    times, values = readings("2026-03-01", 1, "24h")

    found = facts(times, values, step_s=86400.0, reached=datetime(2026, 3, 2, 6, tzinfo=UTC))

    assert found.coverage_ratio == 1


def test_a_hole_in_a_running_month_is_one():
    """Five of ten days: half of what is due by now."""
    times, values = readings("2026-03-01", 5)

    found = facts(times, values, reached=datetime(2026, 3, 10, 23, tzinfo=UTC))

    assert found.coverage_ratio == pytest.approx(0.5, abs=0.01)
