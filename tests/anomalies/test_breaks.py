"""A dated change of meaning moves the baseline; it is never told as an anomaly."""

from types import SimpleNamespace

import numpy as np
import pytest

from analytics import baselines
from analytics.anomalies import detect

DAY = np.timedelta64(1, "D")
START = np.datetime64("2026-07-01T00:00", "ns")

# the dated changes of the metrics the product collects: when, and about how much the level moved
DATED = {
    "instagram impressions to views": ("2025-04-21", 1.35),
    "youtube shorts views": ("2025-03-31", 1.8),
    "youtube views": ("2026-08-24", 1.4),
    "youtube views, last stage": ("2026-08-27", 1.15),
    "x ads video_total_views": ("2026-08-13", 0.7),
    "spotify starts removed": ("2025-05-15", 0.6),
    "iab 2.2 to 2.3": ("2026-03-01", 0.93),
    "linkedin member analytics": ("2025-07-01", 12.0),
}


def rhythm(at, level, seed, factor_from=None, factor=1.0):
    """Counts with a daily rhythm; from `factor_from` on they are counted differently."""
    hour = (at - at.astype("datetime64[D]")) / np.timedelta64(1, "h")
    mean = level * (1 + 0.6 * np.sin((hour - 9) * np.pi / 12))
    counted = np.where(at >= factor_from, factor, 1.0) if factor_from is not None else 1.0
    return mean, np.random.default_rng(seed).poisson(mean * counted).astype(float)


def baseline_of(at, mean):
    scale = np.sqrt(mean)
    return SimpleNamespace(
        times=at, expected=mean, lower=mean - 2 * scale, upper=mean + 2 * scale, residual_scale=scale
    )


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("step_min", [5, 60])
def test_a_definition_break_is_no_anomaly(name, step_min):
    """The baseline here never learns the new level; without the date the same series is told."""
    day, factor = DATED[name]
    broken_at = np.datetime64(day, "ns")
    at = broken_at - np.timedelta64(20, "D") + np.arange(45 * 1440 // step_min) * np.timedelta64(step_min, "m")
    mean, values = rhythm(at, 400.0, seed=len(name), factor_from=broken_at, factor=factor)

    told = detect(at, values, baseline_of(at, mean), breaks=[broken_at])

    assert told == []
    if not 0.9 < factor < 1.1:
        assert detect(at, values, baseline_of(at, mean))


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("aware", [True, False], ids=["baseline restarts", "baseline adapts"])
def test_the_products_own_baseline_passes_a_break_in_silence(name, aware):
    """Told of the break it starts again; not told it follows within days, and is not judged meanwhile.

    Its band is still uneven then: a blip of less than an hour may be told, the break never is.
    """
    day, factor = DATED[name]
    broken_at = np.datetime64(day, "ns")
    at = broken_at - 20 * DAY + np.arange(35 * 96) * np.timedelta64(15, "m")
    _, values = rhythm(at, 400.0, seed=len(name), factor_from=broken_at, factor=factor)
    baseline = baselines.rolling(at, values, algorithm="profile", breaks=[broken_at] if aware else [])

    events = detect(at, values, baseline, breaks=[broken_at])

    after = [e for e in events if 0 <= (np.datetime64(e.start.replace(tzinfo=None)) - broken_at) / DAY < 10]
    assert [e.reason for e in after if aware or e.duration_s >= 3600 or e.rule != "statistical"] == []


def test_an_anomaly_after_the_break_is_still_told():
    broken_at = START + np.timedelta64(10, "D")
    at = START + np.arange(30 * 288) * np.timedelta64(5, "m")
    mean, values = rhythm(at, 400.0, seed=3, factor_from=broken_at, factor=2.0)
    values[18 * 288 : 18 * 288 + 12] *= 1.6

    (event,) = detect(at, values, baseline_of(at, mean), rules=["statistical"], breaks=[broken_at])

    assert event.start.day == 19
    assert event.relative_deviation == pytest.approx(0.6, abs=0.25)


def test_a_level_at_zero_is_shifted_instead_of_scaled():
    """Net follower change may be centred on 0: no ratio exists."""
    broken_at = START + np.timedelta64(10, "D")
    at = START + np.arange(30 * 24) * np.timedelta64(1, "h")
    values = np.random.default_rng(5).normal(0, 3, at.size) + np.where(at >= broken_at, 50.0, 0.0)
    zero = np.zeros(at.size)
    baseline = SimpleNamespace(times=at, expected=zero, lower=zero - 6, upper=zero + 6, residual_scale=zero + 3)

    assert [e for e in detect(at, values, baseline, breaks=[broken_at]) if abs(e.deviation) > 5] == []
