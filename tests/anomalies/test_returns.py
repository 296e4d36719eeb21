"""After an incident: what only comes back is not told, what goes on beyond is, and nothing looks ahead."""

import numpy as np
import pytest

from analytics import baselines
from analytics.anomalies import detect, without_returns

HOURLY = np.datetime64("2026-03-02", "ns") + np.arange(50 * 24) * np.timedelta64(1, "h")
DAILY = np.datetime64("2026-03-02", "ns") + np.arange(60) * np.timedelta64(1, "D")
LEFT, BACK = np.datetime64("2026-04-06"), np.datetime64("2026-04-11")


def hours(seed=1):
    rng = np.random.default_rng(seed)
    return rng.poisson(200 * (1 + 0.5 * np.sin(np.arange(HOURLY.size) * np.pi / 12))).astype(float)


def risen(seed=1):
    """Three times the usual from 6 to 11 April, then as before."""
    return np.where((HOURLY >= LEFT) & (HOURLY < BACK), 3.0, 1.0) * hours(seed)


def judged(times, values):
    found = detect(times, values, baselines.rolling(times, values, algorithm="profile", window_days=30))
    return found, without_returns(found, times, values)


def starts(events, direction):
    return [np.datetime64(e.start.replace(tzinfo=None)) for e in events if e.direction == direction]


@pytest.mark.parametrize("seed", range(4))
def test_the_way_back_is_no_fall(seed):
    """The baseline learned five days at three times the level; the sixth is as usual."""
    found, told = judged(HOURLY, risen(seed))

    assert [at for at in starts(found, "below") if at >= BACK]
    assert not [at for at in starts(told, "below") if at >= BACK]
    assert starts(told, "above") == starts(found, "above")


def test_one_bad_day_has_no_echo():
    """A day's purge, and an ordinary day after it, told by the day."""
    values = np.random.default_rng(2).poisson(60, DAILY.size).astype(float)
    values[45] = -700.0

    _, told = judged(DAILY, values)

    late = [np.datetime64(e.start.replace(tzinfo=None)) for e in told if e.start.month == 4]
    assert set(late) == {DAILY[45]}


def test_an_outage_on_the_way_back_is_told_once_it_is_seen():
    """Half a day as usual, then nothing at all."""
    values = risen()
    values[(BACK + np.timedelta64(12, "h") <= HOURLY) & (BACK + np.timedelta64(30, "h") > HOURLY)] = 0.0

    _, told = judged(HOURLY, values)
    (outage, *_) = [e for e in told if e.direction == "below"]

    assert np.datetime64(outage.confirmed_at.replace(tzinfo=None)) >= BACK + np.timedelta64(12, "h")
    assert np.datetime64(outage.confirmed_at.replace(tzinfo=None)) <= BACK + np.timedelta64(18, "h")


def test_a_fall_below_what_was_usual_is_told():
    """Back is one thing, half of what it was another."""
    values = np.where(HOURLY >= BACK, 0.4, 1.0) * risen()

    _, told = judged(HOURLY, values)

    assert min(starts(told, "below")) <= BACK + np.timedelta64(3, "h")


def test_a_break_says_nothing_of_what_was_usual():
    """Across a change of meaning nothing is left out."""
    found, _ = judged(HOURLY, risen())

    assert without_returns(found, HOURLY, risen(), breaks=[np.datetime64("2026-04-01")]) == found


@pytest.mark.parametrize("seed", range(2))
def test_no_verdict_depends_on_what_comes_later(seed):
    """Cut anywhere, what was confirmed by then is the same."""
    values = risen(seed)
    values[(BACK + np.timedelta64(12, "h") <= HOURLY) & (BACK + np.timedelta64(30, "h") > HOURLY)] = 0.0
    baseline = baselines.rolling(HOURLY, values, algorithm="profile", window_days=30)
    found = detect(HOURLY, values, baseline)
    whole = {(e.rule, e.start, e.confirmed_at) for e in without_returns(found, HOURLY, values)}

    for cut in range(HOURLY.size - 14 * 24, HOURLY.size, 23):
        shown = baselines.rolling(HOURLY[:cut], values[:cut], algorithm="profile", window_days=30)
        early = detect(HOURLY[:cut], values[:cut], shown)
        then = {(e.rule, e.start, e.confirmed_at) for e in without_returns(early, HOURLY[:cut], values[:cut])}
        now = np.datetime64(HOURLY[cut - 1], "us").astype(object)
        assert then == {key for key in whole if key[2].replace(tzinfo=None) <= now}, now
