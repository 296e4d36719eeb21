"""`analytics up`: everything on schedule, on this machine."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

EXAMPLES = """[bold]Examples[/]

  analytics up
  analytics up --port 4300 --web-port 8700
  analytics up --no-web
"""


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the schedules' pages; 0: any free one.")] = 4200,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="Of reports, health and metrics.")] = 8600,
    web: Annotated[bool, typer.Option(help="Serve reports, health and metrics.")] = True,
    runner: Annotated[bool, typer.Option(help="Run what is due; without: only show what there is.")] = True,
) -> None:
    """Start database, schedules, runner and web app; print their addresses; stop all of it on Ctrl-C."""
    from analytics.errors import InputError
    from analytics.settings import project_root

    root = project_root()
    if not (root / "flows" / "up.py").is_file():
        raise InputError(f"{root}: no flows/ here; run this in a checkout of the project")
    # the working folder stays: its .env and relative paths are the user's
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    chosen = ["--port", str(port), "--web-port", str(web_port)]
    chosen += [] if web else ["--no-web"]
    chosen += [] if runner else ["--no-runner"]
    os.execv(sys.executable, [sys.executable, "-m", "flows.up", *chosen])  # noqa: S606 - this very interpreter


up.__doc__ = f"{up.__doc__}\n\n{EXAMPLES}"
