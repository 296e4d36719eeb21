"""What a runner that died left behind, put right before the next one starts; and a watch on runs that fall silent.

Only for the one machine whose only runner is `flows.serve`: at its start nothing can be running, so whatever says it is
belonged to a runner that is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.automations import Automation
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.states import Cancelled, Crashed, Scheduled

from flows.deployments import KEEP, RECURRING
from flows.environment import HEARTBEAT_S

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

MOST_STARTS = 3
SAME_POLL = timedelta(minutes=5)
MISSED_AFTER = timedelta(minutes=2)
SOON = timedelta(minutes=1)
SILENCE = "Runs that fall silent are marked as crashed"
ACTIVE = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def recover(client: SyncPrefectClient, deployment_ids: Sequence[UUID], now: datetime) -> dict[str, int]:
    """Close or restart what was running, and drop recurring runs that were missed; counts by what was done.

    Reports and backfills are started again, up to `MOST_STARTS` times, and so is a recurring run that was due just now,
    so that its poll is not lost; an older one is marked as crashed, since the next one is due and catches up. Of those
    that never began, each deployment's newest is run.
    """
    done = {"crashed": 0, "restarted": 0, "cancelled": 0, "missed": 0}
    for run in _runs(client, deployment_ids, ACTIVE):
        if run.state is not None and run.state.type == StateType.CANCELLING:
            client.set_flow_run_state(run.id, Cancelled(message="Its runner ended while it was cancelled."), force=True)
            done["cancelled"] += 1
        elif is_worth_repeating(run, now):
            client.set_flow_run_state(
                run.id, Scheduled(scheduled_time=now, message="Its runner ended: once more."), force=True
            )
            done["restarted"] += 1
        else:
            client.set_flow_run_state(run.id, Crashed(message="Its runner ended."), force=True)
            done["crashed"] += 1
    for run in missed(_runs(client, deployment_ids, [StateType.SCHEDULED]), now):
        client.set_flow_run_state(
            run.id, Cancelled(message="Missed while nothing ran; a later run catches up."), force=True
        )
        done["missed"] += 1
    return done


def missed(scheduled: Sequence[FlowRun], now: datetime) -> list[FlowRun]:
    """Runs to drop: each deployment's newest is kept, or an hourly or daily poll would be lost with a restart.

    The newest is the last one due by now, or within a minute: then it need not be held back by the one before it.
    """
    newest: dict[UUID | None, datetime] = {}
    for run in scheduled:
        due = run.next_scheduled_start_time
        if due is not None and due <= now + SOON:
            newest[run.deployment_id] = max(due, newest.get(run.deployment_id, due))
    return [
        run
        for run in scheduled
        if is_missed(run, now) and run.next_scheduled_start_time != newest.get(run.deployment_id)
    ]


def is_worth_repeating(run: FlowRun, now: datetime) -> bool:
    """Whether a run that was cut off is started again; every flow may be repeated without harm."""
    began = run.start_time or run.expected_start_time
    is_fresh = began is not None and now - began < SAME_POLL
    return run.run_count < MOST_STARTS and (KEEP in run.tags or is_fresh)


def is_missed(run: FlowRun, now: datetime) -> bool:
    """Whether a scheduled run of a recurring deployment is long past its time."""
    due = run.next_scheduled_start_time
    return RECURRING in run.tags and run.auto_scheduled is True and due is not None and due < now - MISSED_AFTER


def _runs(client: SyncPrefectClient, deployment_ids: Sequence[UUID], types: list[StateType]) -> list[FlowRun]:
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=list(deployment_ids))),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types))),
            limit=200,
            offset=len(found),
        )
        found += page
        if len(page) < 200:
            return found


def watch_silence(client: SyncPrefectClient) -> None:
    """Register the automation that marks a run as crashed once four heartbeats in a row are missing."""
    automation = Automation(
        name=SILENCE,
        description="A run whose process was killed with its runner would otherwise stay Running and hold its slot.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.Cancelled",
                "prefect.flow-run.Crashed",
            },
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=4 * HEARTBEAT_S),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat: its process is gone.")],
    )
    for existing in client.read_automations_by_name(SILENCE):
        automation.id = existing.id
    automation.update() if automation.id else automation.create()


def now_utc() -> datetime:
    """The clock."""
    return datetime.now(UTC)
