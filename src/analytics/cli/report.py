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


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
