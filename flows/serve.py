"""The runner of one machine: register what params ask for, recover, then run what is due until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_client
from prefect.runner import Runner

from analytics.params.files import load_params
from analytics.settings import load_settings
from flows import recovery
from flows.deployments import OURS
from flows.register import register

PROCESSES = 4
log = logging.getLogger("analytics.flows")


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
        ids = register(client, params, lambda deployment: cast(UUID, runner.add_deployment(deployment)))
        log.info("recovered: %s", recovery.recover(client, ids, recovery.now_utc()))
    if options.ready:
        options.ready.touch()
    try:
        asyncio.run(runner.start())
    except KeyboardInterrupt:
        log.info("stopped")


if __name__ == "__main__":
    main()
