"""`analytics budget …`: what collecting will cost, and what it has cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from analytics.cli.screen import Console

app = typer.Typer(rich_markup_mode="rich")

PLAN_EXAMPLES = """[bold]Examples[/]

  analytics budget plan
  analytics budget plan --contents 50
"""
STATUS_EXAMPLE = """[bold]Example[/]

  analytics budget status
"""


@app.command(epilog=PLAN_EXAMPLES)
def plan(
    contents: Annotated[int, typer.Option(min=0, max=5000, help="Newest contents read per account.")] = 200,
) -> None:
    """Units and dollars each platform's schedule will cost, before it starts; exit 1 if a budget will not hold."""
    from analytics.jobs.collecting import spending
    from analytics.params.files import load_params
    from analytics.settings import load_settings

    planned = spending.plan(load_params(load_settings().params_dir), contents=contents)
    console = Console(highlight=False)
    table = _table("platform", "rounds a day", "units a day", "of", "USD a month", "of", "")
    for p in planned:
        units = f"{p.per_day.units:,.0f} {p.unit}"
        held = "over budget" if p.is_over else ""
        limits = (_limit(p.budget.units_per_day), f"{p.usd_per_month:,.2f}", _limit(p.budget.usd_per_month))
        table.add_row(p.platform, f"{p.rounds_per_day:,.4g}", units, *limits, held)
    console.print(table)
    for p in planned:
        if p.too_often:
            console.print(f"{p.platform}: {', '.join(p.too_often)} can change once a day and need no more than that")
    if any(p.is_over for p in planned):
        console.print("Over budget, a round leaves out competitors' contents first, then ours, then accounts.")
        raise typer.Exit(1)


@app.command(epilog=STATUS_EXAMPLE)
def status() -> None:
    """What was spent today and this month, by the ledger; exit 1 if a budget is used up."""
    from analytics.jobs.collecting.budget import balances
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with open_store(settings) as store:
        found = balances(settings, store, at=datetime.now(UTC))
    table = _table("platform", "units today", "of", "USD this month", "of", "")
    for b in found:
        used = "used up" if b.is_over else ""
        limits = (_limit(b.units_per_day), f"{b.usd_this_month:,.2f}", _limit(b.usd_per_month))
        table.add_row(b.platform, f"{b.units_today:,.0f}", *limits, used)
    Console(highlight=False).print(table)
    if any(b.is_over for b in found):
        raise typer.Exit(1)


def _table(*names: str) -> Table:
    table = Table(*names, box=None, header_style="bold")
    for column in table.columns[1:-1]:
        column.justify = "right"
    return table


def _limit(value: float | None) -> str:
    return "no limit" if value is None else f"{value:,.0f}"
