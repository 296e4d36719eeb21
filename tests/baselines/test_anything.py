"""Whatever arrives: a finite band that holds its own expectation, or nothing, and never a warning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.baselines import ALGORITHMS, Stream, fit, rolling
from analytics.errors import InsufficientHistory

QUICK = [name for name in ALGORITHMS if name != "prophet"]
STEPS_S = [60, 300, 420, 900, 3600, 5000, 21600, 86400, 7 * 86400]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
KINDS = {
    "rare": lambda rng, n: rng.poisson(0.02, n),
    "few": lambda rng, n: rng.poisson(5, n),
    "around zero": lambda rng, n: rng.normal(0, 1, n),
    "nothing": lambda _, n: np.zeros(n),
    "flat": lambda _, n: np.full(n, 7.0),
    "heavy tail": lambda rng, n: rng.lognormal(3, 3, n),
    "many": lambda rng, n: rng.poisson(1e6, n),
    "tiny": lambda rng, n: 1e-9 * rng.negative_binomial(1, 0.5, n),
    "switch": lambda rng, n: np.where(rng.random(n) < 0.5, 0, 1e12),
}


@settings(deadline=None, derandomize=True)
@given(
    name=st.sampled_from(QUICK),
    step_s=st.sampled_from(STEPS_S),
    zone=st.sampled_from(ZONES),
    kind=st.sampled_from(sorted(KINDS)),
    n=st.integers(3, 1500),
    missing=st.sampled_from([0.0, 0.0, 0.1, 0.6, 0.97]),
    policy=st.sampled_from(["restart", "bridge"]),
    seed=st.integers(0, 1000),
)
def test_any_series_gets_a_band_or_nothing(name, step_s, zone, kind, n, missing, policy, seed):
    rng = np.random.default_rng(seed)
    at = np.datetime64("2026-03-20", "ns") + np.arange(n) * np.timedelta64(step_s, "s")
    y = np.asarray(KINDS[kind](rng, n), dtype=float)
    y[rng.random(n) < missing] = np.nan
    breaks = [at[rng.integers(n)]]

    band = rolling(at, y, algorithm=name, timezone=zone, min_history_days=2, breaks=breaks, break_policy=policy)

    known = np.isfinite(band.expected)
    fuzz = 1e-9 * np.abs(band.expected[known])
    assert np.all(band.lower[known] <= band.expected[known] + fuzz)
    assert np.all(band.upper[known] >= band.expected[known] - fuzz)
    assert np.all((band.sample_size > 0) == known)
    try:
        ahead = fit(name, at, y, timezone=zone).predict(at[-1] + np.arange(1, 30) * np.timedelta64(step_s, "s"))
    except InsufficientHistory:
        return
    assert not np.isinf(ahead.upper).any()


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("month", ["2026-03-20", "2026-10-16"])
def test_point_by_point_equals_all_at_once_when_the_clocks_change(name, month):
    at = np.datetime64(month, "ns") + np.arange(14 * 48) * np.timedelta64(30, "m")
    y = np.random.default_rng(0).poisson(50, at.size).astype(float)
    stream = Stream(algorithm=name, step_s=1800, timezone="Europe/Berlin")

    verdicts = [stream.update(t, v) for t, v in zip(at, y, strict=True)]

    whole = rolling(at, y, algorithm=name, step_s=1800, timezone="Europe/Berlin")
    np.testing.assert_allclose([v.upper for v in verdicts], whole.upper, rtol=1e-9)
