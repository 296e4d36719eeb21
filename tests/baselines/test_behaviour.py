"""What real data does: time changes, gaps, jitter, breaks, holidays, late readings."""

import numpy as np
import pytest

from analytics.baselines import Stream, fit, fit_predict, local_calendar, rolling
from analytics.baselines.clock import as_times, step_of
from analytics.baselines.grid import to_grid
from analytics.errors import InputError

START = np.datetime64("2026-03-02T00:00", "ns")  # a Monday
HOUR = np.timedelta64(1, "h")


def local_peak(at, timezone, peak_hour=9):
    """A metric that peaks every day at the same hour on the wall."""
    clock = local_calendar(at, timezone)
    return 100 + 400.0 * (clock.second // 3600 == peak_hour)


@pytest.mark.parametrize(("around", "name"), [("2026-03-29", "spring"), ("2026-10-25", "autumn")])
def test_a_peak_at_nine_stays_at_nine_when_the_clocks_change(around, name):
    """In Berlin the peak moves by an hour of UTC; a baseline kept in UTC misses it."""
    change = np.datetime64(around, "ns")
    at = change + np.arange(-21 * 24, 5 * 24) * HOUR
    y = local_peak(at, "Europe/Berlin") + np.random.default_rng(0).normal(0, 2, at.size)
    after = (at >= change + np.timedelta64(1, "D")) & (local_calendar(at, "Europe/Berlin").second // 3600 == 9)

    right = rolling(at, y, timezone="Europe/Berlin")
    wrong = rolling(at, y, timezone="UTC")

    assert np.all(np.abs(right.expected[after] - 500) < 40)
    assert np.abs(wrong.expected[after][0] - 500) > 60


def test_the_local_calendar_of_a_day_with_25_hours():
    at = np.datetime64("2026-10-24T22:00", "ns") + np.arange(26) * HOUR

    clock = local_calendar(at, "Europe/Berlin")

    assert list(clock.second[:5] // 3600) == [0, 1, 2, 2, 3]
    assert (clock.day == clock.day[0]).sum() == 25
    assert set(clock.weekday[:25]) == {6}


def test_an_unknown_zone_is_named():
    with pytest.raises(InputError, match="Mars/Olympus"):
        local_calendar(START + np.arange(3) * HOUR, "Mars/Olympus")


def test_times_may_be_aware_naive_or_text():
    import pandas as pd

    aware = pd.date_range("2026-03-02 01:00", periods=2, freq="h", tz="Europe/Berlin")

    expected = np.array(["2026-03-02T00:00", "2026-03-02T01:00"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(as_times(aware), expected)
    np.testing.assert_array_equal(as_times(list(aware.to_pydatetime())), expected)
    np.testing.assert_array_equal(as_times(["2026-03-02T00:00", "2026-03-02T01:00"]), expected)
    np.testing.assert_array_equal(as_times(pd.Series(aware)), expected)
    with pytest.raises(InputError, match="missing"):
        as_times(np.array(["NaT"], dtype="datetime64[ns]"))
    with pytest.raises(InputError, match="UTC instants"):
        as_times(["yesterday"])


def test_polls_that_jitter_fall_on_their_grid():
    rng = np.random.default_rng(0)
    at = START + np.arange(600) * np.timedelta64(300, "s") + rng.integers(-40, 40, 600).astype("timedelta64[s]")

    grid = to_grid(at, np.arange(600.0)[None, :])

    assert grid.step_s == 300
    assert grid.times.size == pytest.approx(600, abs=1)
    assert np.isfinite(grid.values).mean() > 0.99


@pytest.mark.parametrize("step_s", [420, 5000, 7 * 3600, 30 * 3600])
def test_a_step_that_divides_no_day_still_has_times_of_day(step_s):
    """Polls every seven minutes or hours: the season is that of the day, not of 24 / 7 polls."""
    at = START + np.arange(int(40 * 86400 / step_s)) * np.timedelta64(step_s, "s")
    clock = local_calendar(at, "UTC").second / 86400
    y = 100 + 50 * np.sin(2 * np.pi * clock) + np.random.default_rng(0).normal(0, 1, at.size)

    baseline = rolling(at, y, window_days=40, min_history_days=30)

    judged = np.isfinite(baseline.expected)
    assert step_of(at) == step_s
    assert baseline.expected.shape == at.shape
    if step_s < 86400:
        assert np.mean(np.abs(baseline.expected - y)[judged]) < 12


@pytest.mark.parametrize("step_h", [1, 24])
def test_followers_that_grow_day_by_day_are_expected_to_grow(step_h):
    """A level with a drift: without it yesterday's count is the expectation and every day is an anomaly."""
    at = START + np.arange(60 * 24 // step_h) * np.timedelta64(step_h, "h")
    gained = np.random.default_rng(0).poisson(200 * step_h / 24, at.size)
    y = 100_000.0 + np.cumsum(gained)

    baseline = rolling(at, y, min_history_days=14)

    judged = np.isfinite(baseline.expected)
    assert abs(np.mean((y - baseline.expected)[judged])) < 15
    assert ((y >= baseline.lower) & (y <= baseline.upper))[judged].mean() > 0.8


def test_a_week_that_rises_for_five_days_is_no_drift():
    at = START + np.arange(28 * 24) * HOUR
    weekday = local_calendar(at, "UTC").weekday
    y = 1000.0 + 100 * weekday + np.random.default_rng(1).normal(0, 5, at.size)

    fitted = fit("profile", at, y)

    assert fitted.model.drift[0, 0] == 0


def test_a_step_that_makes_the_grid_absurd_is_refused():
    """Two bursts of seconds a year apart are no series of seconds."""
    at = START + np.concatenate([np.arange(10), 31_536_000 + np.arange(10)]) * np.timedelta64(1, "s")

    with pytest.raises(InputError, match="step_s"):
        rolling(at, np.ones(20), algorithm="ewma")


def test_a_gap_of_a_day_stays_a_gap_and_the_level_waits():
    rng = np.random.default_rng(2)
    at = START + np.arange(14 * 24) * HOUR
    keep = (at < START + 10 * 24 * HOUR) | (at >= START + 11 * 24 * HOUR)
    y = rng.poisson(200, at.size).astype(float)

    baseline = rolling(at[keep], y[keep])

    assert baseline.expected.shape == (keep.sum(),)
    back = at[keep] >= START + 11 * 24 * HOUR
    assert np.all(np.abs(baseline.expected[back] - 200) < 15)


def test_an_outage_of_some_hours_is_not_expected_again_next_week():
    """Of four Mondays one had none from five to nine: the fifth is expected to be like the other three."""
    at = START + np.arange(28 * 24 + 24) * HOUR
    clock = local_calendar(at, "UTC")
    usual = 400 + 200 * np.sin(2 * np.pi * (clock.second // 3600 - 8) / 24)
    usual *= np.where(np.arange(at.size) // 24 % 7 >= 5, 0.5, 1.0)
    y = np.random.default_rng(4).poisson(usual).astype(float)
    ill = slice(21 * 24 + 5, 21 * 24 + 9)
    past, following = slice(0, 28 * 24), slice(28 * 24 + 5, 28 * 24 + 9)
    broken = y.copy()
    broken[ill] = 4.0

    expected = [fit("profile", at[past], values[past]).predict(at[following]).expected for values in (y, broken)]

    assert expected[1] == pytest.approx(expected[0], rel=0.12)


def test_a_holiday_is_expected_to_be_a_sunday():
    at = START + np.arange(29 * 24) * HOUR
    quiet = local_calendar(at, "UTC").weekday == 6
    holiday = "2026-03-30"  # a Monday
    y = np.where(quiet, 40.0, 100.0) + np.random.default_rng(3).normal(0, 2, at.size)

    plain, told = (rolling(at, y, holidays=days).expected[-24:] for days in ((), (holiday,)))

    assert np.all(plain > 85)
    assert np.all(told < 55)


def broken(policy):
    """A metric whose new definition counts three times as much from day 15 on."""
    at = START + np.arange(22 * 24) * HOUR
    change = START + 15 * 24 * HOUR
    rng = np.random.default_rng(4)
    shape = 1 + 0.5 * np.sin(2 * np.pi * np.arange(at.size) / 24)
    y = rng.poisson(200 * shape * np.where(at >= change, 3, 1)).astype(float)
    return at, y, at >= change, rolling(at, y, breaks=[change], break_policy=policy)


def test_a_break_that_is_bridged_costs_a_day_and_raises_nothing():
    _, y, after, baseline = broken("bridge")

    silent = np.isnan(baseline.expected[after])
    inside = (y >= baseline.lower) & (y <= baseline.upper)

    assert silent.sum() == 24
    assert inside[after][24:].mean() > 0.9


def test_a_break_that_restarts_is_silent_until_there_is_history_again():
    at, _, after, baseline = broken("restart")

    assert np.isnan(baseline.expected[after]).all()
    assert np.isfinite(baseline.expected[~after][7 * 24 :]).all()
    late = rolling(at, np.ones(at.size), breaks=[at[8 * 24]], min_history_days=3)
    assert np.isfinite(late.expected[-1])


def test_without_the_break_being_named_the_same_change_is_outside_the_band():
    at, y, after, _ = broken("restart")

    baseline = rolling(at, y)

    outside = (y > baseline.upper) | (y < baseline.lower)
    assert outside[after][:24].mean() > 0.9


def test_a_gauge_below_zero_is_bridged_by_adding():
    at = START + np.arange(20 * 24) * HOUR
    y = np.random.default_rng(5).normal(-5, 1, at.size)
    y[10 * 24 :] += 30

    baseline = rolling(at, y, breaks=[at[10 * 24]], break_policy="bridge")

    assert np.all(np.abs(baseline.expected[11 * 24 :] - 25) < 2)


def test_a_pattern_that_repeats_below_the_hour_is_learned():
    """A job at a quarter past every ninth hour is no surprise on the fourth Monday."""
    at = START + np.arange(15 * 288) * np.timedelta64(5, "m")
    clock = local_calendar(at, "UTC")
    job = (clock.second // 300) == 9 * 12 + 3
    y = 100 + 300.0 * job + np.random.default_rng(6).normal(0, 3, at.size)

    baseline = rolling(at, y)

    assert np.all(np.abs(baseline.expected[job][-3:] - 400) < 60)


def test_the_band_holds_what_it_claims_on_unseen_days():
    """Counts with day, week, drift and bursts over several seeds; from the third week on 95 % means 93 to 97."""
    shares = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        at = START + np.arange(35 * 288) * np.timedelta64(5, "m")
        hour = np.arange(at.size) / 12
        drift = np.exp(np.cumsum(rng.normal(0, 0.004, at.size)))
        mean = 40 * drift * (1 + 0.6 * np.sin(2 * np.pi * hour / 24)) * np.where((hour // 24) % 7 >= 5, 0.7, 1)
        y = rng.negative_binomial(5, 5 / (5 + mean)).astype(float)
        baseline = rolling(at, y, window_days=28, min_history_days=14)
        judged = np.isfinite(baseline.expected)
        shares.append(((y >= baseline.lower) & (y <= baseline.upper))[judged].mean())

    assert np.mean(shares) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("lead_hours", [0, 1, 6, 24])
def test_a_longer_lead_keeps_an_incident_from_becoming_its_own_baseline(lead_hours):
    at = START + np.arange(12 * 288) * np.timedelta64(5, "m")
    y = np.random.default_rng(7).poisson(100, at.size).astype(float)
    incident = slice(11 * 288, 11 * 288 + max(12 * lead_hours, 1))
    y[incident] *= 5

    baseline = rolling(at, y, lead_hours=lead_hours)

    assert np.all(baseline.expected[incident] < 130)


def test_a_negative_lead_is_refused():
    with pytest.raises(InputError, match="lead_hours"):
        rolling(START + np.arange(240) * HOUR, np.ones(240), lead_hours=-1)


def test_a_log_scale_for_values_below_zero_is_refused():
    with pytest.raises(InputError, match="negative"):
        fit("profile", START + np.arange(240) * HOUR, np.arange(240.0) - 5, transform="log")
    with pytest.raises(InputError, match="transform"):
        fit("profile", START + np.arange(240) * HOUR, np.arange(240.0), transform="sqrt")


def test_counts_never_get_a_band_below_zero_and_gauges_may():
    at = START + np.arange(240) * HOUR
    rng = np.random.default_rng(8)

    counts = rolling(at, rng.poisson(1.0, 240).astype(float))
    gauge = rolling(at, rng.normal(0, 1, 240))

    assert np.nanmin(counts.lower) > -1e-6
    assert np.nanmin(gauge.lower) < -1


@pytest.mark.parametrize("horizon", [1, 12, 288, 2016])
def test_the_yardstick_interface_gives_a_finite_band_of_any_length(horizon):
    at = START + np.arange(28 * 288) * np.timedelta64(5, "m")
    y = np.random.default_rng(9).poisson(30, at.size).astype(float)

    middle, lower, upper = fit_predict(at, y, horizon)

    assert middle.shape == lower.shape == upper.shape == (horizon,)
    assert np.all((lower <= middle) & (middle <= upper))
    assert np.all((lower > 10) & (upper < 60))


def test_the_band_one_step_ahead_is_narrower_than_a_day_ahead():
    """What was seen five minutes ago says more than what was seen yesterday."""
    rng = np.random.default_rng(10)
    at = START + np.arange(28 * 288) * np.timedelta64(5, "m")
    y = np.exp(4 + np.cumsum(rng.normal(0, 0.02, at.size)))

    _, lower, upper = fit_predict(at, y, 288)

    assert (upper - lower)[0] < 0.3 * (upper - lower)[-1]


def test_a_late_reading_is_put_in_its_place_and_judged_by_nothing():
    at = START + np.arange(10 * 24) * HOUR
    y = np.random.default_rng(11).poisson(100, at.size).astype(float)
    stream = Stream(step_s=3600, lead_hours=1)
    for t, v in zip(at[:-2], y[:-2], strict=True):
        stream.update(t, v)

    late = stream.update(at[100], 5.0)
    following = stream.update(at[-2], y[-2])

    assert np.isnan(late.expected)
    assert np.isfinite(following.expected)


def test_a_stream_forgets_what_is_older_than_its_window():
    """Memory stays that of one window however long the series runs, and the verdict that of `rolling`."""
    at = START + np.arange(60 * 24) * HOUR
    y = np.random.default_rng(12).poisson(100, at.size).astype(float)
    stream = Stream(step_s=3600, window_days=10)

    verdicts = [stream.update(t, v, masked=(k % 50 == 0)) for k, (t, v) in enumerate(zip(at, y, strict=True))]

    whole = rolling(at, y, step_s=3600, window_days=10, masked=np.arange(at.size) % 50 == 0)
    np.testing.assert_allclose([v.upper for v in verdicts], whole.upper, rtol=1e-9)
    assert stream._held.size == 10 * 24 + 2 * 24


def test_one_bad_day_is_not_expected_again_and_a_new_level_is():
    """Of a metric read once a day: after a purge the next days are as usual; three days at a level are one."""
    at = START + np.arange(90) * 24 * HOUR
    y = np.random.default_rng(2).poisson(60, at.size).astype(float)
    purged, moved = y.copy(), y + 200.0 * (np.arange(at.size) >= 60)
    purged[60] = -700.0

    after_purge, after_move = (rolling(at, values, window_days=30).expected for values in (purged, moved))

    assert np.all(np.abs(after_purge[61:68] - 60) < 15)
    assert np.all(after_move[63:68] > 150)


@pytest.mark.parametrize("masked", [False, True])
def test_a_window_without_data_gives_no_band(masked):
    """After a month without readings, or masked, every daily series told incidents: what counts is in the window."""
    n, gap = 122, slice(60, 95)
    times = np.datetime64("2026-08-01", "ns") + np.arange(n).astype("timedelta64[D]")
    values = (
        np.random.default_rng(3).poisson(1000 * np.resize([1.0, 1.05, 1.0, 0.98, 0.95, 0.7, 0.65], n)).astype(float)
    )
    flags = np.zeros(n, bool)
    flags[gap] = True
    if masked:
        made = rolling(times, values, masked=flags)
        expected = made.expected
    else:
        expected = np.full(n, np.nan)
        expected[~flags] = rolling(times[~flags], values[~flags], step_s=86400.0).expected

    assert np.isnan(expected[95:101]).all()
    assert np.isfinite(expected[102:]).all()
    assert np.isfinite(expected[8:60]).all()


@pytest.mark.parametrize("spike", [-691.0, 900.0])
def test_one_far_day_does_not_widen_the_band_of_the_weeks_after_it(spike):
    """A purge of 691 stars made bands reach to -250 for as long as it lay in the window."""
    times = np.datetime64("2026-08-01", "ns") + np.arange(90).astype("timedelta64[D]")
    values = np.random.default_rng(1).poisson(20, 90).astype(float)
    usual = rolling(times, values, step_s=86400.0)
    values[60] = spike

    after = rolling(times, values, step_s=86400.0)

    widths = [(band.upper - band.lower)[62:] for band in (usual, after)]
    assert np.median(widths[1] / widths[0]) < 1.25
    assert after.lower[62:].min() > 0
