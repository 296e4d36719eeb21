"""`analytics alerts …`: what is open, who was told, and answering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from analytics.cli.screen import Console
from analytics.errors import InputError

if TYPE_CHECKING:
    from analytics.store.remarks import Kind

app = typer.Typer(rich_markup_mode="rich")
HEADS = ("severity", "begun (UTC)", "state", "told", "answered", "what")
LIST = "[bold]Examples[/]\n\n  analytics alerts list\n  analytics alerts list --days 30 --all"
BUDGET = "[bold]Examples[/]\n\n  analytics alerts budget\n  analytics alerts budget --choose --days 14"
BREAKOUTS = "[bold]Examples[/]\n\n  analytics alerts breakouts\n  analytics alerts breakouts --days 7"
ACK = "[bold]Example[/]\n\n  analytics alerts ack 20261120-0905-github-acme-stars-above --note 'release day'"
SNOOZE = "[bold]Example[/]\n\n  analytics alerts snooze 20261120-0905-github-acme-stars-above --hours 4"
EXAMPLE = "[bold]Example[/]\n\n  analytics alerts {} 20261120-0905-github-acme-stars-above{}"
By = Annotated[str, typer.Option(help="Who answers.", envvar="USER")]
Key = Annotated[str, typer.Argument(help="As `analytics alerts list` shows it.", metavar="INCIDENT")]
Note = Annotated[str, typer.Option(help="What is known about it.")]


@app.command("list", epilog=LIST)
def list_(
    days: Annotated[float, typer.Option(min=0.01, max=400, help="How far back.")] = 7,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """Incidents, the newest first, with who was told and who answered; piped, a tabbed line each."""
    from analytics.alerts import events, history
    from analytics.alerts.rules import by_key
    from analytics.settings import load_settings
    from analytics.store import open_store

    since = datetime.now(UTC) - timedelta(days=days)
    with open_store(load_settings()) as store:
        found = events.load(store, since=since, open_only=not every)
        told = history.load(store, since=since)
    rows: list[tuple[str, ...]] = []
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
        when = f"{first.start:%Y-%m-%d %H:%M}"
        rows.append((key, first.severity, when, state, ", ".join(channels), answered or "", said))
    show(rows, Console(highlight=False, markup=False))


def show(rows: Sequence[tuple[str, ...]], console: Console) -> None:
    """Incidents as a table whose keys stay whole, as `ack` needs them; a tabbed line each where output is piped."""
    if not rows:
        console.print("No incidents.")
    elif not console.is_terminal:
        for row in rows:
            console.file.write("\t".join(" ".join(field.split()) for field in row) + "\n")  # Console expands tabs
    else:
        table = Table(Column("incident", no_wrap=True, overflow="fold"), *HEADS, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        console.print(table)


@app.command(epilog=BREAKOUTS)
def breakouts(
    days: Annotated[float, typer.Option(min=0.1, max=400, help="How far back.")] = 30,
    platforms: Annotated[str | None, typer.Option(help="Names, comma-separated; none: all.")] = None,
) -> None:
    """Contents that had far more than their account's earlier ones at the same age, the newest first."""
    from analytics.definitions import definitions_of
    from analytics.monitoring import breakouts as viral
    from analytics.params.files import load_params
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings, now = load_settings(), datetime.now(UTC)
    known = definitions_of(load_params(settings.params_dir))
    chosen = platforms.split(",") if platforms else None
    with open_store(settings) as store:
        found = viral.breakouts(store, known, now - timedelta(days=days), now, platforms=chosen)
    table = Table("told (UTC)", "content", "times usual", "what", box=None, header_style="bold")
    for entry in reversed(found):
        when = f"{entry.event.confirmed_at:%Y-%m-%d %H:%M}"
        table.add_row(when, entry.title, f"{entry.ratio:.1f}", f"{entry.key}: {entry.event.reason}")
    console = Console(soft_wrap=not Console().is_terminal, highlight=False, markup=False)
    console.print(table if found else "No content broke out.")


@app.command(epilog=BUDGET)
def budget(
    choose: Annotated[
        bool, typer.Option("--choose", help="Choose the levels anew first, as the schedule does.")
    ] = False,
    days: Annotated[float, typer.Option(min=1, max=400, help="How far back alerts are counted as seen.")] = 28,
    limit: Annotated[int, typer.Option(min=1, help="How many series to show.")] = 40,
) -> None:
    """Alerts a week of each series: allowed, expected at its thresholds, and really seen; the loudest first."""
    from analytics.jobs.watching import levels
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with open_store(settings) as store:
        if choose:
            levels.choose(settings, store)
        found = levels.budgeted(store, days=days)
    console = Console(highlight=False, markup=False)
    rows = [entry.row() for entry in found[:limit]]
    if rows:
        table = Table(*rows[0], box=None, header_style="bold")
        for row in rows:
            table.add_row(*row.values())
        console.print(table)
    console.print(levels.said(found), soft_wrap=True)
    if len(found) > limit:
        console.print(f"{len(found) - limit:,} quieter series not shown: --limit")


