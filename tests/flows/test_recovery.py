"""What becomes of runs that a dead runner left behind."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.deployments import KEEP, RECURRING
from flows.recovery import is_missed, is_worth_repeating

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def run(tag: str, minutes_ago: float, **fields) -> FlowRun:
    at = NOW - timedelta(minutes=minutes_ago)
    return FlowRun(flow_id=uuid4(), tags=[tag], start_time=at, expected_start_time=at, **fields)


@pytest.mark.parametrize(
    ("tag", "minutes_ago", "starts", "again"),
    [
        (KEEP, 60, 1, True),
        (KEEP, 60, 3, False),
        (RECURRING, 2, 1, True),
        (RECURRING, 6, 1, False),
        (RECURRING, 2, 3, False),
    ],
)
def test_what_is_started_again(tag, minutes_ago, starts, again):
    """Reports at any age, polls while theirs is the newest, nothing for ever."""
    assert is_worth_repeating(run(tag, minutes_ago, run_count=starts), NOW) is again


@pytest.mark.parametrize(
    ("tag", "minutes_ago", "by_schedule", "missed"),
    [
        (RECURRING, 3, True, True),
        (RECURRING, 1, True, False),
        (RECURRING, 3, False, False),
        (KEEP, 300, True, False),
    ],
)
def test_what_is_dropped_as_missed(tag, minutes_ago, by_schedule, missed):
    """A poll of an hour ago asks for nothing that the next does not; a report that was due is still due."""
    due = NOW - timedelta(minutes=minutes_ago)

    assert is_missed(run(tag, minutes_ago, auto_scheduled=by_schedule, next_scheduled_start_time=due), NOW) is missed
