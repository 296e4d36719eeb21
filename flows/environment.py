"""The environment Prefect's processes run in: state below our home, loopback only, nothing sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.settings import Settings

HERE = Path(__file__).parent
HEARTBEAT_S = 30
RUNS_KEPT_S = 30 * 86400

QUIET = {
    # two switches turn telemetry off: the client's and the server's; the third stops resource sampling in runs
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # the second pages hold a tracker; `flows.server` refuses its calls where somebody opens them all the same
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}

# what a run needs wherever it is started: the watch on silent runs waits for four heartbeats, and Prefect's own come
# less often than that
RUNS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}

BEHAVIOUR = {
    **RUNS,
    # without a server there is no run: the ephemeral API loses task records
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_PROFILE": "local",
    "PREFECT_RUNNER_POLL_FREQUENCY": "5",
    # a runner that can no longer hear cancellations ends, and is started again by its supervisor
    "PREFECT_RUNNER_CRASH_ON_CANCELLATION_FAILURE": "true",
    "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "60",
    "PREFECT_SERVER_METRICS_ENABLED": "true",
    # by default only events are cleared away, and nine collectors make 2,592 runs a day
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RUNS_KEPT_S),
}


# Prefect's server seals and opens no credential; runs and the web app do
NOT_FOR_SERVER = frozenset({"ANALYTICS_SECRET_KEY"})


def server_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The same variables without the secret key, in whatever case it is written: settings read both."""
    return {name: value for name, value in env.items() if name.upper() not in NOT_FOR_SERVER}


def prefect_home(settings: Settings) -> Path:
    """Where Prefect keeps its SQLite file, profile and logs."""
    return settings.home.resolve() / "prefect"


def environment(
    settings: Settings, *, port: int, web_port: int | None, inherited: Mapping[str, str], host: str = "127.0.0.1"
) -> dict[str, str]:
    """Variables for the server, the runner and the runs.

    Args:
        port: of Prefect's server and UI.
        web_port: of the web app, None where there is none.
        inherited: the caller's own environment; what is set there for Prefect wins, except where the server is.
    """
    public_url = settings.public_url or (f"http://{host}:{web_port}" if web_port else "")
    public = {"ANALYTICS_PUBLIC_URL": public_url} if public_url else {}
    defaults = {
        **QUIET,
        **BEHAVIOUR,
        **public,
        "PREFECT_HOME": str(prefect_home(settings)),
        "PREFECT_LOGGING_CONFIG_PATH": str(HERE / "logging.yaml"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    where = {
        # must be known before the server starts: its pages call this address
        "PREFECT_API_URL": f"http://{host}:{port}/api",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "ANALYTICS_HOME": str(settings.home.resolve()),
        "ANALYTICS_PARAMS_DIR": str(settings.params_dir.resolve()),
        "ANALYTICS_OUTPUT_DIR": str(settings.output_dir.resolve()),
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, [inherited.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
    }
    return {**defaults, **inherited, **where}
