"""`analytics quarantine …`: rows that could not be stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(rich_markup_mode="rich")

LIST_EXAMPLES = """[bold]Examples[/]

  analytics quarantine list
  analytics quarantine list --platform twitter --limit 100
  analytics quarantine list --all
"""
SHOW_EXAMPLES = """[bold]Examples[/]

  analytics quarantine show 12
"""
CORRECT_EXAMPLES = """[bold]Examples[/]

  analytics quarantine correct 12
"""
DISMISS_EXAMPLES = """[bold]Examples[/]

  analytics quarantine dismiss 12 13
"""
REPLAY_EXAMPLES = """[bold]Examples[/]

  analytics quarantine replay --all
  analytics quarantine replay 12 13
"""


@app.command(name="list", epilog=LIST_EXAMPLES)
def list_(
    platform: Annotated[str | None, typer.Option(help="Only this platform's rows.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Newest rows shown.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Also rows that were replayed.")] = False,
) -> None:
    """Rows kept out, newest first, each with its reason."""
    from rich.markup import escape
    from rich.table import Table

    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        rows = store.quarantine_list(platform=platform, include_replayed=everything, limit=limit)
    console = Console()
    if rows.empty:
        console.print("Quarantine is empty.")
        return
    table = Table("id", "since (UTC)", "platform", "metric", "source", "reason", box=None, header_style="bold")
    for row in rows.to_dict("records"):
        when = f"{row['quarantined_at']:%Y-%m-%d %H:%M}"
        line = f"{row['source']} line {row['raw']['line']}" if "line" in row["raw"] else row["source"]
        done = "" if row["replayed_at"] is None else "dismissed: " if row["replayed_by"] is None else "replayed: "
        table.add_row(
            str(row["quarantine_id"]), when, row["platform"], row["metric_type"], line, escape(done + row["reason"])
        )
    console.print(table)


@app.command(epilog=SHOW_EXAMPLES)
def show(quarantine_id: Annotated[int, typer.Argument(help="Number of the row, as `list` shows it.")]) -> None:
    """One row as it came, as JSON."""
    import json

    from analytics.cli.screen import Console
    from analytics.errors import InputError
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        rows = store.quarantine_list(include_replayed=True)
    found = rows[rows["quarantine_id"] == quarantine_id]
    if found.empty:
        raise InputError(f"quarantine {quarantine_id}: no such row; `analytics quarantine list --all` shows them")
    row = found.iloc[0]
    console = Console(markup=False, soft_wrap=True)
    console.print(f"{row['reason']}\nfrom {row['source'] or row['platform']}, collection {row['collection_id']}")
    console.print(json.dumps(row["raw"], indent=2, ensure_ascii=False))


@app.command(epilog=CORRECT_EXAMPLES)
def correct(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers of rows, as `list` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row that waits for this.")] = False,
) -> None:
    """Merge readings of days whose raw readings have left into those days' rollups, each at most once.

    Only for readings you know to be new: whether a rollup holds one already cannot be told any more.
    """
    from analytics.cli.screen import Console
    from analytics.errors import InputError
    from analytics.settings import load_settings
    from analytics.store import open_store

    if bool(ids) == everything:
        raise InputError("quarantine correct: name rows, or say --all")
    with open_store(load_settings()) as store:
        result = store.quarantine_correct(ids)
    Console().print(f"{result.written} merged, {result.duplicate} merged before, {result.quarantined} refused")


@app.command(epilog=REPLAY_EXAMPLES)
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers of rows, as `list` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row that waits.")] = False,
) -> None:
    """Offer rows to the write path again: after a clock, a definition or a rule was put right.

    A webhook's body is counted as it stands: an unsigned mail as if it were signed.
    """
    from analytics.cli.screen import Console
    from analytics.errors import InputError
    from analytics.jobs.collecting.inbox import let_in
    from analytics.settings import load_settings
    from analytics.store import open_store

    if bool(ids) == everything:
        raise InputError("quarantine replay: name rows, or say --all")
    with open_store(load_settings()) as store:
        waiting = set(store.quarantine_list()["quarantine_id"])
        if missing := sorted(set(ids or ()) - waiting):
            raise InputError(f"quarantine {missing[0]}: no such row waits; `analytics quarantine list` shows them")
        bodies = let_in(store, ids)
        readings = store.quarantine_list()
        is_reading = [("inbox_id" not in raw) and (not ids or i in ids) for i, raw in _numbered(readings)]
        chosen = readings["quarantine_id"][is_reading].tolist()
        result = store.quarantine_replay(chosen)
    if bodies.bodies:
        Console().print(
            f"{bodies.bodies} webhook bodies: {bodies.events} events counted, {len(bodies.problems)} still set aside"
        )
    if chosen or not bodies.bodies:
        Console().print(
            f"{result.read} replayed: {result.written} written, {result.corrected} corrected, "
            f"{result.duplicate} duplicate, {result.unknown} unknown, {result.quarantined} still refused"
        )


@app.command(epilog=DISMISS_EXAMPLES)
def dismiss(ids: Annotated[list[int], typer.Argument(help="Numbers of rows, as `list` shows them.")]) -> None:
    """Say that rows need nothing more: they stay out of the figures, and no list or health check names them."""
    from analytics.cli.screen import Console
    from analytics.errors import InputError
    from analytics.settings import load_settings
    from analytics.store import open_store, set_aside

    with open_store(load_settings()) as store:
        if missing := sorted(set(ids) - set(store.quarantine_list()["quarantine_id"])):
            raise InputError(f"quarantine {missing[0]}: no such row waits; `analytics quarantine list` shows them")
        with store.begin() as connection:
            set_aside.dismiss(connection, ids)
    Console().print(f"{len(set(ids))} dismissed")


def _numbered(rows: pd.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    return zip(rows["quarantine_id"].tolist(), rows["raw"], strict=True)
