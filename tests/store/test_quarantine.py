"""Rows kept out stay with their reason until they are put right, and are then stored once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from analytics.store import Collection, Store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
HERE = Collection("twitter", "import", "AAPL", "a.csv")


def frame_of(*rows: tuple[object, object]) -> pd.DataFrame:
    return pd.DataFrame(
        {"platform": "twitter", "metric_type": "mentions", "time": [r[0] for r in rows], "value": [r[1] for r in rows]},
        dtype=object,
    )


def test_the_same_bad_row_twice_is_kept_once(store: Store):
    for _ in range(2):
        result = store.write(frame_of((NOW, "many")), HERE, now=NOW)

    assert result.quarantined == 1
    assert len(store.quarantine_list()) == 1


def test_a_row_from_the_future_is_stored_once_its_time_has_come(store: Store):
    store.write(frame_of((TOMORROW, 5.0), (NOW, "many")), HERE, now=NOW)

    early = store.quarantine_replay(now=NOW)
    later = store.quarantine_replay(now=TOMORROW)
    again = store.quarantine_replay(now=TOMORROW)

    assert (early.written, early.quarantined) == (0, 2)
    assert (later.written, later.quarantined) == (1, 1)
    assert (again.read, again.written) == (1, 0)
    assert store.quarantine_list()["reason"].tolist() == ["value 'many' is not a number"]
    assert store.quarantine_list(include_replayed=True)["replayed_by"].notna().sum() == 1


def test_a_contradiction_is_settled_by_replaying_the_right_row(store: Store):
    """Replayed together they contradict each other still."""
    store.write(frame_of((NOW, 3.0), (NOW, 5.0)), HERE, now=NOW)
    waiting = store.quarantine_list()
    right = waiting.loc[[raw["value"] == 5.0 for raw in waiting["raw"]], "quarantine_id"].tolist()

    both = store.quarantine_replay(now=NOW)
    one = store.quarantine_replay(right, now=NOW)

    assert (both.written, both.quarantined) == (0, 2)
    assert one.written == 1
    assert store.read_series([1], NOW, TOMORROW)["value"].tolist() == [5.0]


def test_rows_can_be_listed_by_platform_and_limited(store: Store):
    store.write(frame_of((NOW, "a"), (NOW, "b"), (NOW, "c")), HERE, now=NOW)

    assert len(store.quarantine_list(limit=2)) == 2
    assert store.quarantine_list(platform="youtube").empty
    assert store.quarantine_list(platform="twitter")["source"].unique().tolist() == ["a.csv"]
