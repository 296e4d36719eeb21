"""The parts of the score: Hill's tail, the same time on earlier days, announcing once."""

import numpy as np
import pytest

from analytics.anomalies.scoring import announce
from analytics.anomalies.surprise import DayGrid, beyond_usual, column_median, past_quantile, tail_surprise

FIVE_MINUTES = 300.0


@pytest.mark.parametrize("alpha", [1.5, 3.0, 6.0])
def test_the_tail_of_a_power_law_is_measured_in_its_own_exponent(alpha):
    """For a Pareto tail the mean log excess is 1/alpha (Hill), so e times the quantile is a surprise of alpha.

    Excesses are capped at 1.5 while learning, which shortens the mean of an exponential by 1 - exp(-1.5 alpha).
    """
    x = np.random.default_rng(0).pareto(alpha, 40000) + 1
    u = past_quantile(x, 0.9)[-1]
    x[-1] = np.e * u

    assert tail_surprise(x, 0.9)[-1] == pytest.approx(alpha / (1 - np.exp(-1.5 * alpha)), rel=0.05)


def test_surprise_has_mean_one_beyond_the_quantile():
    """Exponential log excesses in units of their mean: the answer is on one scale for all series."""
    for seed, draw in enumerate(
        (np.random.Generator.standard_normal, lambda g, n: g.pareto(2.5, n), lambda g, n: g.gamma(3, 1, n))
    ):
        x = np.abs(draw(np.random.default_rng(seed), 30000))

        surprise = tail_surprise(x, 0.95)[5000:]

        assert surprise[surprise > 0].mean() == pytest.approx(1.0, abs=0.12)
        assert (surprise > 0).mean() == pytest.approx(0.05, abs=0.01)


def test_the_same_time_on_earlier_days_is_what_is_compared_with():
    seconds = np.arange(4 * 288) * FIVE_MINUTES
    values = np.repeat([10.0, 20.0, 90.0, 30.0], 288)

    grid = DayGrid(seconds)

    assert np.isnan(grid.median_before(values)[:288]).all()
    assert grid.median_before(values)[288::288].tolist() == [10.0, 15.0, 20.0]
    assert grid.outside_before(values)[288::288].tolist() == [10.0, 70.0, 0.0]


def test_times_that_step_back_learn_nothing_from_later_rows():
    """A clock set back an hour at the end of day 1: rows of day 2 may not slip into day 1's past."""
    seconds = np.arange(3 * 288) * FIVE_MINUTES
    seconds[300:] -= 3600.0
    values = np.random.default_rng(1).normal(size=seconds.size)
    changed = values.copy()
    changed[400:] = 1e6

    first, second = (DayGrid(seconds).median_before(v) for v in (values, changed))

    np.testing.assert_array_equal(first[:400], second[:400])


def test_a_median_of_columns_passes_over_missing_entries():
    rows = np.random.default_rng(3).normal(size=(9, 50))
    rows[np.random.default_rng(4).random(rows.shape) < 0.4] = np.nan
    rows[0] = 0.0

    np.testing.assert_allclose(column_median(rows), np.nanmedian(rows, axis=0))


def test_excesses_are_in_units_of_earlier_ones():
    assert beyond_usual(np.array([0.0, 1.0, 0.0, 2.0]), prior=0.5, weight=1.0).tolist() == [0.0, 2.0, 0.0, 2 / 0.75]


def test_an_announcement_waits_for_the_top_and_comes_again_only_if_it_grows():
    surprises = np.zeros(3000)
    surprises[1000:1012] = [4.0, 5.0, 6.0, 5.5, 5.0, 5.0, 12.0, 9.0, 8.0, 7.0, 6.0, 5.0]
    surprises[2000:2002] = [6.0, 1.0]

    told = announce(surprises, np.arange(3000) * FIVE_MINUTES)

    assert np.flatnonzero(told).tolist() == [1003, 1007, 2001]
    assert told[1007] > told[1003] > told[2001], "the third is one like the first"


def test_a_rise_is_told_after_a_quarter_of_an_hour_at_the_latest_and_an_hourly_one_at_once():
    surprises = np.zeros(400)
    surprises[300:310] = np.arange(10) + 3.0

    assert np.flatnonzero(announce(surprises, np.arange(400) * FIVE_MINUTES))[0] == 303
    assert np.flatnonzero(announce(surprises, np.arange(400) * 3600.0))[0] == 300
