"""A counter with a few counts an hour, judged by the day: what a sudden jump does to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.latest import Judged, Work, judge_recent
from analytics.monitoring.watch import Own
from analytics.params.baselines import BaselineParams

CUT = datetime(2026, 11, 27, tzinfo=UTC)
LEARNED = timedelta(days=9)
STEP = timedelta(minutes=5)
PER_POLL = 0.3  # 86 a day
SEEDS = range(4)


def judged(at: datetime, seed: int, jump: int = 0) -> Judged:
    """The look at `at`, five minutes after a reading that is higher by `jump`."""
    start = CUT - LEARNED
    times = np.arange(start.replace(tzinfo=None), at.replace(tzinfo=None), STEP, dtype="datetime64[ns]")
    readings = 40_000.0 + np.cumsum(np.random.default_rng(seed).poisson(PER_POLL, times.size))
    readings[-1] += jump
    return judge_recent(
        Work(
            key=SeriesKey("github", "stars", "", "acme/orchard"),
            definition=MetricDefinition("github", "stars", "Stars", "stars", "counter", "increase"),
            breaks=(),
            times=times,
            readings=readings,
            cut=CUT,
            at=at,
            params=BaselineParams(),
            own=Own(),
            min_history_days=7,
        )
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("minute", [5, 30, 55])
def test_a_jump_is_told_at_the_next_look_and_nothing_else_with_it(seed, minute):
    """It made the mean look like a busy series': judged by the hour, it brought false episodes of the day before, or
    none at all while the hour was young."""
    at = datetime(2026, 11, 28, 9, minute, tzinfo=UTC)

    (event,) = judged(at, seed, jump=8_000).events

    assert event.rule == "statistical"
    assert event.start == datetime(2026, 11, 28, tzinfo=UTC)
    assert event.observed == pytest.approx(8_030, abs=40)
    assert event.expected == pytest.approx(86, abs=30)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_come_of_an_ordinary_day_is_no_event(seed):
    """In the morning it is far less than a day brings, in the evening nearly as much."""
    assert [judged(datetime(2026, 11, 28, hour, 30, tzinfo=UTC), seed).events for hour in (1, 9, 17, 23)] == [()] * 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jump_changes_nothing_of_what_was_expected(seed):
    """All looks within one day agree."""
    at = datetime(2026, 11, 28, 9, 55, tzinfo=UTC)

    calm, struck = judged(at, seed).baseline, judged(at, seed, jump=8_000).baseline

    assert calm is not None
    assert struck is not None
    np.testing.assert_array_equal(struck.times, calm.times)
    np.testing.assert_array_equal(struck.expected, calm.expected)
