"""Readings from a clock that was wrong: set aside with their reason, and taken in again once their time has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from analytics.store import Collection, open_store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AHEAD = timedelta(days=1)


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def poll(store, at, value, *, clock, account="acme"):
    frame = pd.DataFrame({"time": [at], "value": [value]})
    frame = frame.assign(platform="github", metric_type="stars", author_id=account)
    return store.write(frame, Collection("github", "api", account), now=clock)


def stars(store):
    known = store.series()
    return store.read_series(known["series_id"].tolist(), NOW - 9 * AHEAD, NOW + 9 * AHEAD)["value"].tolist()


def test_they_wait_in_quarantine_and_the_series_goes_on(store):
    poll(store, NOW - timedelta(hours=1), 10.0, clock=NOW)
    poll(store, NOW + AHEAD, 99.0, clock=NOW + AHEAD)
    poll(store, NOW + AHEAD, 5.0, clock=NOW + AHEAD, account="begun then")

    moved = store.set_future_aside(now=NOW)
    later = poll(store, NOW, 11.0, clock=NOW)

    assert (moved, later.written, later.late) == (2, 1, 0)
    assert stars(store) == [10.0, 11.0]
    assert store.series()["author_id"].tolist() == ["acme"]
    assert store.series()["last_time"].max() == pd.Timestamp(NOW)
    assert set(store.quarantine_list()["reason"]) == {"was stored with a time in the future: a clock was wrong"}
    assert store.set_future_aside(now=NOW) == 0


def test_they_can_be_taken_in_once_their_time_has_come(store):
    poll(store, NOW + AHEAD, 99.0, clock=NOW + AHEAD)
    store.set_future_aside(now=NOW)

    early = store.quarantine_replay(now=NOW)
    done = store.quarantine_replay(now=NOW + AHEAD)

    assert (early.written, done.written) == (0, 1)
    assert stars(store) == [99.0]


def test_clocks_that_differ_by_minutes_change_nothing(store):
    poll(store, NOW + timedelta(minutes=5), 10.0, clock=NOW)

    assert store.set_future_aside(now=NOW) == 0


def test_a_clock_that_is_behind_sets_nothing_aside(store):
    """A machine that boots with an old date would have moved everything later than that date."""
    for day in range(-3, 4):
        poll(store, NOW + day * AHEAD, 10.0 + day, clock=NOW + 4 * AHEAD)

    assert store.set_future_aside(now=NOW) == 0
    assert len(stars(store)) == 7
