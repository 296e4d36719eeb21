"""Readings beside their baseline: sides of a band, lines without noise, times of any kind."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analytics import baselines
from analytics.anomalies import detect
from analytics.anomalies.residuals import residuals
from analytics.errors import InputError

AT = np.datetime64("2026-03-02", "ns") + np.arange(20 * 288) * np.timedelta64(5, "m")


def band(lower, upper, scale=10.0, n=3):
    arrays = {"expected": np.full(n, 100.0), "lower": np.full(n, lower), "upper": np.full(n, upper)}
    return SimpleNamespace(times=AT[:n], residual_scale=np.full(n, scale), **arrays)


def test_each_side_is_measured_by_its_own_half_of_the_band():
    """The edge is 2 on both sides, though there is three times more room above."""
    readings = residuals(AT[:3], [160.0, 80.0, 100.0], band(80.0, 160.0))

    assert readings.band_distance(1)[0].tolist() == [2.0, pytest.approx(-2 / 3), 0.0]
    assert readings.band_distance(-1)[0].tolist() == [-6.0, 2.0, 0.0]


@pytest.mark.parametrize(("level", "then", "told"), [(100.0, 140.0, True), (100.0, 101.0, False), (0.0, 0.0, False)])
@pytest.mark.parametrize("algorithm", ["profile", "ewma"])
def test_a_line_without_noise_is_good_to_one_per_cent(level, then, told, algorithm):
    values = np.where(np.arange(AT.size) >= 15 * 288, then, level)
    baseline = baselines.rolling(AT, values, algorithm=algorithm, window_days=30)

    events = detect(AT, values, baseline)

    assert bool(events) == told
    assert all(np.isfinite(e.deviation) for e in events)


def test_times_of_any_kind_and_zone_tell_the_same():
    values = np.full(AT.size, 100.0) + np.random.default_rng(2).normal(0, 5, AT.size)
    values[4000:4020] += 60
    n = AT.size
    arrays = {"expected": np.full(n, 100.0), "lower": np.full(n, 90.0), "upper": np.full(n, 110.0)}
    arrays["residual_scale"] = np.full(n, 5.0)
    utc = pd.DatetimeIndex(AT).tz_localize("UTC")

    told = [detect(t, values, SimpleNamespace(times=t, **arrays)) for t in (AT, utc, utc.tz_convert("Asia/Kolkata"))]

    assert told[0]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(
    ("values", "baseline"),
    [([1.0, 2.0], band(80, 160)), ([1.0, 2.0, 3.0], band(80, 160, n=2)), (np.ones((2, 3)), None)],
)
def test_shapes_that_differ_are_refused(values, baseline):
    three_rows = SimpleNamespace(
        times=AT[:3], **dict.fromkeys(("expected", "lower", "upper", "residual_scale"), np.ones((3, 3)))
    )

    with pytest.raises(InputError, match=r"shape|other times"):
        residuals(AT[:3], values, baseline or three_rows)


def test_two_a_day_instead_of_one_is_no_incident_and_forty_is():
    """A counter that gains two a day, one now and then, has a band of next to no width; counts are good to one."""
    days = np.datetime64("2026-03-02", "ns") + np.arange(60) * np.timedelta64(1, "D")
    slow = np.where(np.arange(60) % 12 == 11, 1.0, 2.0)
    jumped = np.where(np.arange(60) == 50, 40.0, slow)

    told = [detect(days, v, baselines.rolling(days, v, algorithm="profile", window_days=30)) for v in (slow, jumped)]

    assert told[0] == []
    assert {e.start.day for e in told[1]} == {21}


def test_shares_are_judged_as_finely_as_they_vary():
    """0.3 and 0.9 are no counts, though a ratio that is 0 now and then has whole values too."""
    days = np.datetime64("2026-03-02", "ns") + np.arange(60) * np.timedelta64(1, "D")
    ratio = np.where(np.arange(60) % 7 == 6, 0.0, np.random.default_rng(1).normal(0.3, 0.01, 60))
    ratio[50] = 0.9

    events = detect(days, ratio, baselines.rolling(days, ratio, algorithm="profile", window_days=30))

    assert 21 in {e.start.day for e in events}
