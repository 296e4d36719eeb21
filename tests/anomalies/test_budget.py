"""The user's budget of alerts: kept on the series' own history, expected and seen rate stated."""

from datetime import UTC, datetime

import numpy as np
import pytest

from analytics import baselines
from analytics.anomalies import Settings, choose_levels, detect_matrix, seen_per_week
from analytics.errors import InputError
from tests.anomalies.labelled import month


def restless():
    """One calm and one restless series on the same times, three weeks to learn from and two to check."""
    calm = month("mentions", 31, ["burst"], first_hour=2000)
    rng = np.random.default_rng(31)
    bursts = np.repeat(
        np.where(rng.random(calm.times.size // 12) < 0.02, rng.uniform(1.5, 4, calm.times.size // 12), 1.0), 12
    )
    values = np.stack([calm.values, np.round(calm.values * bursts)])
    return calm.times, values, baselines.rolling(calm.times, values, algorithm="profile", window_days=30)


def test_a_restless_series_gets_a_higher_level_and_both_keep_the_budget():
    times, values, baseline = restless()

    calm, busy = choose_levels(times, values, baseline, alerts_per_week=1.0)

    assert calm.factor < busy.factor
    for row, level in enumerate((calm, busy)):
        assert level.kept
        settings = Settings().told_per_week(1.0).scaled(level.factor)
        events = detect_matrix(times, values, baseline, settings=settings)[row]
        confirmed = [event.confirmed_at for event in events]
        seen = seen_per_week(confirmed, datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC))
        assert seen <= 1.05
        assert seen <= level.expected_per_week + 0.1


def test_a_larger_budget_never_gives_a_higher_level():
    times, values, baseline = restless()

    factors = [choose_levels(times, values[1], baseline.row(1), alerts_per_week=b)[0].factor for b in (0.3, 1.0, 3.0)]

    assert factors == sorted(factors, reverse=True)


def test_a_level_says_what_to_expect():
    times, values, baseline = restless()

    (level,) = choose_levels(times, values[0], baseline.row(0), alerts_per_week=0.5)

    assert level.sentence.startswith("Thresholds at ")
    assert "(budget 0.5, from 4." in level.sentence


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_must_be_positive(budget):
    times, values, baseline = restless()

    with pytest.raises(InputError, match="alerts_per_week"):
        choose_levels(times, values, baseline, alerts_per_week=budget)
