"""`analytics alerts …`: what is open, who was told, and answering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(rich_markup_mode="rich")
LIST = "[bold]Examples[/]\n\n  analytics alerts list\n  analytics alerts list --days 30 --all"
ACK = "[bold]Example[/]\n\n  analytics alerts ack 20261120-0905-github-stars --note 'release day'"
SNOOZE = "[bold]Example[/]\n\n  analytics alerts snooze 20261120-0905-github-stars --hours 4"
By = Annotated[str, typer.Option(help="Who answers.", envvar="USER")]


@app.command("list", epilog=LIST)
def list_(
    days: Annotated[float, typer.Option(min=0.01, max=400, help="How far back.")] = 7,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """Incidents, the newest first, with who was told and who answered."""
    from analytics.alerts import events, history
    from analytics.alerts.rules import by_key
    from analytics.settings import load_settings
    from analytics.store import open_store

    since = datetime.now(UTC) - timedelta(days=days)
    with open_store(load_settings()) as store:
        found = events.load(store, since=since, open_only=not every)
        told = history.load(store, since=since)
    table = Table(
        "incident", "severity", "begun (UTC)", "state", "told", "answered", "what", box=None, header_style="bold"
    )
    groups = sorted(by_key(found).items(), key=lambda item: item[1][0].start, reverse=True)
    for key, group in groups:
        first = group[0]
        channels = sorted(
            {entry.channel for entry in told if entry.key.split("!")[0] == key and entry.status == "sent"}
        )
        answered = next((event.acknowledged_by for event in group if event.acknowledged_by), "")
        more = f" (+{len(group) - 1})" if len(group) > 1 else ""
        state = "open" if any(event.is_open for event in group) else "over"
        said = f"{first.series}{more}: {first.reason}"
        row = (key, first.severity, f"{first.start:%Y-%m-%d %H:%M}", state, ", ".join(channels), answered or "", said)
        table.add_row(*row)
    console = Console(soft_wrap=not Console().is_terminal, highlight=False)
    console.print(table if groups else "No incidents.")


@app.command(epilog=ACK)
def ack(
    incident: Annotated[str, typer.Argument(help="As `analytics alerts list` shows it.")],
    by: By = "somebody",
    note: Annotated[str, typer.Option(help="What is known about it.")] = "",
) -> None:
    """Acknowledge an incident: nobody is told again, and it does not escalate."""
    said: dict[str, object] = {"acknowledged_by": by, "acknowledged_at": datetime.now(UTC).isoformat(), "note": note}
    _annotate(incident, said)
    Console().print(f"{incident}: acknowledged by {by}", highlight=False)


@app.command(epilog=SNOOZE)
def snooze(
    incident: Annotated[str, typer.Argument(help="As `analytics alerts list` shows it.")],
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 30, help="How long.")] = 4,
) -> None:
    """Say nothing about an incident for some hours."""
    until = datetime.now(UTC) + timedelta(hours=hours)
    _annotate(incident, {"snoozed_until": until.isoformat()})
    Console().print(f"{incident}: silent until {until:%Y-%m-%d %H:%M} UTC", highlight=False)


@app.command("test")
def try_channel(channel: Annotated[str, typer.Argument(help="A name below `channels` in params/alerts.yaml.")]) -> None:
    """Send a test message to one channel."""
    from analytics.alerts.delivery import send
    from analytics.alerts.incidents import Incident
    from analytics.alerts.rules import Notice
    from analytics.errors import AnalyticsError, InputError
    from analytics.model import SeriesKey
    from analytics.params import load_params
    from analytics.settings import credential, load_settings

    channels = load_params(load_settings().params_dir).alerts.channels
    if channel not in channels:
        raise InputError(f"channel {channel!r}: params/alerts.yaml has {', '.join(channels) or 'none'}")
    event = Incident(datetime.now(UTC), SeriesKey("test", "message"), "test", "low", reason="This is a test.")
    answer = send(Notice("test", channel, "test", "low", (event,)), channels, credential)
    if answer.error:
        raise AnalyticsError(answer.error)
    Console().print(f"{channel}: taken", highlight=False)


def _annotate(incident: str, said: dict[str, object]) -> None:
    from analytics.alerts.events import annotate
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        annotate(store, incident, **said)
