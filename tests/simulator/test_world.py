"""The simulated history: the same whoever asks, labelled, and like real traffic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.errors import InputError
from analytics.simulator import history, world_of
from analytics.simulator.flow import EPOCH

NOW = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
ACCOUNT = "acme/orchard"


def test_two_worlds_agree_whatever_was_asked_before():
    """A reading may not depend on which readings were taken before it."""
    one, other = world_of(3), world_of(3)
    one.counter("github", ACCOUNT, "stars", NOW)

    early = [world.counter("github", ACCOUNT, "stars", NOW - timedelta(days=90)) for world in (one, other)]

    assert early[0] == early[1]
    assert world_of(4).counter("github", ACCOUNT, "stars", NOW) != one.counter("github", ACCOUNT, "stars", NOW)


def test_history_is_what_polling_would_have_brought():
    """Months are loaded at once and then polled on: the two must meet."""
    start = NOW - timedelta(hours=6)
    world = world_of(7)

    frame = history("github", ACCOUNT, "stars", start, NOW, timedelta(minutes=30))

    polled = [world.counter("github", ACCOUNT, "stars", at) for at in frame.time]
    assert frame.value.tolist() == polled
    assert len(frame) == 12


def test_history_of_daily_figures_has_one_row_a_whole_day():
    frame = history("github", ACCOUNT, "views", NOW - timedelta(days=5), NOW)

    assert frame.time.dt.hour.eq(0).all()
    assert len(frame) == 4
    day = world_of(7).daily("github", ACCOUNT, "views", NOW, 3)[0]
    assert frame.set_index("time").value[day[0]] == day[1]


def test_before_the_beginning_nothing_has_happened():
    world = world_of(7)

    assert world.counter("github", ACCOUNT, "stars", EPOCH - timedelta(days=9)) == world.counter(
        "github", ACCOUNT, "stars", EPOCH
    )


def test_weekends_and_nights_are_quieter():
    """Otherwise no seasonal baseline could be shown to be worth anything."""
    world = world_of(7)
    start = datetime(2026, 6, 1, tzinfo=UTC)
    per_slot = world.increments("github", ACCOUNT, "views", start, start + timedelta(days=56)).reshape(8, 7, 24, 12)

    median_day = np.median(per_slot.sum(axis=(2, 3)), axis=0)
    median_hour = np.median(per_slot.sum(axis=3), axis=(0, 1))

    assert median_day[5:].max() < median_day[:5].min()
    assert median_hour[3] < 0.7 * median_hour[15]


@pytest.mark.parametrize("seed", [7, 11, 23])
def test_labelled_events_are_visible_in_the_traffic(seed):
    """Ground truth that cannot be seen in the data would make every detector look bad."""
    world = world_of(seed)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    events = world.events("github", ACCOUNT, start, end)

    def around(event, back):
        begin = event.start - timedelta(days=back)
        return world.increments("github", ACCOUNT, "views", begin, begin + timedelta(hours=3)).sum()

    for event in events:
        usual = np.median([around(event, 7 * weeks) for weeks in (1, 2, 3)])
        if event.kind == "viral":
            assert around(event, 0) > 1.3 * usual
    assert {"viral", "outage", "launch"} <= {event.kind for event in events}


def test_a_launch_reaches_every_platform_of_the_brand():
    """Correlated alerts are one incident: the truth has them with a lag of hours."""
    world = world_of(7)
    period = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)

    launches = [
        [e.start for e in world.events(platform, account, *period) if e.kind == "launch"]
        for platform, account in (("github", "acme/orchard"), ("twitter", "acme"))
    ]

    assert len(launches[0]) == len(launches[1]) > 0
    assert all(abs(a - b) < timedelta(hours=6) for a, b in zip(*launches, strict=True))


def test_a_purge_takes_from_the_counter():
    world = world_of(7)
    purges = [e for e in world.events("github", "acme", EPOCH, NOW) if e.kind == "purge"]

    for purge in purges:
        before, after = (
            world.counter("github", "acme", "followers", purge.start + timedelta(minutes=5 * n)) for n in (0, 1)
        )
        assert after < before
    assert purges


def test_a_definition_break_is_a_labelled_step():
    """YouTube counts views at playback start from 24 August 2026: more views, the same watching."""
    world, at = world_of(7), datetime(2026, 8, 24, 7, tzinfo=UTC)
    weeks = timedelta(days=21)

    breaks = [e for e in world.events("youtube", "acme", at - weeks, at + weeks) if e.kind == "definition"]
    views, engaged = (
        [np.median(world.increments("youtube", "acme", name, start, start + weeks)) for start in (at - weeks, at)]
        for name in ("views", "engaged_views")
    )

    assert [(e.start, e.factor) for e in breaks] == [(at, 1.35)]
    assert views[1] / views[0] > 1.2
    assert 0.85 < engaged[1] / engaged[0] < 1.15


def test_an_unknown_metric_is_refused():
    with pytest.raises(InputError, match="no metric 'applause'"):
        history("github", ACCOUNT, "applause", NOW - timedelta(days=1), NOW)
