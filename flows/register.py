"""Bring a Prefect server in line with params: limits, deployments, the watch on silent runs.

`flows.serve` does it for its own runner. For workers on other machines: `python -m flows.register --pool analytics`,
once after every change of params. `--yaml` writes the same deployments as a `prefect.yaml`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import yaml
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists

from analytics.params.files import Params, load_params
from analytics.settings import load_settings
from flows import limits, recovery
from flows.deployments import NOTHING_TO_ASK, OURS, OWN_PLACE, REPORT, deployments
from flows.environment import RUNS

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.deployments.runner import RunnerDeployment

log = logging.getLogger("analytics.flows")
WATCH_QUEUE = "watch"  # a worker of its own may serve it
Apply = Callable[["RunnerDeployment"], UUID]


def register(client: SyncPrefectClient, params: Params, apply: Apply) -> list[UUID]:
    """Make or change what params ask for, and remove deployments they no longer have; the deployments' ids.

    Args:
        apply: how one deployment is made known: to a runner in this process, or to a work pool.
    """
    log.info("limits: %s", ", ".join(limits.apply(client, params)) or "none")
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS]))
    there = client.read_deployments(deployment_filter=ours, limit=200)
    by_entrypoint = {(existing.entrypoint, existing.name): existing for existing in there}
    asked = deployments(params)
    for deployment in asked:
        if existing := by_entrypoint.get((deployment.entrypoint, str(deployment.name))):
            keep_switches(deployment, existing)
    made = [apply(deployment) for deployment in asked]
    for existing in there:
        if existing.id not in made:
            log.info("removing deployment %s: no longer in params", existing.name)
            limits.leave_lane(client, existing.id)
            client.delete_deployment(existing.id)
    reports = [(made[at], wanted) for at, wanted in enumerate(asked) if REPORT in wanted.tags]
    limits.keep_to_lanes(client, params, [(id, str(wanted.parameters["name"])) for id, wanted in reports])
    recovery.watch_silence(client)
    return made


def keep_switches(wanted: RunnerDeployment, existing: DeploymentResponse) -> None:
    """Leave paused what was paused in the UI, unless params have changed their mind.

    A runner that ends pauses nothing, so what is paused was paused by a person, or by params, which put a tag.
    """
    if (NOTHING_TO_ASK in wanted.tags) == (NOTHING_TO_ASK in existing.tags):
        wanted.paused = existing.paused
    off = [entry.schedule for entry in existing.schedules if not entry.active]
    for schedule in wanted.schedules or []:
        schedule.active = False if is_among(schedule.schedule, off) else schedule.active


def is_among(schedule: Any, others: Sequence[Any]) -> bool:
    """Whether the same times are there."""
    return any(
        isinstance(other, CronSchedule) and (other.cron, other.timezone) == (schedule.cron, schedule.timezone)
        for other in others
    )


def to_pool(client: SyncPrefectClient, pool: str, kind: str) -> Apply:
    """Make the work pool unless it is there; deployments then wait for its workers."""
    try:
        client.create_work_pool(WorkPoolCreate(name=pool, type=kind))
    except ObjectAlreadyExists:
        log.info("work pool %s is there", pool)

    def apply(deployment: RunnerDeployment) -> UUID:
        deployment.job_variables = {"env": RUNS}
        deployment.work_queue_name = WATCH_QUEUE if OWN_PLACE in deployment.tags else None
        return cast(UUID, deployment.apply(work_pool_name=pool))

    return apply


def as_yaml(params: Params, pool: str) -> str:
    """The deployments as a `prefect.yaml`."""
    entries: list[dict[str, Any]] = []
    for made in deployments(params):
        crons = [s.schedule for s in made.schedules or [] if isinstance(s.schedule, CronSchedule)]
        schedules = [schedule.model_dump(mode="json", include={"cron", "timezone"}) for schedule in crons]
        limit = made.concurrency_options
        entries.append(
            {
                "name": made.name,
                "entrypoint": made.entrypoint,
                "description": made.description,
                "tags": made.tags,
                "parameters": made.parameters,
                "schedules": [{**schedule, "active": not made.paused} for schedule in schedules],
                "concurrency_limit": {
                    "limit": made.concurrency_limit,
                    "collision_strategy": limit.collision_strategy.value if limit else None,
                },
                "work_pool": {
                    "name": pool,
                    "job_variables": {"env": RUNS},
                    **({"work_queue_name": WATCH_QUEUE} if OWN_PLACE in made.tags else {}),
                },
            }
        )
    head = "# Made from params by: python -m flows.register --yaml\n"
    return head + yaml.safe_dump(
        {"name": OURS, "pull": [], "deployments": entries}, sort_keys=False, allow_unicode=True
    )


def main() -> None:
    """Register with a work pool, or write `prefect.yaml` to standard output."""
    parser = argparse.ArgumentParser(prog="python -m flows.register")
    parser.add_argument("--pool", default=OURS, help="work pool, made if need be")
    parser.add_argument("--type", default="process", help="its type where it is made: process, docker, kubernetes")
    parser.add_argument("--yaml", action="store_true", help="write prefect.yaml and change nothing")
    options = parser.parse_args()
    params = load_params(load_settings().params_dir)
    if options.yaml:
        sys.stdout.write(as_yaml(params, options.pool))
        return
    with get_client(sync_client=True) as client:
        ids = register(client, params, to_pool(client, options.pool, options.type))
    sys.stdout.write(f"{len(ids)} deployments wait for workers of {options.pool}\n")


if __name__ == "__main__":
    main()
