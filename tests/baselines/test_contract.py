"""One suite over every algorithm: what the interface promises, whatever is inside."""

import numpy as np
import pytest

from analytics.baselines import ALGORITHMS, Stream, fit, rolling
from analytics.errors import InputError, InsufficientHistory

START = np.datetime64("2026-03-02T00:00", "ns")  # a Monday
QUICK = [name for name in ALGORITHMS if name != "prophet"]
EQUIVARIANT = [name for name in QUICK if name != "profile"]  # profile: a log scale knows where zero is
DAYS = 16


def hours(days=DAYS):
    return START + np.arange(days * 24) * np.timedelta64(1, "h")


def traffic(days=DAYS, seed=0, level=100.0):
    """Counts an hour with a day, a weekend and noise."""
    n = days * 24
    rng = np.random.default_rng(seed)
    hour = np.arange(n)
    season = 1 + 0.5 * np.sin(2 * np.pi * hour / 24) - 0.3 * ((hour // 24) % 7 >= 5)
    return rng.poisson(level * season).astype(float)


def bands(baseline):
    return np.stack([baseline.expected, baseline.lower, baseline.upper, baseline.residual_scale])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_fitted_baseline_says_what_it_expects_and_how_sure_it_is(name):
    at, y = hours(), traffic()

    baseline = fit(name, at[:-24], y[:-24]).predict(at[-24:])

    assert np.isfinite(bands(baseline)).all()
    assert np.all((baseline.lower <= baseline.expected) & (baseline.expected <= baseline.upper))
    assert np.all(baseline.residual_scale > 0)
    assert np.all(baseline.sample_size == (DAYS - 1) * 24)
    assert (baseline.algorithm, baseline.coverage) == (name, ALGORITHMS[name].coverage)
    assert baseline.parameters["window_days"] == 30
    assert np.mean(np.abs(baseline.expected - y[-24:])) < 25
    assert any("days of history" in line for line in baseline.warnings)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_same_call_gives_the_same_band(name):
    """Also for Prophet, whose interval is sampled: a verdict must not change from run to run."""
    at, y = hours(10), traffic(10)

    first, second = (bands(fit(name, at[:-4], y[:-4]).predict(at[-4:])) for _ in range(2))

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", QUICK)
def test_the_judged_point_and_the_future_are_not_in_its_baseline(name):
    """Whatever is changed from a point on, that point's baseline and all before stay the same."""
    at, y = hours(), traffic()
    whole = bands(rolling(at, y, algorithm=name))

    for cut in (8 * 24 + 5, 11 * 24, 14 * 24 + 13):
        spoiled = y.copy()
        spoiled[cut:] = 1e6 - 7 * spoiled[cut:][::-1]

        np.testing.assert_array_equal(bands(rolling(at, spoiled, algorithm=name))[:, : cut + 1], whole[:, : cut + 1])
        np.testing.assert_array_equal(bands(rolling(at[:cut], y[:cut], algorithm=name)), whole[:, :cut])


@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_said_before_there_is_enough_history(name):
    baseline = rolling(hours(), traffic(), algorithm=name, min_history_days=7)

    assert np.isnan(bands(baseline)[:, : 7 * 24]).all()
    assert np.all(baseline.sample_size[: 7 * 24] == 0)
    assert np.isfinite(bands(baseline)[:, 7 * 24 :]).all()


@pytest.mark.parametrize("name", QUICK)
def test_the_first_block_is_what_a_fit_would_predict(name):
    """`rolling` is the same algorithm, refitted: at the first judged point nothing has been followed yet."""
    at, y = hours(), traffic()
    first = 9 * 24

    baseline = rolling(at, y, algorithm=name, min_history_days=9)
    fitted = fit(name, at[:first], y[:first]).follow(at[first : first + 1], y[first : first + 1])

    np.testing.assert_allclose(bands(baseline)[:, first], bands(fitted)[:, 0], rtol=1e-12)


@pytest.mark.parametrize("name", QUICK)
def test_the_order_of_the_rows_does_not_matter(name):
    at, y = hours(10), traffic(10)
    mixed = np.random.default_rng(1).permutation(at.size)

    baseline = rolling(at[mixed], y[mixed], algorithm=name)

    np.testing.assert_array_equal(bands(baseline), bands(rolling(at, y, algorithm=name))[:, mixed])
    np.testing.assert_array_equal(baseline.times, at[mixed])


@pytest.mark.parametrize("name", QUICK)
def test_a_change_of_unit_changes_the_unit_only(name):
    at, y = hours(10), traffic(10)

    plain, scaled = (bands(rolling(at, factor * y, algorithm=name)) for factor in (1.0, 1000.0))

    np.testing.assert_allclose(scaled, 1000 * plain, rtol=1e-6)


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_a_shift_moves_the_band_and_nothing_else(name):
    at, y = hours(10), traffic(10)

    plain, moved = (bands(rolling(at, y + shift, algorithm=name)) for shift in (0.0, 5000.0))

    np.testing.assert_allclose(moved[:3], plain[:3] + 5000, rtol=1e-9)
    np.testing.assert_allclose(moved[3], plain[3], rtol=1e-6)


@pytest.mark.parametrize("name", QUICK)
def test_the_zone_moves_the_clock_and_not_the_answer(name):
    """Observations shifted by nine hours and read nine hours further east are the same days."""
    at, y = hours(10), traffic(10)

    here = bands(rolling(at, y, algorithm=name))
    there = bands(rolling(at - np.timedelta64(9, "h"), y, algorithm=name, timezone="Asia/Tokyo"))

    np.testing.assert_allclose(there, here, rtol=1e-9)


@pytest.mark.parametrize("name", QUICK)
def test_a_matrix_gives_each_series_what_it_gets_alone(name):
    at = hours(10)
    y = np.stack([traffic(10, seed) for seed in range(3)])
    y[1, 50:60] = np.nan

    together = rolling(at, y, algorithm=name)

    for row in range(3):
        np.testing.assert_allclose(bands(together.row(row)), bands(rolling(at, y[row], algorithm=name)), rtol=1e-9)


@pytest.mark.parametrize("name", QUICK)
def test_point_by_point_equals_all_at_once(name):
    """The incremental form is the rolling one, to rounding."""
    at, y = hours(12), traffic(12)
    y[200:209] = np.nan
    stream = Stream(algorithm=name, step_s=3600)

    verdicts = [stream.update(t, v) for t, v in zip(at, y, strict=True)]

    whole = rolling(at, y, algorithm=name, step_s=3600)
    got = np.array([[v.expected, v.lower, v.upper, v.residual_scale] for v in verdicts]).T
    np.testing.assert_allclose(got, bands(whole), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal([v.sample_size for v in verdicts], whole.sample_size)


@pytest.mark.parametrize("name", QUICK)
def test_a_masked_incident_is_not_learned_from(name):
    """With the incident masked the band is that of a series in which those readings are missing."""
    at, y = hours(), traffic()
    incident = slice(9 * 24 + 6, 9 * 24 + 18)
    spoiled, gone = y.copy(), y.copy()
    spoiled[incident] *= 50
    gone[incident] = np.nan
    flags = np.zeros(at.size, dtype=bool)
    flags[incident] = True

    missing = bands(rolling(at, gone, algorithm=name))

    np.testing.assert_array_equal(bands(rolling(at, spoiled, algorithm=name, masked=flags)), missing)
    span = [(at[incident][0], at[incident][-1] + np.timedelta64(1, "h"))]
    np.testing.assert_array_equal(bands(rolling(at, spoiled, algorithm=name, masked=span)), missing)


@pytest.mark.parametrize("name", QUICK)
def test_inputs_come_back_unchanged(name):
    at, y = hours(10), traffic(10)
    before = (at.copy(), y.copy())

    rolling(at, y, algorithm=name)

    np.testing.assert_array_equal(at, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("name", QUICK)
def test_a_flat_series_has_no_width_and_says_so(name):
    at = hours(10)

    baseline = rolling(at, np.full(at.size, 42.0), algorithm=name)

    judged = np.isfinite(baseline.expected)
    np.testing.assert_allclose(baseline.expected[judged], 42, rtol=1e-9)
    assert np.all((baseline.lower[judged] <= 42 + 1e-9) & (baseline.upper[judged] >= 42 - 1e-9))
    assert np.all(baseline.upper[judged] - baseline.lower[judged] < 1e-5)
    assert any("every value is the same" in line for line in baseline.warnings)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("step_h", [24, 1])
def test_daily_and_hourly_metrics_and_gaps_are_served(name, step_h):
    n = 60 if step_h == 24 else 20 * 24
    at = START + np.arange(n) * np.timedelta64(step_h, "h")
    y = 100 + 20.0 * (np.arange(n) % 7) + np.random.default_rng(3).normal(0, 2, n)
    keep = np.ones(n, dtype=bool)
    keep[30:34] = False
    keep[[40, 45]] = False

    baseline = rolling(at[keep], y[keep], algorithm=name, min_history_days=14)

    assert np.isfinite(baseline.expected[-5:]).all()
    assert baseline.expected.shape == (keep.sum(),)


@pytest.mark.parametrize("name", QUICK)
def test_counts_that_are_mostly_zero_stay_finite(name):
    at = hours()
    y = np.random.default_rng(4).poisson(0.05, at.size).astype(float)

    baseline = rolling(at, y, algorithm=name)

    assert np.isfinite(bands(baseline)[:, 7 * 24 :]).all()
    assert any("zero" in line for line in baseline.warnings)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_too_little_history_is_an_error_and_not_a_number(name):
    with pytest.raises(InsufficientHistory):
        fit(name, hours(1)[:2], [1.0, 2.0])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_parameter_that_does_not_exist_is_named(name):
    with pytest.raises(InputError, match="alhpa"):
        fit(name, hours(), traffic(), alhpa=0.3)


def test_an_unknown_algorithm_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="expected one of profile"):
        rolling(hours(), traffic(), algorithm="arima")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"coverage": 1.5}, "coverage"),
        ({"window_days": 0}, "window_days"),
        ({"masked": np.array([True])}, "masked"),
        ({"break_policy": "ignore", "breaks": [START]}, "break_policy"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        rolling(hours(), traffic(), algorithm="ewma", **given)


def test_values_that_do_not_fit_their_times_are_refused():
    with pytest.raises(InputError, match="expected"):
        rolling(hours(), traffic()[:-1])
    with pytest.raises(InputError, match="infinite"):
        rolling(hours(), np.where(np.arange(DAYS * 24) == 3, np.inf, 1.0))
