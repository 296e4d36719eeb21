"""Past months and past answers, asked for by form: each piece a run of its own, asked for once."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime
from prefect.deployments import run_deployment
from prefect.states import Completed

from flows.forms import Days, MonthRange, Platform, ReportName
from flows.shared import settings, show_table


@flow(name="backfill", flow_run_name="backfill {name} {months.first} to {months.last}", validate_parameters=True)
def backfill_reports(months: MonthRange, name: ReportName = "traffic", again: bool = False) -> Any:
    """Ask for the reports of a range of months, oldest first; they are made one after the other.

    Args:
        months: First and last month, YYYY-MM.
        name: Which report.
        again: Also months that were asked for before.
    """
    suffix = f"-{runtime.flow_run.id}" if again else ""
    rows = []
    for month in months.months():
        run: Any = run_deployment(
            f"report/{name}-monthly",
            parameters={"name": str(name), "month": str(month)},
            idempotency_key=f"report-{name}-{month}{suffix}",
            timeout=0,  # they queue behind each other; waiting here would hold a process for each
            as_subflow=False,
        )
        rows.append({"month": str(month), "run": run.name, "state": run.state_name, "asked": str(run.created)})
    show_table("backfill", rows, f"Months of {name}")
    return Completed(message=f"{len(rows)} months of {name} asked for")


@flow(name="replay", flow_run_name="replay {platform} {days.first} to {days.last}", validate_parameters=True)
def replay(platform: Platform, days: Days) -> Any:
    """Read landed answers again with today's parsers; nobody is asked anything, only what differs is written."""
    from analytics.jobs import replay as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        done = job.replay(chosen, store, str(platform), since=days.first, until=days.last)
    counts = (
        f"{done.answers} answers: {done.written} new points, {done.corrected} corrected, {done.duplicate} as before"
    )
    return Completed(message=counts)
