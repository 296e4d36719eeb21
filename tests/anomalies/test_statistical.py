"""The band rule: what counts as outside, for how long, and how often it is told."""

from types import SimpleNamespace

import numpy as np
import pytest

from analytics.anomalies import Settings, detect, detect_matrix
from analytics.errors import InputError

START = np.datetime64("2026-03-02T00:00", "ns")


def flat(n, step_min=5, level=100.0, scale=10.0, times=None):
    """A level of 100 whose band is two deviations of 10 wide on either side."""
    at = START + np.arange(n) * np.timedelta64(step_min, "m") if times is None else times
    expected = np.full(len(at), level)
    return at, SimpleNamespace(
        times=at,
        expected=expected,
        lower=expected - 2 * scale,
        upper=expected + 2 * scale,
        residual_scale=np.full(len(at), scale),
    )


def with_burst(n, first, last, value=150.0):
    values = np.full(n, 100.0)
    values[first : last + 1] = value
    return values


@pytest.mark.parametrize(("readings", "events"), [(3, 0), (4, 1)])
def test_more_than_fifteen_minutes_means_four_readings_of_five(readings, events):
    """Three readings cover 15 minutes, which is not more than 15; the fourth confirms."""
    at, baseline = flat(600)

    found = detect(at, with_burst(600, 300, 299 + readings), baseline, rules=["statistical"])

    assert len(found) == events
    if found:
        assert found[0].confirmed_at == found[0].end
        assert found[0].duration_s == 1200


@pytest.mark.parametrize("step_min", [60, 1440])
def test_one_reading_of_a_slow_metric_is_long_enough(step_min):
    """An hourly or daily figure outside its band was outside for an hour or a day."""
    at, baseline = flat(60, step_min)

    found = detect(at, with_burst(60, 40, 40), baseline, rules=["statistical"])

    assert [e.duration_s for e in found] == [step_min * 60]


def test_an_event_says_what_it_saw():
    at, baseline = flat(600)
    values = with_burst(600, 300, 311)
    values[305] = 180.0

    (event,) = detect(at, values, baseline, rules=["statistical"])

    assert (event.direction, event.severity, event.is_open) == ("above", "medium", False)
    assert (event.observed, event.expected, event.deviation) == (180.0, 100.0, 8.0)
    assert event.excess == 11 * 50 + 80
    assert event.relative_deviation == pytest.approx(0.8)
    assert event.reason == (
        "Above the normal band for 1 h from 2026-03-03 01:00 UTC: 180 at 01:25 where 100 is normal "
        "(band to 120), +80 %, 8.0 deviations above."
    )


def test_a_gap_lends_no_duration():
    """One high reading after six hours of silence covers two polls at most, not six hours."""
    at = np.concatenate(
        [
            START + np.arange(300) * np.timedelta64(5, "m"),
            START + np.timedelta64(31, "h") + np.arange(50) * np.timedelta64(5, "m"),
        ]
    )
    at, baseline = flat(0, times=at)

    assert detect(at, with_burst(350, 300, 300), baseline, rules=["statistical"]) == []


def test_two_halves_of_an_episode_are_one_event_and_an_echo_is_a_repeat():
    at, baseline = flat(900)
    values = np.maximum(with_burst(900, 300, 310), with_burst(900, 316, 330))
    values = np.maximum(values, with_burst(900, 400, 410))

    (event,) = detect(at, values, baseline, rules=["statistical"])

    assert (event.end - event.start).total_seconds() == 30 * 300
    assert event.details["repeats"] == 1


def test_a_much_larger_episode_is_told_within_the_cooldown():
    at, baseline = flat(900)
    values = np.maximum(with_burst(900, 300, 310), with_burst(900, 400, 410, 190.0))

    assert len(detect(at, values, baseline, rules=["statistical"])) == 2


def test_the_literal_setting_is_the_specification():
    """Every run of more than 15 minutes beyond two deviations is told."""
    at, baseline = flat(900)
    values = np.maximum(with_burst(900, 300, 310, 121.0), with_burst(900, 400, 410, 121.0))

    assert detect(at, values, baseline, rules=["statistical"]) == []
    assert len(detect(at, values, baseline, rules=["statistical"], settings=Settings.literal())) == 2


def test_row_order_and_missing_readings_do_not_matter():
    at, baseline = flat(600)
    values = with_burst(600, 300, 320, 60.0)
    values[[305, 306]] = np.nan
    shuffled = np.random.default_rng(1).permutation(600)
    mixed = SimpleNamespace(**{k: v[shuffled] for k, v in vars(baseline).items()})

    (event,) = detect(at, values, baseline, rules=["statistical"])

    assert (event.direction, event.deviation) == ("below", -4.0)
    assert detect(at[shuffled], values[shuffled], mixed, rules=["statistical"]) == [event]


def test_a_matrix_gives_what_its_rows_give():
    at, baseline = flat(600)
    rows = np.stack([with_burst(600, 300, 320), np.full(600, 100.0), with_burst(600, 10, 40, 20.0)])
    wide = SimpleNamespace(times=at, **{k: np.tile(v, (3, 1)) for k, v in vars(baseline).items() if k != "times"})

    together = detect_matrix(at, rows, wide, rules=["statistical"])

    assert together == [detect(at, row, baseline, rules=["statistical"]) for row in rows]
    assert [len(events) for events in together] == [1, 0, 1]


def test_a_baseline_for_other_times_is_refused():
    at, baseline = flat(600)

    with pytest.raises(InputError, match="other times"):
        detect(at + np.timedelta64(1, "s"), with_burst(600, 1, 2), baseline)


def test_an_unknown_rule_is_refused():
    at, baseline = flat(600)

    with pytest.raises(InputError, match="'cross_platform'"):
        detect(at, with_burst(600, 1, 2), baseline, rules=["cross_platform"])
