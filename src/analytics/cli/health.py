"""`analytics health`."""

from __future__ import annotations

from typing import Annotated

import typer


def health(
    prefect_url: Annotated[
        str | None, typer.Option(help="Address of the schedules' API.", envvar="PREFECT_API_URL")
    ] = None,
) -> None:
    """Look at database, collectors, schedules and disk; exit 1 unless all are healthy.

    [bold]Example[/]

      analytics health --prefect-url http://127.0.0.1:4200/api
    """
    from analytics.cli.screen import Console
    from analytics.jobs.watching import health as job
    from analytics.settings import load_settings

    found = job.health(load_settings(), prefect_url=prefect_url)
    colours = {"healthy": "green", "degraded": "yellow", "unhealthy": "red"}
    console = Console(soft_wrap=True, highlight=False)
    for check, line in zip(found.checks, job.lines(found.checks), strict=True):
        console.print(line, style=colours[check.status], markup=False)
    if found.status != "healthy":
        raise typer.Exit(1)
