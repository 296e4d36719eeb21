"""Platforms that move together: told once, with their lags, and not by coincidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics import baselines
from analytics.anomalies import CrossSettings, Event, cross_platform, detect
from analytics.model import SeriesKey
from tests.anomalies.labelled import SHIFTS, START, Label, month, tally

PLATFORMS = {"x": "mentions", "reddit": "mentions", "youtube": "views", "linkedin": "views", "podcast": "listens"}
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def shared_months(seed):
    """Five platforms, each with an episode of its own, and four shocks that reach three to five of them within 3 h."""
    rng = np.random.default_rng(seed)
    fixed, labels = {platform: [] for platform in PLATFORMS}, []
    for day in (17.5, 22.3, 27.4, 31.2):
        kind, begin = SHIFTS[rng.integers(2)], day * 24 + rng.uniform(0, 5)
        for platform in rng.permutation(list(PLATFORMS))[: rng.integers(3, 6)]:
            first = begin + rng.uniform(0, 3)
            fixed[platform].append((kind, first, first + rng.uniform(6, 10)))
        at = [START + np.timedelta64(round(h * 3600), "s") for h in (begin, begin + 13)]
        labels.append(Label(kind, *at))
    events = {}
    for i, (platform, style) in enumerate(PLATFORMS.items()):
        own = 15 * 24 + rng.uniform(0, 18 * 24)
        labelled = month(style, 100 * seed + i, ["burst", "dip"], first_hour=own, fixed=fixed[platform])
        baseline = baselines.rolling(labelled.times, labelled.values, algorithm="profile", window_days=30)
        told = detect(labelled.times, labelled.values, baseline, rules=["statistical", "trend"])
        events[SeriesKey(platform, "views")] = [e for e in told if e.start >= datetime(2026, 3, 16, tzinfo=UTC)]
    return events, labels


def event(start, direction="above", hours=2.0, **changes):
    made = Event(
        rule="statistical",
        start=start,
        end=start + timedelta(hours=hours),
        confirmed_at=start + timedelta(minutes=20),
        duration_s=hours * 3600,
        direction=direction,
        severity="medium",
        peak_at=start,
        observed=200.0,
        expected=100.0,
        deviation=5.0 if direction == "above" else -5.0,
        relative_deviation=1.0 if direction == "above" else -0.5,
        excess=1200.0,
        detection_method="test",
        reason="Above.",
    )
    return replace(made, **changes)


def key(platform, metric="views"):
    return SeriesKey(platform, metric)


def quiet(*platforms):
    return {key(p): [] for p in platforms}


def test_shared_shocks_are_found_and_single_ones_are_not():
    """Precision at least 0.9 and recall at least 0.8 over seeded months of five platforms."""
    total = np.zeros(4, dtype=int)
    for seed in range(50, 62):
        events, labels = shared_months(seed)
        total += tally(cross_platform(events), labels, SHIFTS, slack_h=0)
    right, wrong, found, wanted = total

    assert right / (right + wrong) >= 0.9
    assert found / wanted >= 0.8


def test_an_event_lists_its_platforms_in_order_with_their_lags():
    events = quiet("medium", "github") | {
        key("youtube"): [event(NOON + timedelta(hours=1))],
        key("x"): [event(NOON)],
        key("reddit"): [event(NOON + timedelta(minutes=90), severity="high")],
    }

    (told,) = cross_platform(events)

    assert told.details["platforms"] == ["x", "youtube", "reddit"]
    assert [m["lag_s"] for m in told.details["members"]] == [0.0, 3600.0, 5400.0]
    assert (told.observed, told.severity, told.direction) == (3.0, "critical", "above")
    assert told.confirmed_at in {e.confirmed_at for es in events.values() for e in es}
    assert told.reason.startswith(
        "3 platforms above normal together from 2026-03-20 12:00 UTC: x views, youtube views 1 h later, "
        "reddit views 1.5 h later; typically +100 %."
    )


@pytest.mark.parametrize(
    "second",
    [event(NOON + timedelta(hours=7)), event(NOON, "below"), event(NOON, details={"kind": "stale feed"})],
    ids=["too late", "other way", "collector"],
)
def test_what_does_not_belong_together_is_not_told(second):
    assert cross_platform({key("x"): [event(NOON)], key("youtube"): [second]}) == []


def test_two_metrics_of_one_platform_are_not_two_platforms():
    assert cross_platform({key("x"): [event(NOON)], key("x", "likes"): [event(NOON)]} | quiet("youtube")) == []


def test_platforms_that_alarm_all_the_time_coincide_by_chance():
    """A platform with an episode a day says nothing by having one now."""
    noisy = [event(NOON - timedelta(days=d)) for d in range(30, -1, -1)]
    steady = {key("x"): [event(NOON)], key("youtube"): [event(NOON)]}

    assert cross_platform({key("x"): [event(NOON)], key("youtube"): noisy}) == []
    assert len(cross_platform(steady)) == 1


def test_a_later_member_changes_neither_start_nor_confirmation():
    first = {key("x"): [event(NOON)], key("youtube"): [event(NOON + timedelta(hours=1))], key("reddit"): []}
    more = first | {key("reddit"): [event(NOON + timedelta(hours=2))]}

    (early,), (late,) = cross_platform(first), cross_platform(more)

    assert (early.start, early.confirmed_at) == (late.start, late.confirmed_at)
    assert late.observed == 3


def test_fewer_platforms_can_be_asked_for_more():
    events = {key("x"): [event(NOON)], key("youtube"): [event(NOON)]}

    assert cross_platform(events, settings=CrossSettings(least_platforms=3)) == []
