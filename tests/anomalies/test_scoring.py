"""The online score: causal, without a unit, each episode once."""

import json
from pathlib import Path

import numpy as np
import pytest

from analytics.anomalies import FLAG_LEVEL, score
from analytics.errors import InputError

START = np.datetime64("2026-03-02T00:00", "ns")
CORPUS = Path(__file__).parents[2] / "../shared/data/nab"


def mentions(seed, days=14, step_min=5):
    """Overdispersed counts with a daily rhythm."""
    at = START + np.arange(days * 1440 // step_min) * np.timedelta64(step_min, "m")
    hour = (at - at.astype("datetime64[D]")) / np.timedelta64(1, "h")
    rng = np.random.default_rng(seed)
    mean = 40 * (1 + 0.6 * np.sin((hour - 9) * np.pi / 12)) * rng.gamma(20, 1 / 20, at.size)
    return at, rng.poisson(mean).astype(float)


def with_episode(seed, first=10 * 288 + 60, rows=18, gain=6.0):
    at, values = mentions(seed)
    values[first : first + rows] *= gain
    return at, values, first


@pytest.mark.parametrize("cut", [2, 150, 1500, 2937, 2950, 4000])
def test_a_score_never_looks_ahead(cut):
    """Cutting the series, or spoiling what comes later, changes no earlier score."""
    at, values, _ = with_episode(1)
    spoiled = values.copy()
    spoiled[cut:] = 1e6 - 7 * spoiled[cut:]

    whole = score(at, values)

    np.testing.assert_allclose(score(at[:cut], values[:cut]), whole[:cut], rtol=0, atol=1e-12)
    np.testing.assert_allclose(score(at, spoiled)[:cut], whole[:cut], rtol=0, atol=1e-12)


def test_a_score_has_no_unit():
    """Counting in thousands, from another zero or 52 weeks later is the same story."""
    at, values, _ = with_episode(2)

    plain = score(at, values)

    np.testing.assert_allclose(score(at, values * 1024.0), plain, atol=1e-9)
    np.testing.assert_allclose(score(at, values + 4096.0), plain, atol=1e-9)
    np.testing.assert_allclose(score(at + np.timedelta64(364, "D"), values), plain, atol=1e-12)


def test_an_episode_is_announced_at_once_and_once():
    """Over 12 seeds a sixfold hour and a half is flagged within half an hour, and not again."""
    late, repeated, false = 0, 0, 0
    for seed in range(12):
        at, values, first = with_episode(seed)
        flagged = np.flatnonzero(score(at, values) >= FLAG_LEVEL)
        inside = flagged[(flagged >= first) & (flagged < first + 24)]
        late += not inside.size or inside[0] - first > 6
        repeated += max(0, inside.size - 2)
        false += int(((flagged > 3 * 288) & ~np.isin(flagged, inside)).sum())

    assert late == 0
    assert repeated <= 2
    assert false / (12 * 11 / 7) < 1, "false alerts a series and week after three days of learning"


def test_a_nightly_spike_becomes_a_habit():
    """A backup job every night is news on the first nights only."""
    at = START + np.arange(20 * 288) * np.timedelta64(5, "m")
    values = np.random.default_rng(3).normal(10, 0.5, at.size)
    values[40::288] += 50

    flagged = np.flatnonzero(score(at, values) >= FLAG_LEVEL)

    assert 617 in flagged
    assert (flagged > 10 * 288).sum() == 0


@pytest.mark.parametrize("level", [45.0, 0.1, 0.0])
def test_what_never_changes_is_never_told(level):
    at = START + np.arange(2000) * np.timedelta64(5, "m")

    assert not score(at, np.full(2000, level)).any()


def test_a_perfect_rhythm_is_told_once():
    """Off at night, on by day: only the first switching on was new."""
    at = START + np.arange(7 * 288) * np.timedelta64(5, "m")
    values = np.tile([20.0] * 144 + [80.0] * 144, 7)

    assert (np.flatnonzero(score(at, values)) < 2 * 288).all()


def test_the_first_change_of_a_flat_line_is_told():
    at = START + np.arange(2000) * np.timedelta64(5, "m")
    values = np.where(np.arange(2000) >= 1500, 46.0, 45.0)

    assert np.flatnonzero(score(at, values) >= FLAG_LEVEL)[0] in {1500, 1501, 1502, 1503}


def test_repeated_backward_and_missing_readings_are_survived():
    """A clock change sets times back an hour; a withheld reading is no evidence."""
    at, values, first = with_episode(4)
    at[1000:] -= np.timedelta64(1, "h")
    at[2000] = at[1999]
    values[[500, 501, first + 3]] = np.nan

    result = score(at, values)

    assert np.isfinite(result).all()
    assert (result[[500, 501, first + 3]] == 0).all()
    assert result[first : first + 6].max() >= FLAG_LEVEL


@pytest.mark.parametrize(("step_s", "n"), [(1, 4000), (60, 5000), (86400, 800), (7 * 86400, 300)])
def test_any_step_is_scored(step_s, n):
    """From a reading a second to one a week; a tenfold stretch is told within its first readings."""
    at = START + np.arange(n) * np.timedelta64(step_s, "s")
    values = np.random.default_rng(7).normal(100, 5, n)
    values[n - 20 : n - 10] *= 10

    result = score(at, values)

    assert result.shape == (n,)
    # 20 readings from the end it starts; fast series may wait a quarter of an hour while it rises
    assert result[n - 20 :].max() >= FLAG_LEVEL


@pytest.mark.parametrize("n", [0, 1, 2, 99])
def test_too_little_to_compare_with_scores_nothing(n):
    at, values = mentions(5)

    assert score(at[:n], values[:n]).tolist() == [0.0] * n


def test_shapes_that_differ_are_refused():
    at, values = mentions(6)

    with pytest.raises(InputError, match="values of shape"):
        score(at, values[:-1])


@pytest.mark.skipif(not CORPUS.exists(), reason="labelled real series are not beside the project")
def test_real_brand_mentions_are_told_rarely_and_rightly():
    """Five real series of brand mentions, the first eight days left to learn."""
    import pandas as pd

    windows = json.loads((CORPUS / "windows.json").read_text())
    found = labelled = false = 0
    weeks = 0.0
    for path in sorted(CORPUS.glob("realTweets/*.csv")):
        frame = pd.read_csv(path, parse_dates=["timestamp"])
        at = frame["timestamp"].to_numpy("datetime64[ns]")
        alarms = at[score(at, frame["value"].to_numpy(float)) >= FLAG_LEVEL]
        spans = [(np.datetime64(a, "ns"), np.datetime64(b, "ns")) for a, b in windows[f"realTweets/{path.name}"]]
        start = at[0] + np.timedelta64(8, "D")
        alarms, spans = alarms[alarms >= start], [s for s in spans if s[1] >= start]
        hit = np.array([[a <= alarm <= b for a, b in spans] for alarm in alarms]).reshape(len(alarms), len(spans))
        found, labelled = found + int(hit.any(axis=0).sum()), labelled + len(spans)
        false, weeks = false + int((~hit.any(axis=1)).sum()), weeks + (at[-1] - start) / np.timedelta64(7, "D")

    assert found >= 0.8 * labelled
    assert false / weeks <= 1.1
