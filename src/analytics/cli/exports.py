"""`analytics import-export`: files downloaded from platforms' dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analytics.jobs.collecting.exports import ImportedExport

EXAMPLES = """[bold]Examples[/]

  analytics import-export 'Content 2026-10-01_2026-11-01 Acme.zip' --account @acme
  analytics import-export acme_content_1763596800.xlsx --account acme
  analytics import-export Nov-01-2026_Nov-20-2026.csv --date-order mdy
  analytics import-export stats.csv --platform medium --account @acme --at 2026-11-20T18:00:00Z
"""


def import_export(
    files: Annotated[list[Path], typer.Argument(help="As downloaded: CSV, xlsx or zip.")],
    account: Annotated[str, typer.Option(help="Whose figures, where the file does not say.")] = "",
    platform: Annotated[str | None, typer.Option(help="Whose file, where its header does not tell.")] = None,
    at: Annotated[
        str | None, typer.Option(help="When it was downloaded, ISO 8601.", show_default="by name or date of the file")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Zone of the file's days, an IANA name.", show_default="the platform's")
    ] = None,
    date_order: Annotated[
        str | None, typer.Option(help="dmy or mdy for dates such as 03/04/2026.", show_default="as the file tells")
    ] = None,
) -> None:
    """Load files downloaded from YouTube Studio, LinkedIn, Meta Business Suite, X, Medium or Substack.

    Each is known by its header, in English, German, French, Spanish or Portuguese; all are stored, or on any fault
    none. The same file again changes nothing.
    """
    from analytics.cli.collect import moment
    from analytics.errors import InputError
    from analytics.jobs.collecting.exports import import_exports
    from analytics.settings import load_settings
    from analytics.store import open_store

    if date_order not in (None, "dmy", "mdy"):
        raise InputError(f"date order {date_order!r}: expected dmy or mdy")
    when = moment(at) if at else None
    with open_store(load_settings()) as store:
        done = import_exports(
            store,
            files,
            account=account,
            platform=platform,
            at=when,
            zone=timezone,
            order=date_order,  # type: ignore[arg-type]
        )
    _show(done)


import_export.__doc__ = f"{import_export.__doc__}\n\n{EXAMPLES}"


def _show(done: list[ImportedExport]) -> None:
    from rich.table import Table

    from analytics.cli.screen import Console

    console = Console(highlight=False)
    rare = ("duplicate", "corrected", "quarantined", "unknown")
    counts = ("read", "written", *(count for count in rare if any(one.total(count) for one in done)))
    table = Table("file", "recognised as", *counts, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[2:]:
        column.justify = "right"
    for one in done:
        table.add_row(one.path.name, "\n".join(one.export.tables), *(f"{one.total(count):,}" for count in counts))
    console.print(table)
    for one in done:
        for place in one.export.passed_over:
            console.print(f"passed over, no known header: {place}", markup=False, soft_wrap=True)
        for unread in one.export.unread:
            console.print(f"not read, no known figure: {unread}", markup=False, soft_wrap=True)
