"""The door of the store: what is let in, what is not and why, what is let in with a lower score."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from analytics.errors import InputError
from analytics.ingest import check, observations_to_frame
from analytics.model import MetricDefinition, Observation

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = {"platform": "twitter", "metric_type": "mentions", "time": NOW - timedelta(hours=1), "value": 104.0}


def frame_of(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([GOOD | row for row in rows], dtype=object)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"time": datetime(2026, 11, 1)}, "no time zone"),  # noqa: DTZ001 the fault under test
        ({"time": "2026-11-01T00:00:00"}, "no time zone"),
        ({"time": "yesterday"}, "unreadable"),
        ({"time": None}, "unreadable"),
        ({"time": pd.NaT}, "unreadable"),
        ({"time": 1424986973}, "unreadable"),
        ({"time": NOW + timedelta(minutes=11)}, "in the future"),
        ({"time": datetime(1970, 1, 1, tzinfo=UTC)}, "before 1990"),
        ({"value": "104"}, "not a number"),
        ({"value": True}, "not a number"),
        ({"value": float("inf")}, "not finite"),
        ({"value": -np.inf}, "not finite"),
        ({"value": 10**400}, "not finite"),
        ({"platform": ""}, "platform is missing"),
        ({"platform": None}, "platform is missing"),
        ({"metric_type": "  "}, "metric_type is missing"),
        ({"metric_type": {"a": 1}}, "metric_type is not text"),
        ({"content_id": "a\x00b"}, "NUL"),
        ({"content_id": "a\ud800"}, "content_id is not text"),
        ({"author_id": "a" * 256}, "more than 255"),
    ],
)
def test_a_hard_fault_keeps_the_row_out_with_its_reason(row: dict[str, object], reason: str):
    """The other row of the batch is not harmed, and the raw row is kept as JSON PostgreSQL accepts."""
    checked = check(frame_of(row, {}), now=NOW)

    assert len(checked.accepted) == 1
    assert reason in checked.rejected["reason"].item()
    assert "\\u0000" not in checked.rejected["raw"].item()
    assert set(json.loads(checked.rejected["raw"].item())) >= set(GOOD)


@pytest.mark.parametrize("withheld", [None, float("nan"), pd.NA, np.nan])
def test_a_withheld_value_is_unknown_not_zero_and_no_fault(withheld: object):
    checked = check(frame_of({"value": withheld}, {}), now=NOW)

    assert (len(checked.accepted), len(checked.rejected), checked.unknown) == (1, 0, 1)


def test_a_row_with_two_faults_is_kept_out_once_with_the_first():
    checked = check(frame_of({"time": "?", "value": "?", "platform": None}), now=NOW)

    assert len(checked.rejected) == 1


def test_times_of_any_zone_become_utc():
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    checked = check(frame_of({"time": datetime(2026, 1, 1, 5, 45, tzinfo=kathmandu)}), now=NOW)

    assert checked.accepted["time"].item() == pd.Timestamp("2026-01-01", tz="UTC")
    assert str(checked.accepted["time"].dtype) == "datetime64[us, UTC]"


def test_numbers_of_any_kind_are_read():
    checked = check(frame_of({"value": Decimal("1.5")}, {"value": 3}, {"value": np.int64(7)}), now=NOW)

    assert checked.accepted["value"].tolist() == [1.5, 3.0, 7.0]


def test_the_frame_given_is_left_as_it_is():
    frame = frame_of({"value": "x"}, {})
    before = frame.copy(deep=True)

    check(frame, now=NOW)

    pd.testing.assert_frame_equal(frame, before)


def test_a_missing_column_is_an_error_that_names_those_found():
    with pytest.raises(InputError, match="'value'; found platform"):
        check(frame_of({}).drop(columns="value"), now=NOW)


def test_an_empty_frame_is_fine():
    checked = check(frame_of({}).iloc[:0], now=NOW)

    assert (len(checked.accepted), len(checked.rejected), checked.unknown) == (0, 0, 0)


DEFINED = {
    ("twitter", "mentions"): MetricDefinition("twitter", "mentions", "Mentions", "count", "counter", "increase"),
    ("twitter", "engagement"): MetricDefinition("twitter", "engagement", "Engagement", "ratio", "gauge", "mean"),
}


@pytest.mark.parametrize(
    ("row", "fault", "quality"),
    [
        ({"value": -1}, "negative_count", 0.5),
        ({"metric_type": "engagement", "value": 1.2}, "ratio_off_range", 0.5),
        ({"metric_type": "engagment", "value": 1}, "undefined_metric", 0.9),
        ({"platform": "reddit", "value": -1}, "", np.nan),
        ({}, "", np.nan),
    ],
)
def test_a_soft_fault_lowers_quality_and_is_named(row: dict[str, object], fault: str, quality: float):
    """A platform of which nothing is defined is not blamed for it."""
    checked = check(frame_of(row), now=NOW, definitions=DEFINED)

    assert checked.accepted["faults"].item() == fault
    assert checked.accepted["quality"].item() == pytest.approx(quality, nan_ok=True)


def test_observations_make_the_frame_the_check_takes():
    observations = [
        Observation("youtube", "views", 12.0, NOW, "v1", "video", "acme", {"region": "eu"}),
        Observation("youtube", "likes", None, NOW, "v1"),
    ]

    checked = check(observations_to_frame(observations), now=NOW)

    assert checked.rejected.empty
    assert checked.unknown == 1
    assert checked.accepted[["content_id", "author_id", "content_type"]].iloc[0].tolist() == ["v1", "acme", "video"]
    assert checked.accepted["tags"].item() == {"region": "eu"}


def test_a_value_an_adapter_could_not_read_is_kept_out_the_same_row_at_every_poll():
    """Its reason is the adapter's; it has no time, so that the next poll's is no other row."""
    polls = [
        [
            Observation("youtube", "likes", None, at, "v1", "video", "acme", fault="GET /videos: items[0]: odd\x00"),
            Observation("youtube", "views", 12.0, at, "v1", "video", "acme"),
        ]
        for at in (NOW, NOW - timedelta(minutes=5))
    ]

    first, second = (check(observations_to_frame(poll), now=NOW) for poll in polls)

    assert first.rejected["reason"].item() == "GET /videos: items[0]: odd\\x00"
    assert first.rejected["raw"].item() == second.rejected["raw"].item()
    assert (len(first.accepted), first.unknown) == (1, 0)
