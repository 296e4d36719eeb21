"""`analytics report …`: make a report, and make it again with other parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(rich_markup_mode="rich")

EXAMPLES = """[bold]Examples[/]

  analytics report traffic --month 2026-10
  analytics report traffic --month 2026-10 --platforms youtube,github --metrics views --timezone Europe/Berlin
  analytics report traffic --from 2026-10-05 --to 2026-10-18
  analytics report traffic --month 2026-10 --compare 2025-10 --formats html
  analytics report traffic --month 2026-10 --language de --no-publish
  analytics report traffic --params-file rerun.yaml --no-publish
"""

BATCH = """[bold]Examples[/]

  analytics report batch --month 2026-10
  analytics report batch acme,globex,initech --month 2026-10 --at-once 2
"""
DELIVER = """[bold]Examples[/]

  analytics report deliver traffic
  analytics report deliver traffic --month 2026-10 --to ana@example.com,team
"""
ALL = "html,pdf,csv,xlsx,json,parquet"
MOST_SHOWN = 40  # figures that differ
Names = Annotated[str | None, typer.Option(help="Names, comma-separated; none: all there are.")]


@app.command(epilog=EXAMPLES)
def traffic(
    month: Annotated[str | None, typer.Option(help="Calendar month, YYYY-MM.", show_default="the month before")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD, instead of a month.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    platforms: Names = None,
    metrics: Names = None,
    accounts: Names = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name; days begin at its midnight.")] = None,
    compare: Annotated[str | None, typer.Option(help="Month to compare with beside the one before, YYYY-MM.")] = None,
    algorithm: Annotated[str | None, typer.Option(help="Baseline: ewma, profile, stl, mstl, prophet …")] = None,
    window_days: Annotated[int | None, typer.Option(help="Days of history behind every expectation.")] = None,
    language: Annotated[str | None, typer.Option(help="en, de, fr or es.", show_default="the brand's")] = None,
    sources: Annotated[
        bool | None,
        typer.Option("--sources/--no-sources", help="Queries and commands of the figures also at the PDF's end."),
    ] = None,
    formats: Annotated[
        str | None, typer.Option(help="Of html, pdf, csv, xlsx, json, parquet; comma-separated.", show_default="all")
    ] = None,
    publish: Annotated[
        bool | None,
        typer.Option("--publish/--no-publish", help="Put it on the site in output/site; it is, by default."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the files, new or empty.", show_default="below output/reports")
    ] = None,
    name: Annotated[str, typer.Option(help="Which report of params/reports.")] = "traffic",
    params_file: Annotated[Path | None, typer.Option(help="YAML with the same names as these options.")] = None,
) -> None:
    """Monthly traffic report: what was normal, what was not, as HTML and PDF."""
    given: dict[str, Any] = {
        "platforms": _names(platforms),
        "metrics": _names(metrics),
        "accounts": _names(accounts),
        "timezone": timezone,
        "compare": compare,
        "algorithm": algorithm,
        "window_days": window_days,
        "language": language,
        "sources": sources,
        "formats": _names(formats),
        "publish": publish,
        "output": output,
    }
    from analytics.cli.shown import steps
    from analytics.jobs.reporting import published
    from analytics.jobs.reporting import report as job
    from analytics.settings import load_settings

    settings = load_settings()
    options = job.options_from(params_file)
    dates = [options.pop(key, None) for key in ("month", "from", "to")]
    if any(date is not None for date in (month, start, end)):
        dates = [month, start, end]
    options |= {key: value for key, value in given.items() if value is not None}
    kinds, publish = _names(options.pop("formats", ALL)), _flag("publish", options.pop("publish", True))
    folder = options.pop("output", None)
    with steps("Traffic report") as show:
        made = job.make_report(
            settings,
            name,
            month=job.month_asked(_period(*dates), job.zone_for(settings, name, options.get("timezone"))),
            overrides=options,
            formats=kinds or (),
            output=None if folder is None else Path(str(folder)),
            progress=show.progress,
        )
        files = {kind: made.shown(kind) for kind in made.files}
        if publish:
            version = published.publish(settings, made)
            files["site"] = published.site_dir(settings) / "index.html"
            show.say(
                f"  published as version {version.version} of {version.label}{published.standing(settings, version)}"
            )
        published.record(settings, made, by="command line")
        show.files(files, made.seconds)


@app.command(epilog=BATCH)
def batch(
    names: Annotated[str | None, typer.Argument(help="Reports of params/reports, comma-separated; none: all.")] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM.", show_default="the month before")] = None,
    formats: Annotated[str, typer.Option(help="Of html, pdf, csv, xlsx, json, parquet; comma-separated.")] = ALL,
    at_once: Annotated[int | None, typer.Option(min=1, help="Made side by side; none: a core each.")] = None,
    publish: Annotated[bool, typer.Option(help="Put them on the site in output/site.")] = True,
) -> None:
    """Many reports of one month, as one for each client, on all cores; one that fails stops no other."""
    from analytics.cli.shown import steps
    from analytics.errors import ReportError
    from analytics.jobs.reporting import published
    from analytics.jobs.reporting import report as job
    from analytics.jobs.reporting.batch import Made, make_all
    from analytics.params.files import load_params
    from analytics.settings import load_settings

    settings = load_settings()
    chosen = _names(names) or tuple(load_params(settings.params_dir).reports)
    zones = {job.zone_for(settings, report) for report in chosen}
    period = job.month_asked(month, zones.pop() if len(zones) == 1 else "UTC")
    failed: list[str] = []
    finished = 0
    with steps(f"{len(chosen)} reports, {period}") as show:

        def told(made: Made) -> None:
            nonlocal finished
            finished += 1
            show.progress("reports", finished / len(chosen))
            if made.files is None:
                failed.append(made.name)
                show.say(f"  {made.name}: {made.error}")
                return
            said = f"{sum(made.files.seconds.values()):.1f} s" if made.files.seconds else "stands, nothing has changed"
            if publish:
                said += f", version {published.publish(settings, made.files).version}"
            published.record(settings, made.files, by="command line")
            show.say(f"  {made.name}: {said}")

        make_all(settings, chosen, month=period, formats=_names(formats) or (), at_once=at_once, told=told)
        if publish and len(failed) < len(chosen):
            show.files({"site": published.site_dir(settings) / "index.html"}, {})
    if failed:
        raise ReportError(f"{len(failed)} of {len(chosen)} reports failed: {', '.join(failed)}")


@app.command(
    epilog="[bold]Examples[/]\n\n  analytics report close traffic --month 2026-10\n  analytics report close --early"
)
def close(
    name: Annotated[str, typer.Argument(help="Which report's series.")] = "traffic",
    month: Annotated[str | None, typer.Option(help="YYYY-MM.", show_default="the month before")] = None,
    early: Annotated[bool, typer.Option("--early", help="Although a source may still restate it.")] = False,
    timezone: Annotated[str | None, typer.Option(help="Whose days, IANA name.", show_default="the report's")] = None,
    by: Annotated[str, typer.Option(help="Who closes it.", envvar="USER")] = "somebody",
) -> None:
    """Keep a month's figures for good; later reports show what has changed since, number by number."""
    from analytics.cli.screen import Console
    from analytics.jobs.reporting import report as job
    from analytics.jobs.reporting.close import close as close_period
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    with open_store(settings) as store:
        period = job.month_asked(month, job.zone_for(settings, name, timezone))
        done = close_period(settings, store, name, period, by=by, early=early, timezone=timezone)
    said = f", {done.before} had been closed before" if done.before else ""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{done.period}, days of {done.timezone}: {done.kept} figures closed{said}")
    if done.unsettled:
        console.print(f"  early: {done.unsettled}")


