"""The outlook: its interval holds what it claims, no future leaks in, short history is refused."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.baselines.outlook import MODELS, outlook
from analytics.errors import InputError, InsufficientHistory

WEEK = np.array([1.0, 1.1, 1.1, 1.0, 1.0, 0.6, 0.5])


def days(seed: int, n: int = 150) -> np.ndarray:
    """Daily counts on a level that wanders, with a weekly rhythm and some days unknown."""
    random = np.random.default_rng(seed)
    level = np.maximum(200 + np.cumsum(random.normal(0, 1.5, n)), 1)
    values = random.poisson(level * np.resize(WEEK, n)).astype(float)
    values[random.random(n) < 0.02] = np.nan
    return values


def test_the_interval_holds_about_as_often_as_it_claims():
    hits = []
    for seed in range(120):
        values = days(seed)
        seen = outlook(values[:120], 30, coverage=0.8)
        hits.append(seen.lower <= np.nanmean(values[120:]) <= seen.upper)

    assert 0.70 <= np.mean(hits) <= 0.92


def test_the_same_history_gives_the_same_outlook_and_scales_with_it():
    values = days(1)

    seen, again, tenfold = outlook(values, 30), outlook(values.copy(), 30), outlook(10 * values, 30)

    assert seen == again
    assert tenfold.per_day == pytest.approx(10 * seen.per_day)
    assert tenfold.upper - tenfold.lower == pytest.approx(10 * (seen.upper - seen.lower))


def test_a_steady_drift_is_followed():
    values = 100 + np.arange(120) * 1.0

    seen = outlook(values, 30)

    assert seen.model == "weekday means with drift"
    assert seen.per_day > values[-28:].mean()


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_foresees_a_perfect_week(name):
    foreseen = MODELS[name](np.tile(100 * WEEK, 10), 14)

    assert foreseen == pytest.approx(np.tile(100 * WEEK, 2), rel=0.02)


@pytest.mark.parametrize("values", [np.ones(40), np.full(200, np.nan), np.r_[np.full(300, np.nan), np.ones(30)]])
def test_too_little_history_is_refused(values):
    with pytest.raises(InsufficientHistory, match="trials fit"):
        outlook(values, 30)


def test_an_unknown_model_is_named():
    with pytest.raises(InputError, match="'prophett'"):
        outlook(np.ones(100), 7, models=["prophett"])
