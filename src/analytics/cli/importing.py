"""`analytics import`: history from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from analytics.ingest import ImportSpec
    from analytics.jobs.collecting.importing import Imported

EXAMPLES = """[bold]Examples[/]

  analytics import mentions.csv --platform twitter --metric mentions --account AAPL
  analytics import '*.csv.gz' --platform twitter --metric mentions --account '{stem}'
  analytics import export.csv --platform youtube --metric views --account acme --time-column Date \\
      --value-column Views --timezone Europe/Berlin --time-format '%d.%m.%Y' --delimiter ';'
"""


def import_(
    files: Annotated[list[str], typer.Argument(help="CSV, gzipped CSV or Parquet; patterns as in 'data/*.csv'.")],
    platform: Annotated[str, typer.Option(help="The platform the figures come from, for example twitter.")],
    metric: Annotated[str, typer.Option(help="What was counted, for example mentions.")],
    account: Annotated[str, typer.Option(help="Whose figures; {stem} stands for the file's name.")] = "",
    content_id: Annotated[str, typer.Option(help="The post, video or episode; none for an account's figures.")] = "",
    content_type: Annotated[str, typer.Option(help="Kind of the content, for example video.")] = "",
    time_column: Annotated[str, typer.Option(help="Column of the times.")] = "timestamp",
    value_column: Annotated[str, typer.Option(help="Column of the values.")] = "value",
    timezone: Annotated[str, typer.Option(help="Zone of times that name no offset, an IANA name.")] = "UTC",
    time_format: Annotated[str, typer.Option(help="iso, unix, unix_ms, unix_us or a strptime pattern.")] = "iso",
    ambiguous: Annotated[
        str, typer.Option(help="Times that happen twice when clocks go back: error, first or second.")
    ] = "error",
    delimiter: Annotated[str, typer.Option(help="What separates the columns of a CSV.")] = ",",
    quarantine_bad_rows: Annotated[
        bool, typer.Option("--quarantine-bad-rows", help="Set unreadable rows aside instead of refusing the file.")
    ] = False,
) -> None:
    """Load history from files: all of them, or on any fault nothing. Loading the same rows again changes nothing."""
    from analytics.errors import InputError
    from analytics.ingest import ImportSpec
    from analytics.ingest.columns import TimeReading

    if ambiguous not in ("error", "first", "second"):
        raise InputError(f"ambiguous {ambiguous!r}: expected error, first or second")
    if len(delimiter := delimiter.replace("\\t", "\t")) != 1:
        raise InputError(f"delimiter {delimiter!r}: expected one character")
    spec = ImportSpec(
        platform=platform,
        metric=metric,
        account=account,
        content_id=content_id,
        content_type=content_type,
        time_column=time_column,
        value_column=value_column,
        times=TimeReading(timezone, time_format, ambiguous),  # type: ignore[arg-type]
        delimiter=delimiter,
        quarantine_bad_rows=quarantine_bad_rows,
    )
    _run([path for name in files for path in _expanded(name)], spec)


import_.__doc__ = f"{import_.__doc__}\n\n{EXAMPLES}"


def _expanded(name: str) -> list[Path]:
    """A pattern's files in the order of their names; the name itself where nothing matches."""
    import glob

    found = sorted(glob.glob(name))  # noqa: PTH207 Path.glob refuses absolute patterns
    return [Path(name)] if Path(name).exists() else [Path(n) for n in found] or [Path(name)]


def _run(paths: list[Path], spec: ImportSpec) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from analytics.ingest.files import sniff
    from analytics.jobs.collecting.importing import import_files
    from analytics.settings import load_settings
    from analytics.store import open_store

    for path in paths:
        sniff(path)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        open_store(load_settings()) as store,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars,
    ):
        task = bars.add_task("importing", total=sum(path.stat().st_size for path in paths))
        imported = import_files(store, paths, spec, on_bytes=lambda n: bars.advance(task, n))
    _show(console, imported)


def _show(console: Console, imported: Imported) -> None:
    from rich.table import Table

    counts = ["read", "written", "duplicate", "quarantined"]
    counts += [count for count in ("corrected", "late", "unknown") if imported.total(count)]
    table = Table("file", *counts, box=None, pad_edge=False, header_style="bold")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    for path, result in imported.results.items():
        table.add_row(path.name, *(f"{getattr(result, count):,}" for count in counts))
    if len(imported.results) > 1:
        table.add_row("together", *(f"{imported.total(count):,}" for count in counts), style="bold")
    console.print(table)
    console.print(f"{imported.seconds:.2f} s, {imported.rows_per_second:,.0f} rows/s", highlight=False)
    if imported.total("quarantined"):
        console.print("See the rows set aside: analytics quarantine list", highlight=False)