@app.command(epilog="[bold]Example[/]\n\n  analytics report closed")
def closed() -> None:
    """Closed months, with when and how many figures."""
    from rich.table import Table

    from analytics.cli.screen import Console
    from analytics.settings import load_settings
    from analytics.store import closes, open_store

    with open_store(load_settings()) as store:
        found = closes.periods(store)
    table = Table("period", "time zone", "closed (UTC)", "figures", box=None, header_style="bold")
    for period, timezone, at, count in found:
        table.add_row(period, timezone, f"{at:%Y-%m-%d %H:%M}", str(count))
    Console(highlight=False).print(table if found else "No month is closed yet: `analytics report close`.")


@app.command(epilog="[bold]Example[/]\n\n  analytics report verify output/reports/traffic/2026-10/traffic-2026-10.html")
def verify(
    file: Annotated[Path, typer.Argument(help="A file of a report: any of its formats.")],
) -> None:
    """Make a report again from the store and compare the file and every figure; says what differs and why.

    Succeeds only where the file is the same to the byte.
    """
    from rich.markup import escape
    from rich.table import Table

    from analytics.cli.screen import Console
    from analytics.cli.shown import steps
    from analytics.errors import ReportError
    from analytics.jobs.reporting.verify import verify as check
    from analytics.settings import load_settings

    with steps("Verify") as show:
        found = check(load_settings(), file, progress=show.progress)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{found.compared:,} figures compared, {len(found.differences)} differ")
    for reason in found.reasons:
        console.print(f"  {reason}")
    for rows in (found.differences[:MOST_SHOWN], found.places):
        table = Table("where", "in the file", "now", box=None, header_style="bold")
        for difference in rows:
            table.add_row(*(escape(str(text)) for text in (difference.where, difference.shown, difference.now)))
        if rows:
            console.print(table)
    if found.was_changed:
        raise ReportError(
            f"{file.name} was changed since it was made: the same data, parameters and program give another file"
        )
    if found.differences:
        raise ReportError(f"{file.name}: {len(found.differences)} figures are not what the store gives now")
    if not found.same_bytes:
        raise ReportError(
            f"{file.name}: the figures beside it are what the store gives, but the file itself could not be proved: "
            f"{'; '.join(found.reasons)}"
        )
    console.print("The same to the byte.")


@app.command("list", epilog="[bold]Example[/]\n\n  analytics report list")
def list_() -> None:
    """Published reports, by period, with their versions."""
    from rich.table import Table

    from analytics.cli.screen import Console
    from analytics.jobs.reporting.published import site_dir
    from analytics.reports.publishing import site
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
    from analytics.cli.screen import Console
    from analytics.errors import ReportError
    from analytics.jobs.reporting.deliver import deliver as send
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
    failed = [entry for entry in done if not entry.has_it]
    if failed:
        raise ReportError(f"{len(failed)} of {len(done)} not delivered; the next call tries again")


@app.command(epilog="[bold]Example[/]\n\n  analytics report deliveries")
def deliveries() -> None:
    """Who was sent which version, and what failed."""
    from rich.table import Table

    from analytics.cli.screen import Console
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


def _period(month: Any, start: Any, end: Any) -> str | None:
    if start is None and end is None:
        return None if month is None else str(month)
    if month is not None or start is None or end is None:
        from analytics.errors import InputError

        raise InputError("period: give --month, or both --from and --to")
    return f"{start}--{end}"


def _names(given: Any) -> tuple[str, ...] | None:
    """Names separated by commas, or a list of a params file."""
    if given is None:
        return None
    names = given.split(",") if isinstance(given, str) else given
    return tuple(str(name).strip() for name in names if str(name).strip())


def _flag(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        from analytics.errors import InputError

        raise InputError(f"{name} {given!r}: expected true or false")
    return given
