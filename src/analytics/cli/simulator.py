"""`analytics simulator …`: the platforms on loopback."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from analytics.cli.screen import Console

app = typer.Typer(rich_markup_mode="rich")

EXAMPLES = """[bold]Examples[/]

  analytics simulator run --port 8900
  analytics simulator run --port 8900 --seed 11 --now 2026-10-01T12:00:00Z --latency-ms 40
  analytics collect --base-url http://127.0.0.1:8900
  curl -H 'X-Simulated-Now: 2026-09-01T00:00:00Z' http://127.0.0.1:8900/github/repos/acme/orchard
  curl -X POST -d '{"kind": "503", "platform": "github", "times": 2}' http://127.0.0.1:8900/_simulator/faults
"""


@app.command(epilog=EXAMPLES)
def run(
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on loopback; 0 takes a free one.")] = 8900,
    seed: Annotated[int, typer.Option(help="Another seed is another history.")] = 7,
    now: Annotated[str | None, typer.Option(help="Simulated time, ISO 8601.", show_default="the real time")] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="Added to every answer.")] = 0.0,
    events: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON list of what happens besides.")
    ] = None,
    limits: Annotated[bool, typer.Option(help="Count calls against the vendors' limits.")] = True,
) -> None:
    """Run the simulated platforms until Ctrl-C. Any token signs in, except `revoked`."""
    from analytics.cli.collect import moment
    from analytics.simulator import Event, platforms, serve

    when = moment(now) if now else None
    more = [Event.from_json(entry) for entry in json.loads(events.read_text("utf-8"))] if events else []
    console = Console(highlight=False)
    with serve(port, seed=seed, now=when, latency_s=latency_ms / 1000, limits=limits, events=more) as simulator:
        for name in platforms.names():
            console.print(simulator.base_url(name), soft_wrap=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            console.print("stopped")


@app.command()
def truth(
    platform: Annotated[str, typer.Argument(help="For example github.")],
    account: Annotated[str, typer.Argument(help="For example acme/orchard.")],
    month: Annotated[str, typer.Option(help="YYYY-MM.")],
    seed: Annotated[int, typer.Option(help="The seed the simulator runs with.")] = 7,
) -> None:
    """What really happened to an account in a month: launches, viral posts, outages, purges.

    [bold]Example[/]

      analytics simulator truth github acme/orchard --month 2026-10
    """
    from analytics.model import Month
    from analytics.simulator import world_of

    console = Console(highlight=False)
    for event in world_of(seed).events(platform, account, *Month.parse(month).bounds()):
        console.print(f"{event.start:%Y-%m-%d %H:%M}  {event.end:%Y-%m-%d %H:%M}  {event.kind:8}  {event.factor:.3g}")
