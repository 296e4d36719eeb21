import numpy as np
import pytest

from analytics.baselines import backtest
from analytics.baselines.backtest import chosen, origins_of
from analytics.errors import InputError, InsufficientHistory

START = np.datetime64("2026-03-02T00:00", "ns")


def series(days=45, seed=0):
    n = days * 24
    rng = np.random.default_rng(seed)
    hour = np.arange(n)
    return START + hour * np.timedelta64(1, "h"), rng.poisson(100 * (1 + 0.5 * np.sin(2 * np.pi * hour / 24))) + 0.0


def test_a_backtest_ranks_by_skill_and_measures_coverage():
    at, y = series()

    found = backtest(at, y, algorithms=["ewma", "profile", "seasonal_naive"], origins=6)

    summary = found.summary.set_index("algorithm")
    assert found.best == "profile"
    assert summary.loc["seasonal_naive", "relative_winkler"] == pytest.approx(1.0)
    assert summary.loc["profile", "relative_winkler"] < 0.85
    assert summary.loc["profile", "coverage"] == pytest.approx(0.95, abs=0.04)
    assert list(found.scores.columns) == ["algorithm", "origin", "mase", "mae", "winkler", "coverage", "width"]
    assert len(found.scores) == 3 * 6
    assert set(found.forecasts["algorithm"]) == {"ewma", "profile", "seasonal_naive"}
    assert len(found.forecasts) == 3 * 24


def test_a_forecast_uses_nothing_behind_its_origin():
    """Spoiling what lies after the last origin's horizon, or after an origin, changes no earlier forecast."""
    at, y = series()
    found = backtest(at, y, algorithms=["profile"], origins=4)
    first = found.scores["origin"].min()
    spoiled = np.where(at > first + np.timedelta64(23, "h"), 1e6, y)

    again = backtest(at, spoiled, algorithms=["profile"], origins=4)

    np.testing.assert_allclose(again.scores["mae"].iloc[0], found.scores["mae"].iloc[0])


def test_an_algorithm_without_enough_history_is_left_out_and_said():
    at, y = series(12)

    found = backtest(at, y, algorithms=["stl", "profile"], window_days=1.5, origins=3)

    assert list(found.summary["algorithm"]) == ["profile"]
    assert found.warnings[0].startswith("stl: ")


def test_origins_differ_in_their_time_of_day_and_keep_their_distance():
    starts = origins_of(1080, 672, 24, 8)

    assert starts.min() >= 672
    assert starts.max() <= 1080 - 24
    assert len(set(starts % 24)) >= 5


def test_the_default_stays_unless_another_is_clearly_better():
    import pandas as pd

    def best(profile, other):
        return chosen(pd.DataFrame({"algorithm": ["profile", "ewma"], "winkler": [profile, other]}))

    assert best(100, 97) == "profile"
    assert best(100, 90) == "ewma"
    assert best(np.nan, 90) == "ewma"
    assert best(np.nan, np.nan) == "profile"


def test_a_backtest_says_what_it_cannot_do():
    at, y = series(20)

    with pytest.raises(InsufficientHistory, match="needs 672 steps"):
        backtest(at, y)
    with pytest.raises(InputError, match="origins 0"):
        backtest(at, y, origins=0)
    with pytest.raises(InputError, match="algorithm"):
        backtest(at, y, algorithms=["arima"])


def test_daily_metrics_are_looked_at_a_week_ahead():
    at = START + np.arange(120) * np.timedelta64(1, "D")
    y = 100 + 30.0 * (np.arange(120) % 7 >= 5) + np.random.default_rng(0).normal(0, 3, 120)

    found = backtest(at, y, algorithms=["profile", "ewma"], window_days=56, origins=4)

    assert len(found.forecasts) == 3 * 7 - 7 * (3 - found.forecasts["algorithm"].nunique())
    assert found.summary["coverage"].min() > 0.7
