"""The newest readings of one series, judged as a look does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.latest import Work, judge_recent
from analytics.monitoring.watch import EVERY
from analytics.params.baselines import BaselineParams

VIEWS = MetricDefinition("github", "views", "Views", "views", "gauge", "sum")
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def look(today: float, yesterday: float = 3900.0):
    """Fifty days of 3,900 views; of the running day what has come by half past eight."""
    days = np.datetime64("2026-10-02", "ns") + np.arange(50).astype("timedelta64[D]")
    values = np.random.default_rng(2).normal(3900, 60, 50).round()
    values[-2:] = yesterday, today
    cut = NOW.replace(hour=0, minute=0) - timedelta(days=1)
    own = BaselineParams(window_days=30)
    return judge_recent(
        Work(SeriesKey("github", "views", "", "acme"), VIEWS, (), days, values, cut, NOW, own, EVERY, 7.0)
    )


def test_a_day_that_runs_is_not_low_before_it_is_over():
    """Every night the platform's figure so far was told as a fall of 96 %."""
    assert look(158.0).events == ()


@pytest.mark.parametrize(("today", "yesterday", "direction"), [(9000.0, 3900.0, "above"), (158.0, 500.0, "below")])
def test_what_is_high_already_or_over_is_told(today, yesterday, direction):
    told = look(today, yesterday).events

    assert {event.direction for event in told} == {direction}
