"""The runner of one machine: register what params ask for, recover, then run what is due until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

from analytics.params.files import load_params
from analytics.settings import load_settings
from flows import recovery
from flows.deployments import OURS, OWN_PLACE
from flows.register import register

PROCESSES = 4
OWN_PLACES = 2  # beside those: one for the watch, one for health
log = logging.getLogger("analytics.flows")


async def start(*runners: Runner) -> None:
    """Let them all run until SIGTERM, which ends the process and with it each of them."""
    async with asyncio.TaskGroup() as group:
        for runner in runners:
            group.create_task(runner.start())


def main() -> None:
    """Serve until SIGTERM; schedules stay as they are, so that a restart resumes them."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve")
    parser.add_argument("--ready", type=Path, help="file made once runs can start")
    parser.add_argument("--limit", type=int, default=PROCESSES, help="runs at a time")
    options = parser.parse_args()
    logging.getLogger("analytics").setLevel(logging.INFO)
    params = load_params(load_settings().params_dir)
    runner = Runner(name=OURS, limit=options.limit, pause_on_shutdown=False)
    own = Runner(name=f"{OURS}-watch", limit=OWN_PLACES, pause_on_shutdown=False)

    def add(deployment: RunnerDeployment) -> UUID:
        return cast(UUID, (own if OWN_PLACE in deployment.tags else runner).add_deployment(deployment))

    with get_client(sync_client=True) as client:
        ids = register(client, params, add)
        log.info("recovered: %s", recovery.recover(client, ids, recovery.now_utc()))
    if options.ready:
        options.ready.touch()
    try:
        asyncio.run(start(runner, own))
    except KeyboardInterrupt:
        log.info("stopped")


if __name__ == "__main__":
    main()
