import numpy as np
import pytest

from analytics.baselines import to_rate
from analytics.errors import InputError

START = np.datetime64("2026-03-01T00:00", "ns")


def minutes(*at):
    return START + np.array(at) * np.timedelta64(1, "m")


def test_a_gap_is_not_a_spike_in_the_poll_that_follows_it():
    """After 40 minutes without a poll the increase belongs to 40 minutes, and the total keeps it."""
    rates = to_rate(minutes(0, 5, 10, 50, 55), [100, 110, 120, 200, 210])

    assert np.isnan(rates.values[3])
    assert rates.values[4] == 10
    assert np.nansum(rates.increase) == 110
    assert "1 gap(s), the longest 0.7 h" in rates.warnings[0]


def test_the_rate_uses_the_interval_that_truly_passed():
    """A poll that came a minute late saw six minutes: no sixth more traffic."""
    rates = to_rate(minutes(0, 5, 11, 16), [0, 50, 110, 160])

    np.testing.assert_allclose(rates.values[1:], 50)
    np.testing.assert_allclose(rates.per_hour[1:], 600)


def test_withdrawn_likes_stay_negative_and_a_restart_does_not():
    """A small step down is a fact; a fall to nearly nothing is a counter that began again."""
    rates = to_rate(minutes(0, 5, 10, 15), [1000, 990, 12, 20])

    np.testing.assert_array_equal(rates.increase[1:], [-10, 12, 8])
    np.testing.assert_array_equal(rates.resets, [False, False, True, False])


def test_few_likes_withdrawn_to_zero_are_no_restart():
    rates = to_rate(minutes(0, 5), [3, 0])

    assert rates.increase[1] == -3
    assert not rates.resets.any()


def test_a_zero_answered_by_mistake_brings_no_spike_when_the_counter_returns():
    """Sources answer 0 for a moment; the jump back must not count the whole history again."""
    rates = to_rate(minutes(0, 5, 10, 15), [5000, 0, 5040, 5050])

    np.testing.assert_array_equal(rates.increase[1:], [0, 40, 10])


def test_rows_in_any_order_and_rows_given_twice_make_the_same_rates():
    at, readings = minutes(0, 5, 10, 15), np.array([1.0, 2.0, 4.0, 8.0])
    mixed = np.array([2, 0, 3, 1, 1])

    rates = to_rate(at[mixed], readings[mixed])

    np.testing.assert_array_equal(rates.values, to_rate(at, readings).values)
    assert rates.times.size == 4


def test_a_withheld_reading_joins_the_two_intervals_around_it():
    rates = to_rate(minutes(0, 5, 10, 15), [10, np.nan, 30, 40])

    np.testing.assert_array_equal(rates.values, [np.nan, np.nan, 10, 10])
    assert rates.interval_s[2] == 600


def test_a_gauge_passes_through():
    rates = to_rate(minutes(0, 5, 90), [3, 2, 9], data_type="gauge")

    np.testing.assert_array_equal(rates.values, [3, 2, 9])


def test_a_rate_says_what_is_wrong_with_its_input():
    with pytest.raises(InputError, match="one value a time"):
        to_rate(minutes(0, 5), [1.0])
    with pytest.raises(InputError, match="step_s"):
        to_rate(minutes(0, 5), [1.0, 2.0], step_s=0)


@pytest.mark.parametrize("n", [0, 1])
def test_none_or_one_reading_is_no_rate(n):
    rates = to_rate(minutes(0, 5)[:n], [7.0, 8.0][:n])

    assert rates.values.shape == (n,)
    assert np.isnan(rates.values).all()
