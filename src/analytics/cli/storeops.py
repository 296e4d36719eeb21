"""`analytics status`, `analytics sync`, and `analytics db backup|restore|upgrade`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from analytics.cli.screen import Console
    from analytics.store.overview import Overview

SYNC_EXAMPLES = """[bold]Examples[/]

  analytics sync
"""
STATUS_EXAMPLES = """[bold]Examples[/]

  analytics status
  analytics status --series --platform youtube
"""
BACKUP_EXAMPLES = """[bold]Examples[/]

  analytics db backup traffic-2026-11-20.dump
"""
RESTORE_EXAMPLES = """[bold]Examples[/]

  ANALYTICS_HOME=elsewhere analytics db restore traffic-2026-11-20.dump
"""


def sync() -> None:
    """Bring platforms, accounts, baselines, definitions and alert rules in the store to what params say."""
    from analytics.cli.screen import Console
    from analytics.jobs.sync import sync_params
    from analytics.params.files import load_params
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    params = load_params(settings.params_dir)
    with open_store(settings) as store:
        changes = sync_params(store, params)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for change in changes:
        console.print(str(change))
    console.print(f"{len(changes)} changes" if changes else "The store says what params say.")


def status(
    series: Annotated[bool, typer.Option("--series", help="Newest reading of each series, the stalest first.")] = False,
    platform: Annotated[str | None, typer.Option(help="With --series: this platform only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="With --series: how many to show.")] = 40,
) -> None:
    """What the store holds: sizes, tiers, freshness, last collections, what waits."""
    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import open_store
    from analytics.store.overview import freshness, overview

    console = Console(highlight=False, markup=False)
    with open_store(load_settings()) as store:
        if aside := store.set_future_aside():
            console.print(f"{aside} readings dated in the future were set aside: `analytics quarantine list`")
        with store.begin() as connection:
            if series:
                _show_freshness(console, freshness(connection, platform=platform, limit=limit), datetime.now(UTC))
            else:
                _show(console, overview(connection))


def backup(path: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Write the whole database into one compressed file. The archive's Parquet files are copied apart."""
    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store.server import backup as backups
    from analytics.store.server.supervisor import database_url

    size = backups.backup(database_url(load_settings()), path)
    Console(highlight=False, soft_wrap=True).print(f"{path}: {size / 1e6:.1f} MB")


def restore(path: Annotated[Path, typer.Argument(help="A file `analytics db backup` wrote.")]) -> None:
    """Read a backup into an empty database: all of it, or nothing."""
    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store.server import backup as backups
    from analytics.store.server.supervisor import database_url

    counts = backups.restore(database_url(load_settings()), path)
    Console(highlight=False).print(", ".join(f"{rows:,} {table}" for table, rows in counts.items()))


def upgrade() -> None:
    """Bring the database's schema to this program's version; every other command does it by itself."""
    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import migrate
    from analytics.store.engine import engine_for

    engine = engine_for(load_settings())
    before = migrate.upgrade(engine)
    engine.dispose()
    said = "is already" if before == migrate.HEAD else f"was {before or 'empty'}, is now"
    Console(highlight=False).print(f"schema {said} {migrate.HEAD}")


sync.__doc__ = f"{sync.__doc__}\n\n{SYNC_EXAMPLES}"
status.__doc__ = f"{status.__doc__}\n\n{STATUS_EXAMPLES}"
backup.__doc__ = f"{backup.__doc__}\n\n{BACKUP_EXAMPLES}"
restore.__doc__ = f"{restore.__doc__}\n\n{RESTORE_EXAMPLES}"


def _show(console: Console, found: Overview) -> None:
    from rich.table import Table

    days = f"{found.hot_days[0]} to {found.hot_days[-1]}" if found.hot_days else "none"
    tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(found.tier_days.items())) or "none"
    console.print(f"schema {found.schema}, database {found.database_bytes / 1e6:,.1f} MB")
    console.print(
        f"hot: {len(found.hot_days)} days ({days}), about {found.hot_points:,} points, {found.hot_bytes / 1e6:,.1f} MB"
    )
    console.print(f"further down (platform days): {tiers}; archive {found.archived_bytes / 1e6:,.1f} MB")
    console.print(f"waiting: {found.backlog_hours} hours to roll up, {found.quarantined} rows in quarantine")
    table = Table("platform", "series", "from", "newest (UTC)", box=None, pad_edge=False, header_style="bold")
    for row in found.platforms.to_dict("records"):
        first, last = row["first_time"], row["last_time"]
        table.add_row(row["platform"], str(row["series"]), f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d %H:%M}")
    console.print(table)
    table = Table(
        "last collection", "by", "at (UTC)", "outcome", "written", box=None, pad_edge=False, header_style="bold"
    )
    for row in found.collections.to_dict("records"):
        name = f"{row['platform']} {row['account']}"
        when = f"{row['started_at']:%Y-%m-%d %H:%M}"
        table.add_row(name, row["method"], when, row["outcome"], str(row["rows_written"]))
    console.print(table)


def _show_freshness(console: Console, rows: pd.DataFrame, now: datetime) -> None:
    from rich.table import Table

    from analytics.model import SeriesKey

    table = Table("series", "newest (UTC)", "hours ago", box=None, pad_edge=False, header_style="bold")
    for row in rows.to_dict("records"):
        key = SeriesKey(*(str(row[name]) for name in ("platform", "metric_type", "content_id", "author_id")))
        hours = (now - row["last_time"]).total_seconds() / 3600
        table.add_row(str(key), f"{row['last_time']:%Y-%m-%d %H:%M}", f"{hours:,.1f}")
    console.print(table if len(rows) else "No series has a reading.")
    if len(rows) and (more := int(rows["of_series"].iloc[0]) - len(rows)):
        console.print(f"{more:,} fresher series not shown: --limit")
