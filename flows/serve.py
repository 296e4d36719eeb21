"""The runner of one machine: recover, register limits and deployments, then run what is due until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.runner import Runner

from analytics.params import Params, load_params
from analytics.settings import load_settings
from flows import limits, recovery
from flows.deployments import OURS, deployments

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

PROCESSES = 4
log = logging.getLogger("analytics.flows")


def register(client: SyncPrefectClient, runner: Runner, params: Params) -> list[UUID]:
    """Bring limits, deployments and the automation in line with params; return the deployments' ids."""
    log.info("limits: %s", ", ".join(limits.apply(client, params)) or "none")
    made = [cast(UUID, runner.add_deployment(deployment)) for deployment in deployments(params)]
    for existing in client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS])), limit=200
    ):
        if existing.id not in made:
            log.info("removing deployment %s: no longer in params", existing.name)
            client.delete_deployment(existing.id)
    recovery.watch_silence(client)
    return made


def main() -> None:
    """Serve until SIGTERM; schedules stay as they are, so that a restart resumes them."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve")
    parser.add_argument("--ready", type=Path, help="file made once runs can start")
    parser.add_argument("--limit", type=int, default=PROCESSES, help="runs at a time")
    options = parser.parse_args()
    logging.getLogger("analytics").setLevel(logging.INFO)
    params = load_params(load_settings().params_dir)
    runner = Runner(name=OURS, limit=options.limit, pause_on_shutdown=False)
    with get_client(sync_client=True) as client:
        ids = register(client, runner, params)
        log.info("recovered: %s", recovery.recover(client, ids, recovery.now_utc()))
    if options.ready:
        options.ready.touch()
    try:
        asyncio.run(runner.start())
    except KeyboardInterrupt:
        log.info("stopped")


if __name__ == "__main__":
    main()
