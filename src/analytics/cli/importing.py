"""`analytics import`: history from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analytics.cli.screen import Console
    from analytics.ingest import ImportSpec
    from analytics.jobs.collecting.importing import Imported

EXAMPLES = """[bold]Examples[/]

  analytics import mentions.csv --platform twitter --metric mentions --account AAPL
  analytics import '*.csv.gz' --platform twitter --metric mentions --account '{stem}'
  analytics import export.csv --platform youtube --metric views --account acme --time-column Date \\
      --value-column Views --timezone Europe/Berlin --time-format '%d.%m.%Y' --delimiter ';'
"""


def import_(
    files: Annotated[
        list[str] | None, typer.Argument(help="CSV, gzipped CSV or Parquet; patterns as in 'data/*.csv'.")
    ] = None,
    platform: Annotated[str, typer.Option(help="The platform the figures come from, for example twitter.")] = "",
    metric: Annotated[str, typer.Option(help="What was counted, for example mentions.")] = "",
    account: Annotated[str, typer.Option(help="Whose figures; {stem} stands for the file's name.")] = "",
    account_column: Annotated[str, typer.Option(help="Column that names each row's account.")] = "",
    content_id: Annotated[str, typer.Option(help="The post, video or episode; none for an account's figures.")] = "",
    content_type: Annotated[str, typer.Option(help="Kind of the content, for example video.")] = "",
    time_column: Annotated[str, typer.Option(help="Column of the times.")] = "timestamp",
    value_column: Annotated[str, typer.Option(help="Column of the values.")] = "value",
    timezone: Annotated[str, typer.Option(help="Zone of times that name no offset, an IANA name.")] = "UTC",
    time_format: Annotated[str, typer.Option(help="iso, unix, unix_ms, unix_us or a strptime pattern.")] = "iso",
    ambiguous: Annotated[
        str, typer.Option(help="Times that happen twice when clocks go back: error, first or second.")
    ] = "error",
    delimiter: Annotated[
        str, typer.Option(help="What separates the columns of a CSV.", show_default="as in the header")
    ] = "",
    decimal: Annotated[str, typer.Option(help="Decimal mark, . or ,.", show_default="as in the values")] = "",
    quarantine_bad_rows: Annotated[
        bool, typer.Option("--quarantine-bad-rows", help="Set unreadable rows aside instead of refusing the file.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Begin a platform or metric that is not known yet.")] = False,
    undo: Annotated[int | None, typer.Option(help="Take back the import of this number.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the newest imports with their numbers.")] = False,
) -> None:
    """Load history from files: all of them, or on any fault nothing. Loading the same rows again changes nothing."""
    from analytics.errors import InputError
    from analytics.ingest import ImportSpec
    from analytics.ingest.columns import TimeReading

    if list_ or undo is not None:
        return _undo(undo) if undo is not None else _list()
    for name, given in (("FILES", files), ("--platform", platform), ("--metric", metric)):
        if not given:
            raise InputError(f"{name}: is missing; `analytics import --help` shows examples")
    if decimal not in ("", ".", ","):
        raise InputError(f"--decimal {decimal!r}: expected . or ,")
    if account and account_column:
        raise InputError("give --account or --account-column, not both")
    if ambiguous not in ("error", "first", "second"):
        raise InputError(f"--ambiguous {ambiguous!r}: expected error, first or second")
    if len(delimiter := delimiter.replace("\\t", "\t")) > 1:
        raise InputError(f"--delimiter {delimiter!r}: expected one character")
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
        decimal=decimal,
        account_column=account_column,
        quarantine_bad_rows=quarantine_bad_rows,
    )
    return _run([path for name in files or () for path in _expanded(name)], spec, is_new=new)


import_.__doc__ = f"{import_.__doc__}\n\n{EXAMPLES}"


def _expanded(name: str) -> list[Path]:
    """A pattern's files in the order of their names; the name itself where nothing matches."""
    import glob

    found = sorted(glob.glob(name))  # noqa: PTH207 Path.glob refuses absolute patterns
    return [Path(name)] if Path(name).exists() else [Path(n) for n in found] or [Path(name)]


def _undo(number: int) -> None:
    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import open_store
    from analytics.store.undo import undo

    with open_store(load_settings()) as store:
        with store.begin() as connection:
            done = undo(connection, number)
        store.roll_up()
    Console(highlight=False).print(
        f"import {number} undone: {done.removed:,} readings removed, {done.restored:,} as before, "
        f"{done.series} series gone"
    )


def _list() -> None:
    from rich.table import Table

    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import open_store
    from analytics.store.undo import imports

    table = Table("number", "at (UTC)", "platform", "account", "file", "written", "corrected", "", box=None)
    with open_store(load_settings()) as store, store.begin() as connection:
        for number, at, platform, account, source, written, corrected, is_undone in imports(connection):
            counts = (f"{written:,}", f"{corrected:,}", "undone" if is_undone else "")
            table.add_row(str(number), f"{at:%Y-%m-%d %H:%M}", platform, account, source, *counts)
    Console(highlight=False, markup=False).print(table if table.row_count else "Nothing was imported yet.")


def _tell_style(console: Console, path: Path, spec: ImportSpec) -> None:
    """What was seen in a file that is not written as computers do, with its first rows as they were read."""
    from itertools import islice

    from analytics.ingest.csvfile import delimiter_used
    from analytics.ingest.files import number_style, read_frames, sniff
    from analytics.ingest.written import DELIMITERS

    if sniff(path) == "parquet":
        return
    mark = delimiter_used(path, spec)
    said = [f"columns separated by {DELIMITERS.get(mark, repr(mark))}"] if mark != "," else []
    said += [text] if (text := number_style(path, spec).said) else []
    if not said:
        return
    console.print(f"{path.name}: {'; '.join(said)}. The first rows as read:", markup=False, highlight=False)
    for frame in islice(read_frames(path, spec), 1):
        for time, value in zip(frame["time"].head(5), frame["value"].head(5), strict=True):
            console.print(f"  {time:%Y-%m-%d %H:%M} UTC  {value:,.10g}", markup=False, highlight=False)


def _run(paths: list[Path], spec: ImportSpec, *, is_new: bool) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from analytics.cli.screen import Console
    from analytics.ingest.files import sniff
    from analytics.jobs.collecting.importing import check_names, import_files
    from analytics.params.files import load_platforms
    from analytics.settings import load_settings
    from analytics.store import open_store

    for path in paths:
        sniff(path)
    console = Console()
    settings = load_settings()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        open_store(settings) as store,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars,
    ):
        if not is_new:
            check_names(store, spec, load_platforms(settings.params_dir))
        for path in paths[:1]:
            _tell_style(console, path, spec)
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
    numbers = ", ".join(str(result.collection_id) for result in imported.results.values())
    first = next(iter(imported.results.values())).collection_id
    console.print(f"import {numbers}; `analytics import --undo {first}` takes it back", highlight=False)
    if imported.total("quarantined"):
        console.print("See the rows set aside: analytics quarantine list", highlight=False)
