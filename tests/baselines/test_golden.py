"""Figures that others published or computed: statsmodels, pandas, textbook formulas."""

import numpy as np
import pandas as pd
import pytest

from analytics.baselines import fit
from analytics.baselines.ewma import ewma, seasonal_means, trailing_mean
from analytics.baselines.robust import decaying_mean, median, quantiles, shrunk_means
from analytics.baselines.skill import mase, winkler
from analytics.errors import InputError

START = np.datetime64("2026-03-02T00:00", "ns")


def series(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(n) / 24) + rng.normal(0, 3, n)


@pytest.mark.parametrize("season", [7, 24])
def test_the_decomposition_is_that_of_statsmodels(season):
    """One-sided classical decomposition, odd and even season."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    y = series()
    theirs = seasonal_decompose(y, period=season, two_sided=False)

    trend = trailing_mean(y[None, :], season)
    slot = np.arange(y.size) % season
    season_means = seasonal_means(y - trend, slot, season)

    np.testing.assert_allclose(trend[0], theirs.trend, rtol=1e-12)
    np.testing.assert_allclose(season_means[0, slot], theirs.seasonal, atol=1e-12)


def test_the_specifications_baseline_is_trend_season_and_two_standard_deviations():
    """The whole algorithm against statsmodels and pandas, from an end that starts a day."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    y = series(20 * 24)
    at = START + np.arange(y.size + 24) * np.timedelta64(1, "h")
    theirs = seasonal_decompose(y, period=24, two_sided=False)
    level = pd.Series(theirs.trend).dropna().ewm(alpha=0.3, adjust=False).mean().iloc[-1]

    baseline = fit("ewma", at[:-24], y).predict(at[-24:])

    np.testing.assert_allclose(baseline.expected, level + theirs.seasonal[:24], rtol=1e-10)
    np.testing.assert_allclose(baseline.upper - baseline.expected, 2 * np.nanstd(theirs.resid), rtol=1e-6)
    assert baseline.coverage == pytest.approx(0.9545, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.0])
def test_the_moving_average_is_that_of_pandas(alpha):
    y = series()

    np.testing.assert_allclose(ewma(y, alpha), pd.Series(y).ewm(alpha=alpha, adjust=False).mean(), rtol=1e-12)


@pytest.mark.parametrize("half_life", [0.8, 3.0, 40.0])
def test_the_decaying_mean_is_that_of_pandas_with_gaps(half_life):
    y = series()
    y[[3, 50, 51, 52, 400]] = np.nan

    theirs = pd.Series(y).ewm(halflife=half_life, adjust=True, ignore_na=False).mean()

    np.testing.assert_allclose(decaying_mean(y, half_life), theirs, rtol=1e-9)
    np.testing.assert_allclose(decaying_mean(np.nan_to_num(y), half_life)[-1], theirs.iloc[-1], rtol=0.2)


def test_a_decaying_mean_outlives_a_gap_longer_than_its_weights():
    y = np.concatenate([[5.0], np.full(5000, np.nan), [7.0]])

    mean = decaying_mean(y, 2.0)

    assert np.isfinite(mean).all()
    assert mean[-1] == pytest.approx(7.0)


@pytest.mark.parametrize("alpha", [0, -0.1, 1.1])
def test_a_weight_outside_its_range_is_refused(alpha):
    with pytest.raises(InputError, match="alpha"):
        ewma(np.ones(3), alpha)


def test_quantiles_are_numpys_without_the_missing():
    y = series(101)
    y[::7] = np.nan
    shares = np.array([0.0, 0.025, 0.5, 0.975, 1.0])

    np.testing.assert_allclose(quantiles(y[None, :], shares)[:, 0], np.nanquantile(y, shares), rtol=1e-12)
    assert np.isnan(median(np.full((2, 3), np.nan))).all()


def test_shrunken_means_keep_what_is_there_and_drop_what_is_noise():
    """Groups that differ by far more than their noise keep their means; groups of noise go to zero."""
    rng = np.random.default_rng(0)
    group = np.arange(400) % 8
    noise = rng.normal(0, 1, 400)
    clear = np.stack([noise + 20 * (group - 3.5), noise])

    effect, without = shrunk_means(clear, group, 8)

    np.testing.assert_allclose(effect[0], 20 * (np.arange(8) - 3.5), atol=0.6)
    assert np.abs(effect[1]).max() < 0.5 * np.abs([noise[group == g].mean() for g in range(8)]).max() + 1e-9
    assert without.shape == clear.shape


def test_an_observations_own_part_is_not_in_the_mean_it_is_compared_with():
    """Changing one value changes the others' comparison and not its own (but for the shared shrinkage)."""
    rng = np.random.default_rng(1)
    group = np.arange(200) % 4
    y = rng.normal(0, 1, 200) + 50 * group
    other = y.copy()
    other[8] += 0.1

    before, after = (shrunk_means(values[None, :], group, 4)[1][0] for values in (y, other))

    assert after[8] == pytest.approx(before[8], abs=1e-4)
    assert after[12] - before[12] == pytest.approx(0.1 / 49, rel=0.05)


def test_the_interval_score_by_hand():
    """Gneiting and Raftery's formula, alpha 0.05: width 4, 0.5 below costs 40 times as much."""
    score = winkler(np.array([10.0, 7.5, 13.0]), np.full(3, 8.0), np.full(3, 12.0), coverage=0.95)

    np.testing.assert_allclose(score, [4, 4 + 40 * 0.5, 4 + 40 * 1.0])


def test_the_scaled_error_of_repeating_last_season_is_one():
    """Hyndman and Koehler: scaled by the naive forecast's own error within the history."""
    history = np.array([1.0, 4.0, 2.0, 5.0, 3.0, 6.0])

    assert mase(np.array([4.0, 7.0]), np.array([3.0, 6.0]), history, season=2) == pytest.approx(1.0)
    assert np.isnan(mase(np.ones(2), np.ones(2), np.ones(6), season=2))
    assert np.isnan(mase(np.ones(2), np.ones(2), np.ones(1), season=2))


def test_loess_follows_statsmodels_where_nothing_is_skipped():
    """The same trend and season as STL called directly with the same spans."""
    from statsmodels.tsa.seasonal import STL

    y = series(10 * 24)
    at = START + np.arange(y.size + 24) * np.timedelta64(1, "h")
    theirs = STL(y, period=24, seasonal=7, trend_jump=4, low_pass_jump=2).fit()
    level = ewma(np.asarray(theirs.trend))[-1]

    baseline = fit("stl", at[:-24], y).predict(at[-24:])

    np.testing.assert_allclose(baseline.expected, level + theirs.seasonal[-24:], rtol=1e-10)


def test_seasonal_naive_repeats_yesterday_and_measures_day_over_day():
    y = series(8 * 24)
    at = START + np.arange(y.size + 24) * np.timedelta64(1, "h")

    baseline = fit("seasonal_naive", at[:-24], y, coverage=0.9).predict(at[-24:])

    np.testing.assert_array_equal(baseline.expected, y[-24:])
    np.testing.assert_allclose(baseline.lower - baseline.expected, np.quantile(y[24:] - y[:-24], 0.05))
