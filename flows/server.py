"""The Prefect server, with one repair: without it, Prefect 3.8.8 makes no scheduled run under SQLAlchemy 2.1.

The scheduler inserts flow runs as dictionaries that also hold `state`, a hybrid property of the model. SQLAlchemy 2.0
left such a key alone; 2.1 asks the hybrid for a `bulk_dml` function and raises where it has none, so the schedules stay
empty while everything else works (seen 2026-11-20, Prefect 3.8.8 with SQLAlchemy 2.1.9: "Can't evaluate bulk DML
statement"). The function given here leaves the key alone, as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import orm_models
from prefect.settings import get_current_settings


def leave(_model: type[Any], _mapping: Mapping[str, Any], _value: object) -> None:
    """Change nothing: the state is written by a statement of its own."""


def repair() -> None:
    """Give the hybrid `state` of flow and task runs what SQLAlchemy 2.1 asks for."""
    for model in (orm_models.FlowRun, orm_models.TaskRun):
        hybrid = vars(model)["state"]
        if getattr(hybrid, "bulk_dml_setter", leave) is None:
            hybrid.bulk_dml_setter = leave


def main() -> None:
    """Serve API and UI where the settings say, until SIGTERM."""
    repair()
    api = get_current_settings().server.api
    uvicorn.run(
        create_app(final=True),
        host=api.host,
        port=api.port,
        timeout_keep_alive=api.keepalive_timeout,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
