"""Which of the runs that were due while nothing ran are run after all."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from prefect.client.schemas.objects import FlowRun

from flows.deployments import RECURRING
from flows.recovery import missed

NOW = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)
COLLECT, DAILY = uuid4(), uuid4()


def due(deployment, minutes: float) -> FlowRun:
    """A run that is due so many minutes from now."""
    at = NOW + timedelta(minutes=minutes)
    return FlowRun(
        flow_id=uuid4(), deployment_id=deployment, tags=[RECURRING], auto_scheduled=True, next_scheduled_start_time=at
    )


def test_the_newest_poll_is_run_and_those_before_it_are_dropped():
    """Everything was killed at the start of a poll and came back three minutes later: the poll was lost."""
    old, newest, next_one = due(COLLECT, -8), due(COLLECT, -3), due(COLLECT, 2)

    assert missed([next_one, newest, old], NOW) == [old]


def test_a_daily_run_is_not_put_off_by_a_day():
    """What another deployment has due does not count."""
    tiers, poll = due(DAILY, -570), due(COLLECT, -3)

    assert missed([tiers, poll, due(DAILY, 870)], NOW) == []


def test_a_poll_whose_successor_is_due_within_a_minute_makes_way():
    """Still running, it would have the successor dropped."""
    late = due(COLLECT, -4.5)

    assert missed([late, due(COLLECT, 0.5)], NOW) == [late]
