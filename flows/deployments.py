"""Deployments, all made from params: the one list behind `serve`, `prefect.yaml` and the UI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from analytics.params.files import Params

# One run at a time; a run that comes while the one before still works is dropped, since each run catches up by itself.
ONE = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
# Reruns asked for by hand wait for each other instead.
QUEUE = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)

OURS = "analytics"
RECURRING = "recurring"  # a run that was missed or died is made good by the next
KEEP = "keep"  # a run that died is started again
NOTHING_TO_ASK = "nothing to ask"  # paused by params, not by a person
OWN_PLACE = "place of its own"  # judging and health go on whatever collectors and reports do
REPORT = "report"  # a run that needs much memory: few at once


def deployments(params: Params) -> list[RunnerDeployment]:
    """Every deployment of an installation, in the order the UI should be read."""
    return [*_collectors(params), *_watch(params), *_reports(params), *_upkeep(params)]


def _watch(params: Params) -> Iterator[RunnerDeployment]:
    from flows.watch import watch

    yield _made(
        watch,
        "newest",
        cron=params.operations.detect,
        tags=[RECURRING, "watch", OWN_PLACE],
        description="Judge the newest readings of every series, then tell people what the alert rules ask for.",
    )


def _upkeep(params: Params) -> Iterator[RunnerDeployment]:
    from flows import upkeep

    when = params.operations
    yield _made(
        upkeep.rollup,
        "hours",
        cron=when.rollup,
        tags=[RECURRING, "upkeep"],
        description="Hours, days, weeks and months, where readings have come since.",
    )
    yield _made(
        upkeep.inbox,
        "letters",
        cron=when.inbox,
        tags=[RECURRING, "upkeep"],
        description="What vendors sent to the web app and it has not counted itself; old bodies are deleted.",
    )
    yield _made(
        upkeep.lifecycle,
        "tiers",
        cron=when.lifecycle,
        tags=[RECURRING, "upkeep"],
        description="Move days down the tiers as each platform's policy says: raw, hourly, archive.",
    )
    yield _made(
        upkeep.levels,
        "alerts",
        cron=when.levels,
        tags=[RECURRING, "upkeep"],
        description="Thresholds of each series from its last eight weeks, so that its alerts keep to their budget.",
    )
    yield _made(
        upkeep.budget,
        "spent",
        cron=when.budget,
        tags=[RECURRING, "upkeep"],
        description="What each platform has cost today and this month, against its budget.",
    )
    yield _made(
        upkeep.health,
        "everything",
        cron=when.health,
        tags=[RECURRING, "upkeep", OWN_PLACE],
        description="Database, collectors, disk: failed if a part is unhealthy.",
    )
    from flows.backfill import backfill_reports, replay

    yield _made(
        backfill_reports,
        "months",
        cron=None,
        tags=[KEEP, "backfill"],
        limit=QUEUE,
        description="Make the reports of a range of months; months already asked for are not asked for again.",
    )
    yield _made(
        replay,
        "landed",
        cron=None,
        tags=[KEEP, "backfill"],
        limit=QUEUE,
        description="Read a platform's landed answers again with today's parsers; only what differs is written.",
    )


def _collectors(params: Params) -> Iterator[RunnerDeployment]:
    from flows.collect import collect

    for name, platform in params.platforms.items():
        is_asked = bool(platform.is_active and platform.accounts)
        yield _made(
            collect,
            name,
            cron=platform.schedule,
            parameters={"platform": name},
            tags=[RECURRING, "collect", name, *([] if is_asked else [NOTHING_TO_ASK])],
            description=f"One round of {platform.display_name}: {', '.join(platform.metrics) or 'every metric'}, "
            f"{len(platform.accounts)} accounts.",
            paused=not is_asked,  # shown, and can be started by hand once accounts are in params
        )


def _reports(params: Params) -> Iterator[RunnerDeployment]:
    from flows.report import deliver_again, report

    for name, entry in params.reports.items():
        yield _made(
            report,
            f"{name}-monthly",
            cron=entry.schedule,
            timezone=entry.timezone,
            parameters={"name": name},
            tags=[KEEP, REPORT, name],
            limit=QUEUE,
            description=f"{entry.title} of the month that ended. To make another month: Run, Custom run, Month.",
        )
        if entry.settled_schedule:
            yield _made(
                report,
                f"{name}-settled",
                cron=entry.settled_schedule,
                timezone=entry.timezone,
                parameters={"name": name, "close": True},
                tags=[KEEP, REPORT, name],
                limit=QUEUE,
                description="The same month again, once the platforms no longer restate it; its figures are closed.",
            )
        if entry.provisional_schedule:
            yield _made(
                report,
                f"{name}-provisional",
                cron=entry.provisional_schedule,
                timezone=entry.timezone,
                parameters={"name": name, "when": "current"},
                tags=[KEEP, REPORT, name],
                limit=QUEUE,
                description="The current month so far.",
            )
    yield _made(
        deliver_again,
        "again",
        cron=None,
        tags=[KEEP, "delivery"],
        limit=QUEUE,
        description="Send a month's report to those recipients who have not got it; asked for by runs that could not.",
    )


def _made(
    flow: Flow[..., Any],
    name: str,
    *,
    cron: str | None,
    tags: list[str],
    description: str,
    parameters: dict[str, Any] | None = None,
    timezone: str = "UTC",
    limit: ConcurrencyLimitConfig = ONE,
    paused: bool | None = None,
) -> RunnerDeployment:
    made = flow.to_deployment(
        name,
        schedule=Cron(cron, timezone=timezone) if cron else None,
        parameters=parameters or {},
        concurrency_limit=limit,
        tags=[OURS, *tags],
        description=description,
        paused=paused,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(made, RunnerDeployment)  # noqa: S101 - not a coroutine outside of an event loop
    return made
