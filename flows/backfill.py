"""Past months and past answers, asked for by form: each piece a run of its own, asked for once."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime
from prefect.deployments import run_deployment
from prefect.states import Completed

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
    rows = []
    for month in months.months():
        known, anew = f"report-{name}-{month}", f"report-{name}-{month}-{runtime.flow_run.id}"
        run = ask(str(name), str(month), deliver, anew if again else known)
        if run.state is not None and run.state.is_final() and not run.state.is_completed():
            run = ask(str(name), str(month), deliver, anew)
        rows.append({"month": str(month), "run": run.name, "state": run.state_name, "asked": str(run.created)})
    show_table("backfill", rows, f"Months of {name}")
    return Completed(message=f"{len(rows)} months of {name} asked for")


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
