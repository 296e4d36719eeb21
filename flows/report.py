"""Make a monthly report: on schedule for the month that ended, as a preview of this one, or for any month by form."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

from prefect import flow, runtime, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.deployments import run_deployment
from prefect.states import Completed, Failed

from analytics.errors import AnalyticsError
from analytics.model import Month, Period, period_of, zone_of
from flows.forms import (
    Algorithm,
    DaysOrNone,
    Format,
    Language,
    MonthOrNone,
    MonthText,
    Platform,
    ReportName,
    Text,
    WindowDays,
    Zone,
    overrides,
)
from flows.shared import address_of, is_transient, settings, show_links, show_table, slug

# Until those who did not get a report are tried again, each time by a run of its own.
AGAIN_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


def month_of(month: str | None, when: Literal["ended", "current"], now: datetime, zone: str) -> Period:
    """The month or days asked for; without any, the last month that ended in the report's zone, or the one that runs.

    >>> dawn = datetime(2026, 10, 31, 21, tzinfo=UTC)  # 1 November, 06:00 in Tokyo
    >>> str(month_of("", "ended", dawn, "Asia/Tokyo")), str(month_of("", "current", dawn, "Europe/Berlin"))
    ('2026-10', '2026-10')
    """
    if month:
        return period_of(month)
    there = now.astimezone(zone_of(zone))
    this = Month(there.year, there.month)
    return this if when == "current" else this.previous()


def run_name() -> str:
    """For example `report traffic 2026-10`."""
    from analytics.jobs.reporting.report import zone_for

    given = runtime.flow_run.parameters
    name, when = str(given.get("name", "traffic")), given.get("when", "ended")
    try:
        asked = given.get("days") or given.get("month")
        month = month_of(asked, when, due_at(), zone_for(settings(), name, given.get("timezone")))
    except AnalyticsError:
        return f"report {name}"  # the run itself says what is wrong
    return f"report {name} {month}" + (" so far" if when == "current" else "")


def due_at() -> datetime:
    """When this run was due: started late, it is still about the month it was meant for."""
    return runtime.flow_run.scheduled_start_time or datetime.now(UTC)


@task(task_run_name="make {name} {month}", retries=1, retry_delay_seconds=10, retry_condition_fn=is_transient)
def make(name: str, month: str, changes: dict[str, object], formats: list[str]) -> dict[str, Any]:
    """Execute and render; files by format and seconds by step."""
    from analytics.jobs.reporting.published import publish, record, site_dir
    from analytics.jobs.reporting.report import make_report

    key = slug("progress", name, month)
    bar = cast(UUID, create_progress_artifact(progress=0.0, key=key, description=f"{name} {month}"))
    done: dict[str, float] = {}

    def progress(step: str, share: float) -> None:
        if share - done.get(step, -1.0) >= 0.1 or share >= 1.0:  # every call is a request to the server
            done[step] = share
            update_progress_artifact(bar, progress=min(100.0, 100.0 * sum(done.values()) / (1 + len(formats))))

    made = make_report(settings(), name, month=period_of(month), overrides=changes, formats=formats, progress=progress)
    update_progress_artifact(bar, progress=100.0)
    version = publish(settings(), made)
    record(settings(), made)
    folder = site_dir(settings()) / version.folder
    return {
        "files": {kind: str(folder / name) for kind, name in version.files.items()},
        "seconds": dict(made.seconds),
        "is_regular": version.is_regular,
    }


@task(task_run_name="close {name} {month}")
def close_month(name: str, month: str) -> str:
    """Keep the figures for good; where a source has not settled that is said, and no failure."""
    from analytics.errors import InputError
    from analytics.jobs.reporting.close import close
    from analytics.store import open_store

    with open_store(settings()) as store:
        try:
            done = close(settings(), store, name, Month.parse(month), by="schedule")
        except InputError as exc:
            return f"; not closed: {exc}"
    return f"; {done.kept} figures closed"


@task(task_run_name="send {name} {month}")
def send(name: str, month: str) -> tuple[int, list[dict[str, str]]]:
    """Deliver to the recipients of params; how many there are, and those who did not get it."""
    from analytics.jobs.reporting.deliver import deliver
    from analytics.store import open_store

    with open_store(settings()) as store:
        done = deliver(settings(), store, name, period=month)
    return len(done), [{"recipient": e.recipient, "status": e.status, "error": e.error} for e in done if not e.has_it]


def delivered(name: str, month: str, *, tries: int) -> str:
    """Send it; '' if everyone has it, or else who has not, and when they are tried again.

    A run that waited for a mail server would hold one of the few places, and nothing else would be started.
    """
    count, failed = send(name, month)
    if not failed:
        return ""
    show_table(slug("not-delivered", name, month), failed, f"Who did not get {name} {month}")
    said = f"{len(failed)} of {count} not delivered: {failed[0]['error']}"
    if tries >= len(AGAIN_AFTER) or all(_is_hopeless(entry) for entry in failed):
        return f"{said}; `analytics report deliver` tries them again"
    after = AGAIN_AFTER[tries]
    run_deployment(
        "deliver/again",
        parameters={"name": name, "month": month, "tries": tries + 1},
        scheduled_time=datetime.now(UTC) + after,
        timeout=0,
        as_subflow=False,
    )
    return f"{said}; tried again in {after.total_seconds() / 60:.0f} minutes"


def _is_hopeless(entry: dict[str, str]) -> bool:
    return entry["status"] == "refused" or entry["error"].startswith("not set up")


@flow(name="deliver", flow_run_name="deliver {name} {month}", validate_parameters=True)
def deliver_again(name: ReportName, month: MonthText, tries: int = len(AGAIN_AFTER)) -> Any:
    """Send a month's newest version to those recipients who have not got it.

    Args:
        name: Which report.
        month: Which month, YYYY-MM.
        tries: How often it has been tried since it was made; from the third on it is not tried again by itself.
    """
    problem = delivered(str(name), month, tries=tries)
    return Failed(message=problem) if problem else Completed(message=f"everyone has {name} {month}")


def links_to(title: str, files: Mapping[str, str], formats: Sequence[str]) -> dict[str, str]:
    """Where to open what was published, which stays for good: the page, then every file."""
    public_url, output = os.environ.get("ANALYTICS_PUBLIC_URL"), settings().output_dir
    wanted = {title: files["html"]} if "html" in files else {}
    wanted |= {kind: files[kind] for kind in formats if kind in files}
    return {text: address_of(Path(path), output, public_url) for text, path in wanted.items()}


@flow(name="report", flow_run_name=run_name, validate_parameters=True)
def report(
    name: ReportName = "traffic",
    month: MonthOrNone = "",
    when: Literal["ended", "current"] = "ended",
    days: DaysOrNone = "",
    platforms: list[Platform] = [],  # noqa: B006 - the form shows these defaults; none is changed
    metrics: list[Text] = [],  # noqa: B006
    accounts: list[Text] = [],  # noqa: B006
    sections: list[Text] = [],  # noqa: B006
    algorithm: Algorithm = "as configured",
    window_days: WindowDays = 0,
    timezone: Zone = "",
    compare: MonthOrNone = "",
    language: Language = "as configured",
    formats: list[Format] = ["html", "pdf", "csv", "xlsx", "json", "parquet"],  # noqa: B006
    deliver: bool = True,
    close: bool = False,
) -> Any:
    """Make a report and link to it.

    Args:
        name: Which report.
        month: YYYY-MM, for example 2026-10. Empty: see the next field.
        when: Without a month: the last one that ended, or the current one so far (a preview).
        days: Instead of a month: first and last day, as in 2026-10-05--2026-10-18.
        platforms: Only these. None: as configured.
        metrics: Only these, for example views. None: as configured.
        accounts: Only these, as their platforms name them. None: as configured.
        sections: Only these and in this order, of a report whose notebook is custom.
        algorithm: How what is normal is learned.
        window_days: Days of history behind every expectation. 0: as configured.
        timezone: IANA name, for example Europe/Berlin. Empty: as configured.
        compare: Another month, YYYY-MM, to compare with beside the one before.
        language: Of the report's sentences, numbers and dates.
        formats: What to make.
        deliver: Send it to the recipients named in params, once a version. Neither a preview nor a report with other
            parameters than those configured is sent to anybody.
        close: Keep the month's figures for good first, if every source has settled; later reports show what changed.
    """
    from analytics.jobs.reporting.report import zone_for

    chosen = str(month_of(days or month, when, due_at(), zone_for(settings(), str(name), timezone)))
    closing = close_month(str(name), chosen) if close and when == "ended" and not days else ""
    names = {"platforms": platforms, "metrics": metrics, "accounts": accounts, "sections": sections}
    changes = overrides(names, algorithm, window_days, timezone, compare, language)
    made = make(str(name), chosen, changes, list(formats))
    links = links_to(f"{name} {chosen}", made["files"], formats)
    show_links(slug("report", str(name), chosen), links, f"Open {name} {chosen}")
    show_table(
        slug("report", str(name), "seconds"),
        [{"step": step, "seconds": round(spent, 1)} for step, spent in made["seconds"].items()],
        f"Where the time of {name} {chosen} went",
    )
    said = f"{name} {chosen}: {next(iter(links.values()), 'no file')}{closing}"
    problem = delivered(str(name), chosen, tries=0) if deliver and made["is_regular"] else ""
    return Failed(message=f"{problem}; {said}") if problem else Completed(message=said)
