"""Past months and past answers, asked for by form: each piece a run of its own, asked for once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prefect import flow, runtime
from prefect.deployments import run_deployment
from prefect.states import Completed, Failed

from flows.forms import Days, MonthRange, Platform, ReportName
from flows.shared import settings, show_table


@flow(name="backfill", flow_run_name="backfill {name} {months.first} to {months.last}", validate_parameters=True)
def backfill_reports(
    months: MonthRange, name: ReportName = "traffic", again: bool = False, deliver: bool = False
) -> Any:
    """Ask for the reports of a range of months, oldest first; they are made one after the other.

    Args:
        months: First and last month, YYYY-MM.
        name: Which report.
        again: Also months that were asked for before and made; those that failed are always made again.
        deliver: Send each of them to the recipients of the report.
    """

    def one(month: str) -> Any:
        known, anew = f"report-{name}-{month}", f"report-{name}-{month}-{runtime.flow_run.id}"
        run = ask(str(name), month, deliver, anew if again else known)
        if run.state is not None and run.state.is_final() and not run.state.is_completed():
            run = ask(str(name), month, deliver, anew)
        return run

    rows, problems = each(map(str, months.months()), one)
    show_table("backfill", rows, f"Months of {name}")
    said = f"{len(rows) - len(problems)} months of {name} asked for"
    if problems:
        return Failed(message=f"{said}, {len(problems)} could not be: {problems[0]}")
    return Completed(message=said)


def each(months: Iterable[str], ask_for: Callable[[str], Any]) -> tuple[list[dict[str, str]], list[str]]:
    """Ask for every month, whatever becomes of one; a row a month, and what went wrong."""
    rows, problems = [], []
    for month in months:
        try:
            run = ask_for(month)
        except Exception as exc:  # noqa: BLE001 - one month that cannot be asked for stops no other
            problems.append(f"{month}: {type(exc).__name__}: {exc}")
            rows.append({"month": month, "run": "", "state": "not asked for", "asked": ""})
        else:
            rows.append({"month": month, "run": run.name, "state": str(run.state_name), "asked": str(run.created)})
    return rows, problems


def ask(name: str, month: str, deliver: bool, key: str) -> Any:
    """The run of this key, made if there is none."""
    return run_deployment(
        f"report/{name}-monthly",
        parameters={"name": name, "month": month, "deliver": deliver},
        idempotency_key=key,
        timeout=0,  # they queue behind each other; waiting here would hold a process for each
        as_subflow=False,
    )


@flow(name="replay", flow_run_name="replay {platform} {days.first} to {days.last}", validate_parameters=True)
def replay(platform: Platform, days: Days) -> Any:
    """Read landed answers again with today's parsers; nobody is asked anything, only what differs is written."""
    from analytics.jobs.collecting import replay as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        done = job.replay(chosen, store, str(platform), since=days.first, until=days.last)
    counts = (
        f"{done.answers} answers: {done.written} new points, {done.corrected} corrected, {done.duplicate} as before"
    )
    return Completed(message=counts)
