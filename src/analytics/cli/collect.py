"""`analytics collect` and `analytics replay`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from analytics.cli.screen import Console

if TYPE_CHECKING:
    from analytics.jobs.collecting.harvest import Round

EXAMPLES = """[bold]Examples[/]

  analytics collect
  analytics collect github youtube
  analytics collect github --account acme/orchard
  analytics collect --base-url http://127.0.0.1:8900 --at 2026-10-01T12:00:00Z
"""


def collect(
    platforms: Annotated[list[str] | None, typer.Argument(help="Names from params/platforms.yaml; none: all.")] = None,
    account: Annotated[str | None, typer.Option(help="One account's id; none: all.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Address below which each platform answers by its name, as the simulator's do.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="Date the readings, ISO 8601 with zone.", show_default="now")] = None,
    contents: Annotated[int, typer.Option(min=0, max=5000, help="Newest contents read per account.")] = 200,
) -> None:
    """Collect one round from the platforms and store it; exit 1 if an account gave nothing."""
    from analytics.cli.shown import steps
    from analytics.jobs.collecting import collect as job
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with steps("Collect") as show, open_store(settings) as store:
        made = job.collect(
            settings,
            store,
            platforms=platforms or (),
            account=account,
            base_url=base_url,
            at=moment(at) if at else None,
            contents=contents,
            progress=show.progress,
        )
    _show(made)
    if made.failed:
        raise typer.Exit(1)


collect.__doc__ = f"{collect.__doc__}\n\n{EXAMPLES}"


def replay(
    platform: Annotated[str, typer.Option(help="Name from params/platforms.yaml.")],
    since: Annotated[str, typer.Option(help="First UTC day, YYYY-MM-DD.")],
    until: Annotated[str | None, typer.Option(help="Last UTC day, YYYY-MM-DD.")] = None,
) -> None:
    """Parse landed answers again with today's parsers and write only what differs.

    [bold]Example[/]

      analytics replay --platform youtube --since 2026-11-01
    """
    from analytics.jobs.collecting import replay as job
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with open_store(settings) as store:
        days = [moment(f"{day}T00:00:00Z").date() if day else None for day in (since, until)]
        done = job.replay(settings, store, platform, since=days[0] or datetime.now(UTC).date(), until=days[1])
    console = Console(highlight=False)
    console.print(
        f"{done.answers} answers parsed again: {done.written} new points, {done.corrected} corrected, "
        f"{done.duplicate} as before, {len(done.unread)} answers or values not readable"
    )
    for problem in done.unread[:10]:
        console.print(f"  {problem}", markup=False, soft_wrap=True)


def moment(text: str) -> datetime:
    """A time from the command line; raise `InputError` saying what was expected."""
    from analytics.errors import InputError

    try:
        when = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"time {text!r}: expected ISO 8601, for example 2026-10-01T12:00:00Z") from exc
    if when.tzinfo is None:
        raise InputError(f"time {text!r}: needs a time zone, for example {text}Z")
    return when.astimezone(UTC)


def _show(made: Round) -> None:
    console = Console(highlight=False)
    names = ("platform", "account", "state", "calls", "new", "as before", "corrected", "quarantined", "seconds")
    table = Table(*names, box=None, header_style="bold")
    for number in range(3, len(names)):
        table.columns[number].justify = "right"
    for h in made.harvests:
        counts = (len(h.pages), h.written, h.duplicate, h.corrected, h.quarantined, f"{h.seconds:.1f}")
        table.add_row(h.platform, h.account, h.state, *map(str, counts))
    console.print(table)
    for h in made.harvests:
        if h.problem:
            console.print(f"{h.platform} {h.account}: {h.problem}", markup=False, soft_wrap=True)