@app.command(epilog=ACK)
def ack(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """Acknowledge an incident: nobody is told again, and it does not escalate."""
    _answer(incident, "acknowledged", by, note, acknowledged_by=by, acknowledged_at=datetime.now(UTC).isoformat())


@app.command(epilog=SNOOZE)
def snooze(
    incident: Key,
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 30, help="How long.")] = 4,
    by: By = "somebody",
    note: Note = "",
) -> None:
    """Say nothing about an incident for some hours."""
    until = datetime.now(UTC) + timedelta(hours=hours)
    _answer(incident, "snoozed", by, note, f" until {until:%Y-%m-%d %H:%M} UTC", snoozed_until=until.isoformat())


@app.command(epilog=EXAMPLE.format("mute", " --note 'load test'"))
def mute(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """Say nothing about an incident again."""
    _answer(incident, "muted", by, note, muted=True)


@app.command(epilog=EXAMPLE.format("unmute", ""))
def unmute(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """Take a mute, a snooze or a rejection's silence back."""
    _answer(incident, "unmuted", by, note, muted=False, snoozed_until=None, verdict=None)


@app.command(epilog=EXAMPLE.format("confirm", " --note 'the launch'"))
def confirm(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """It was real: baselines do not learn from it, and thresholds may fall a little."""
    _answer(incident, "confirmed", by, note, verdict="confirmed")


@app.command(epilog=EXAMPLE.format("reject", " --note 'a holiday'"))
def reject(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """It was nothing: silence, and the thresholds of its series rise a little."""
    _answer(incident, "rejected", by, note, verdict="rejected")


@app.command(epilog=EXAMPLE.format("resolve", " --note 'feed repaired'"))
def resolve(incident: Key, by: By = "somebody", note: Note = "") -> None:
    """Close an incident, with who did it and how."""
    from analytics.alerts import events
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        closed = events.resolve(store, incident, by=by, at=datetime.now(UTC), resolution=note)
    Console().print(f"{incident}: {closed} events resolved by {by}" if closed else f"{incident}: resolved before")


@app.command(epilog=EXAMPLE.format("note", " 'the newsletter went out twice'"))
def note(incident: Key, text: Annotated[str, typer.Argument(help="What is known.")], by: By = "somebody") -> None:
    """Write a remark to an incident; reports of its month show it."""
    _answer(incident, "note", by, text)


def annotate(
    text: Annotated[str, typer.Argument(help="What happened.")],
    start: Annotated[str, typer.Option("--from", help="Date or time, ISO 8601; without a zone: UTC.")],
    end: Annotated[str | None, typer.Option("--to", help="Date or time; none: that day, or that moment.")] = None,
    platform: Annotated[str, typer.Option(help="None: every platform.")] = "",
    metric: Annotated[str, typer.Option(help="None: every metric.")] = "",
    account: Annotated[str, typer.Option(help="None: every account.")] = "",
    by: By = "somebody",
) -> None:
    """Write a remark to a stretch of time; reports show it beside what happened then.

    Examples

      analytics annotate 'campaign Autumn' --from 2026-10-05 --to 2026-10-09 --platform youtube
      analytics annotate 'press release' --from 2026-10-07T09:30
    """
    from analytics.model import SeriesKey
    from analytics.settings import load_settings
    from analytics.store import open_store
    from analytics.store.remarks import Annotation, add

    first, last = _moment(start, end_of_day=False), _moment(end or start, end_of_day=True)
    key = SeriesKey(platform, metric, "", account)
    said = Annotation(key, first, last, "note", text, by, datetime.now(UTC))
    with open_store(load_settings()) as store:
        for what, name, column in (("platform", platform, "platform"), ("metric", metric, "metric_type")):
            known = set(store.series()[column])
            if name and name not in known:
                raise InputError(f"{what} {name!r}: nothing stored under that name; stored: {', '.join(sorted(known))}")
        with store.begin() as connection:
            add(connection, [said])
    Console(highlight=False).print(f"noted for {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC")


def _moment(text: str, *, end_of_day: bool) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"time {text!r}: expected ISO 8601, for example 2026-10-05 or 2026-10-05T09:30") from exc
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at + timedelta(days=1) if end_of_day and len(text) == len("2026-10-05") else at


@app.command("test")
def try_channel(channel: Annotated[str, typer.Argument(help="A name below `channels` in params/alerts.yaml.")]) -> None:
    """Send a test message to one channel."""
    from analytics.alerts.delivery import send
    from analytics.alerts.incidents import Incident
    from analytics.alerts.rules import Notice
    from analytics.errors import AnalyticsError
    from analytics.model import SeriesKey
    from analytics.params.files import load_params
    from analytics.settings import credential, load_settings

    channels = load_params(load_settings().params_dir).alerts.channels
    if channel not in channels:
        raise InputError(f"channel {channel!r}: params/alerts.yaml has {', '.join(channels) or 'none'}")
    event = Incident(datetime.now(UTC), SeriesKey("test", "message"), "test", "low", reason="This is a test.")
    answer = send(Notice("test", channel, "test", "low", (event,)), channels, credential)
    if answer.error:
        raise AnalyticsError(answer.error)
    Console().print(f"{channel}: taken", highlight=False)


def _answer(incident: str, kind: Kind, by: str, note: str, more: str = "", **said: object) -> None:
    from analytics.alerts.events import answer
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        answer(store, incident, kind, by=by, at=datetime.now(UTC), note=note, **said)
    Console(highlight=False).print(f"{incident}: {kind} by {by}{more}")
