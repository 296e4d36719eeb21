"""`analytics report …`: make a report, and make it again with other parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(rich_markup_mode="rich")

EXAMPLES = """[bold]Examples[/]

  analytics report traffic --month 2026-10
  analytics report traffic --month 2026-10 --platforms youtube,github --metrics views --timezone Europe/Berlin
  analytics report traffic --month 2026-10 --compare 2025-10 --formats html
  analytics report traffic --params-file rerun.yaml --no-publish
"""

DELIVER = """[bold]Examples[/]

  analytics report deliver traffic
  analytics report deliver traffic --month 2026-10 --to ana@example.com,team
"""
ALL = "html,pdf,csv,xlsx,json,parquet"
Names = Annotated[str | None, typer.Option(help="Names, comma-separated; none: all there are.")]


@app.command(epilog=EXAMPLES)
def traffic(
    month: Annotated[str | None, typer.Option(help="Calendar month, YYYY-MM.", show_default="the month before")] = None,
    platforms: Names = None,
    metrics: Names = None,
    accounts: Names = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name; days begin at its midnight.")] = None,
    compare: Annotated[str | None, typer.Option(help="Month to compare with beside the one before, YYYY-MM.")] = None,
    algorithm: Annotated[str | None, typer.Option(help="Baseline: ewma, profile, stl, mstl, prophet …")] = None,
    window_days: Annotated[int | None, typer.Option(help="Days of history behind every expectation.")] = None,
    formats: Annotated[str, typer.Option(help="Of html, pdf, csv, xlsx, json, parquet; comma-separated.")] = ALL,
    publish: Annotated[bool, typer.Option(help="Put it on the site in output/site.")] = True,
    params_file: Annotated[Path | None, typer.Option(help="YAML with the same names as these options.")] = None,
) -> None:
    """Monthly traffic report: what was normal, what was not, as HTML and PDF."""
    given: dict[str, Any] = {
        "month": month,
        "platforms": _names(platforms),
        "metrics": _names(metrics),
        "accounts": _names(accounts),
        "timezone": timezone,
        "compare": compare,
        "algorithm": algorithm,
        "window_days": window_days,
    }
    from analytics.cli.shown import steps
    from analytics.jobs import published
    from analytics.jobs import report as job
    from analytics.settings import load_settings

    settings = load_settings()
    options = job.options_from(params_file) | {key: value for key, value in given.items() if value is not None}
    with steps("Traffic report") as show:
        made = job.make_report(
            settings,
            "traffic",
            month=job.month_asked(options.pop("month", None)),
            overrides=options,
            formats=_names(formats) or (),
            progress=show.progress,
        )
        files = dict(made.files)
        if publish:
            version = published.publish(settings, made)
            files["site"] = published.site_dir(settings) / "index.html"
            show.say(f"  published as version {version.version} of {version.label}")
        published.record(settings, made, by="command line")
        show.files(files, made.seconds)


@app.command("list", epilog="[bold]Example[/]\n\n  analytics report list")
def list_() -> None:
    """Published reports, by period, with their versions."""
    from rich.console import Console
    from rich.table import Table

    from analytics.jobs.published import site_dir
    from analytics.reports import site
    from analytics.settings import load_settings

    folder = site_dir(load_settings())
    table = Table("report", "period", "version", "published (UTC)", "why", "page", box=None, header_style="bold")
    for v in site.versions(folder):
        page = str(folder / v.address("html")) if "html" in v.files else ""
        table.add_row(v.name, v.period, f"v{v.version} {v.status}", v.published_at[:16], v.changed or "first", page)
    Console(highlight=False, soft_wrap=True).print(table if table.row_count else "Nothing is published yet.")


@app.command(epilog=DELIVER)
def deliver(
    name: Annotated[str, typer.Argument(help="Which report, for example traffic.")] = "traffic",
    month: Annotated[str | None, typer.Option(help="YYYY-MM.", show_default="the newest published")] = None,
    to: Annotated[
        str | None, typer.Option(help="Addresses and channels, comma-separated; none: as params say.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also to those who have it already.")] = False,
) -> None:
    """Send a published report: by mail with the PDF and two charts, to channels with its summary and link.

    Each version goes to each recipient once; what failed is tried again by the next call.
    """
    from rich.console import Console

    from analytics.errors import ReportError
    from analytics.jobs.deliver import deliver as send
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with open_store(settings) as store:
        done = send(settings, store, name, period=month, to=_names(to), again=again)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for entry in done:
        console.print(f"{entry.recipient}: {entry.status}" + (f" ({entry.error})" if entry.error else ""))
    if not done:
        console.print("Nobody is named: `recipients` in params/reports, or --to.")
    failed = [entry for entry in done if entry.status == "failed"]
    if failed:
        raise ReportError(f"{len(failed)} of {len(done)} not delivered; the next call tries again")


@app.command(epilog="[bold]Example[/]\n\n  analytics report deliveries")
def deliveries() -> None:
    """Who was sent which version, and what failed."""
    from rich.console import Console
    from rich.table import Table

    from analytics.settings import load_settings
    from analytics.store import deliveries as record
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        found = record.select(store)
    table = Table("report", "period", "to", "status", "tries", "at (UTC)", "error", box=None, header_style="bold")
    for s in found:
        when = f"{s.changed_at:%Y-%m-%d %H:%M}"
        table.add_row(f"{s.report} v{s.version}", s.period, s.recipient, s.status, str(s.attempts), when, s.error)
    Console(highlight=False, soft_wrap=True).print(table if found else "Nothing was sent yet.")


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
