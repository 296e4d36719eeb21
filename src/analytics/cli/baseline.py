"""`analytics baseline …`: which algorithm knows a series best, measured on its own past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from analytics.baselines import Backtest

app = typer.Typer(rich_markup_mode="rich")

EXAMPLES = """[bold]Examples[/]

  analytics baseline backtest --platform twitter --metric mentions
  analytics baseline backtest --platform github --metric stars --account acme --algorithms profile,ewma,prophet
  analytics baseline backtest --csv mentions.csv --origins 16 --chart forecasts.svg
  analytics baseline backtest --csv mentions.csv --json
"""
COLUMNS = ("time", "value")
DEFAULT = "profile"
DRAWN = (".svg", ".png")


@app.callback()
def group() -> None:
    """Keeps `backtest` a command of its own."""


@app.command(epilog=EXAMPLES)
def backtest(
    platform: Annotated[str | None, typer.Option(help="Platform of the stored series.")] = None,
    metric: Annotated[str | None, typer.Option(help="Metric of the stored series.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account's series.")] = None,
    csv: Annotated[Path | None, typer.Option(help="A CSV instead: first column time (UTC), second the value.")] = None,
    algorithms: Annotated[
        str | None, typer.Option(help="Names, comma-separated.", show_default="all but prophet")
    ] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps ahead.", show_default="one day")] = None,
    origins: Annotated[int, typer.Option(min=1, help="Past points that forecasts start from.")] = 8,
    window_days: Annotated[float, typer.Option(min=1, help="History each forecast may use.")] = 28.0,
    timezone: Annotated[str, typer.Option(help="IANA name of the zone whose hours and weekdays count.")] = "UTC",
    coverage: Annotated[float, typer.Option(min=0.5, max=0.999, help="Share a band is to hold.")] = 0.95,
    chart: Annotated[Path | None, typer.Option(help="Also draw each algorithm's last forecast: .svg or .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON, one object a line.")] = False,
) -> None:
    """Forecast from the past of each series, compare with what came, and name the algorithm to use."""
    import json

    from analytics import baselines
    from analytics.cli.screen import Console
    from analytics.errors import InputError

    if (csv is None) == (platform is None or metric is None):
        raise InputError("baseline backtest: name --platform and --metric, or a file with --csv")
    if chart is not None and chart.suffix not in DRAWN:
        raise InputError(f"chart {chart.name}: expected a name that ends in {' or '.join(DRAWN)}")
    series = _from_file(csv) if csv else _from_store(str(platform), str(metric), account, timezone)
    console = Console(soft_wrap=as_json)
    drawn: list[Path] = []
    for name, times, values in series:
        found = baselines.backtest(
            times,
            values,
            algorithms=[part.strip() for part in algorithms.split(",")] if algorithms else None,
            horizon=horizon,
            origins=origins,
            window_days=window_days,
            timezone=timezone,
            coverage=coverage,
        )
        if as_json:
            figures = json.loads(found.summary.to_json(orient="records"))
            line = {"series": name, "best": found.best, "summary": figures, "warnings": found.warnings}
            console.print(json.dumps(line), markup=False, highlight=False)
        else:
            console.print(_table(name, found))
            for warning in found.warnings:
                console.print(f"  left out: {warning}", markup=False, highlight=False)
            if platform is not None and found.best != DEFAULT:
                said = f"  to use it: - {{platform: {platform}, metric: {metric}, algorithm: {found.best}}}"
                console.print(f"{said} under `series` in params/baselines.yaml", markup=False, highlight=False)
        if chart is not None:
            drawn.append(chart.with_stem(f"{chart.stem}-{len(drawn) + 1}") if drawn else chart)
            _draw(found, drawn[-1])
    for path in drawn:
        console.print(f"drawn: {path}", markup=False, highlight=False, soft_wrap=True)


def _draw(found: Backtest, path: Path) -> None:
    """A panel an algorithm: what it foretold at the last origin, with its band, and what came."""
    from analytics.reports.document import charts

    drawn = charts.small_multiples(found.forecasts, x="time", y="observed", panel="algorithm", band=("lower", "upper"))
    drawn.save(str(path), scale_factor=2)


def _table(name: str, found: Backtest) -> Table:
    from rich.markup import escape
    from rich.table import Table

    claimed = f"coverage (claimed {found.coverage:.0%})"
    table = Table(
        "algorithm", "interval score", claimed, "MASE", "origins", title=escape(name), box=None, title_justify="left"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in found.summary.to_dict("records"):
        chosen = row["algorithm"] == found.best
        table.add_row(
            f"{row['algorithm']}{'  ← use this' if chosen else ''}",
            f"{row['relative_winkler']:.2f} × naive",
            f"{row['coverage']:.1%}",
            f"{row['mase']:.2f}",
            str(row["origins"]),
            style="bold" if chosen else None,
        )
    return table


def _from_file(path: Path) -> Iterator[tuple[str, Any, Any]]:
    """The one series of a CSV."""
    import pandas as pd

    from analytics.errors import DataFileError

    try:
        frame = pd.read_csv(path, usecols=[0, 1], dtype=str, header=0, names=list(COLUMNS))
    except (OSError, ValueError) as exc:
        raise DataFileError(f"{path}: {exc}") from exc
    times = pd.to_datetime(frame["time"], utc=True, errors="coerce", format="ISO8601")
    values = pd.to_numeric(frame["value"], errors="coerce")
    bad = times.isna() | (values.isna() & frame["value"].notna())
    if bad.any():
        row = int(bad.to_numpy().argmax())
        shown = frame.loc[row, "time" if pd.isna(times[row]) else "value"]
        raise DataFileError(f"{path} line {row + 2}: {shown!r}: expected an ISO 8601 time and a number")
    yield path.stem, times.dt.tz_localize(None).to_numpy("datetime64[ns]"), values.to_numpy(float)


def _from_store(platform: str, metric: str, account: str | None, timezone: str) -> Iterator[tuple[str, Any, Any]]:
    """Every stored series of a metric, as rates on the axis it is judged on."""
    from datetime import timedelta

    from analytics.definitions import definition_for, definitions_of
    from analytics.errors import NoDataError
    from analytics.model import SeriesKey
    from analytics.monitoring.axis import amounts_of, judged_axis
    from analytics.monitoring.days import day_zone_of
    from analytics.params.files import load_params
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    known = definitions_of(load_params(settings.params_dir))
    with open_store(settings) as store:
        rows = store.series([platform], [metric], [account] if account else None)
        if rows.empty:
            raise NoDataError(f"{platform} {metric}{f' {account}' if account else ''}: no such series in the store")
        for row in rows.to_dict("records"):
            key = SeriesKey(platform, metric, row["content_id"], row["author_id"])
            frame = store.read_series(
                [int(row["series_id"])], row["first_time"], row["last_time"] + timedelta(seconds=1)
            )
            definition = definition_for(key, known, row["last_time"])
            _, rates = amounts_of(frame, definition)
            times, values, _ = judged_axis(rates, definition, day_zone_of(frame["time"]) or timezone)
            yield str(key), times, values
