"""Assembles the commands and turns errors into one line and an exit status."""

from __future__ import annotations

import errno
import importlib
import logging
import sys
from typing import Any

import typer

from analytics import __version__
from analytics.cli.screen import Console, HarmlessFormatter
from analytics.errors import AnalyticsError

COMMANDS = {
    "demo": ("analytics.cli.demo", "demo", "Fill an empty store and make a first report, offline."),
    "health": ("analytics.cli.health", "health", "Is everything well: database, collectors, schedules, disk."),
    "up": ("analytics.cli.up", "up", "Start everything: database, Prefect with its UI, schedules, web app."),
    "web": ("analytics.cli.web", "web", "The web app alone: webhooks, published reports, health, metrics."),
    "import": ("analytics.cli.importing", "import_", "Load history from CSV or Parquet files."),
    "collect": ("analytics.cli.collect", "collect", "Collect one round from the platforms."),
    "connect": ("analytics.cli.connect", "connect", "Sign in to a platform in the browser."),
    "import-export": ("analytics.cli.exports", "import_export", "Load files downloaded from platforms' dashboards."),
    "replay": ("analytics.cli.collect", "replay", "Read landed answers again, write what differs."),
    "annotate": ("analytics.cli.alerts", "annotate", "Write a remark to a stretch of time, for reports."),
    "sync": ("analytics.cli.storeops", "sync", "Bring the store to what params say, and say what changed."),
    "status": ("analytics.cli.storeops", "status", "What the store holds, how fresh it is, what waits."),
    "lab": ("analytics.cli.lab", "lab", "JupyterLab on the notebooks."),
}
GROUPS = {
    "report": ("analytics.cli.report", "Make reports, and rerun them with other parameters."),
    "baseline": ("analytics.cli.baseline", "What is normal: backtest algorithms on your own data."),
    "alerts": ("analytics.cli.alerts", "What stood out, and what people say of it: list, confirm, reject, mute."),
    "quarantine": ("analytics.cli.quarantine", "Rows that could not be stored: list and replay."),
    "db": ("analytics.cli.db", "Start, stop, reach, back up and restore the database."),
    "lifecycle": ("analytics.cli.lifecycle", "What is kept, where, for how long: roll up, archive, delete."),
    "credentials": ("analytics.cli.credentials", "Keys of platforms, encrypted in the store."),
    "budget": ("analytics.cli.budget", "What collecting will cost, and what it has cost."),
    "simulator": ("analytics.cli.simulator", "The platforms on loopback, for trying things out."),
}

DATABASE_COMMANDS = ("backup", "restore", "upgrade")  # of the group `db`, beside those of its own module


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="analytics", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_show_locals=False, help=HELP
    )
    app.callback()(_root)
    for name, (module, function, summary) in COMMANDS.items():
        app.command(name, short_help=summary)(getattr(importlib.import_module(module), function))
    for name, (module, summary) in GROUPS.items():
        app.add_typer(importlib.import_module(module).app, name=name, help=summary, no_args_is_help=True)
    database = importlib.import_module("analytics.cli.db").app
    for name in DATABASE_COMMANDS:
        if name not in {command.name for command in database.registered_commands}:
            database.command(name)(getattr(importlib.import_module("analytics.cli.storeops"), name))
    return app


HELP = """Collect traffic from platforms, learn what is normal, publish monthly reports.

Settings come from environment variables `ANALYTICS_*` and `.env`; what to collect and report from `params/*.yaml`.
"""


def _version(wanted: bool) -> None:
    if wanted:
        Console().print(f"analytics {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    demo: bool = typer.Option(False, "--demo", help="On what `analytics demo` made, not on your own data."),
) -> None:
    """Options of `analytics` itself; the version is shown by its own callback."""
    del version
    if demo:
        importlib.import_module("analytics.cli.demo").enter()


def main(arguments: list[str] | None = None) -> Any:
    """Run one command; an `AnalyticsError`, or what the system refuses, becomes one line and its exit status."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(HarmlessFormatter())
    try:
        return build()(args=arguments, prog_name="analytics")
    except AnalyticsError as exc:
        _complain(str(exc))
        sys.exit(exc.exit_status)
    except OSError as exc:
        if exc.errno is None:  # of a library that says more in its traceback
            raise
        _complain(refused(exc))
        sys.exit(1)


def refused(exc: OSError) -> str:
    """What the system refused, where, and what to do."""
    where = " to ".join(str(name) for name in (exc.filename, exc.filename2) if name is not None)
    said = f"{where or 'the system'}: {exc.strerror or type(exc).__name__}"
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOSPC):
        said += (
            "; free it, or name another folder: ANALYTICS_HOME for data, ANALYTICS_OUTPUT_DIR for reports and the site"
        )
    return said


def _complain(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print("[bold red]error:[/] ", end="")
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(" ".join(text.split()))
