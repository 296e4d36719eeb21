"""What keeps an installation in order: rollups, tiers, budget, health."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from flows.shared import settings, show_table, show_text

RETRY: dict[str, Any] = {"retries": 2, "retry_delay_seconds": 30}


@flow(name="rollup", flow_run_name="rollup", **RETRY)
def rollup() -> Any:
    """Work off the log of hours that have changed."""
    from analytics.store import open_store

    with open_store(settings()) as store:
        done = store.roll_up()
    return Completed(message=f"{done.hours} hours, {done.days} days, {done.periods} weeks and months")


@flow(name="inbox", flow_run_name="inbox", **RETRY)
def inbox() -> Any:
    """Count what vendors sent and the web app did not come to, and clear away bodies past their time."""
    from analytics.jobs.inbox import process, purge
    from analytics.store import open_store

    with open_store(settings()) as store:
        done = process(store)
        purged = purge(store, now=datetime.now(UTC))
    rows = [{"problem": problem} for problem in done.problems]
    show_table("inbox", rows, "Bodies that could not be read whole, in the last run that met any")
    if done.is_busy:
        return Completed(message="the web app is counting")
    said = f"{done.bodies} bodies, {done.events} events, {done.written} new points; {purged} old bodies deleted"
    return Failed(message=f"{done.problems[0]}; {said}") if done.problems else Completed(message=said)


@flow(name="lifecycle", flow_run_name="lifecycle", **RETRY)
def lifecycle(only_show: bool = False) -> Any:
    """Move days down the tiers; `only_show` says what would be done."""
    from analytics.params import load_params
    from analytics.store import open_store

    chosen = settings()
    params = load_params(chosen.params_dir)
    with open_store(chosen) as store:
        steps = store.lifecycle_plan(params) if only_show else store.lifecycle_run(params)
    rows = [{"day": str(s.day), "platform": s.platform, "to": s.to, "rows": s.rows} for s in steps]
    show_table("lifecycle", rows, "Days moved by the last run that moved any")
    return Completed(message=f"{len(steps)} days {'would be moved' if only_show else 'moved'}")


@flow(name="levels", flow_run_name="levels", **RETRY)
def levels() -> Any:
    """Choose each series' thresholds so that its alerts keep to their budget."""
    from analytics.jobs import levels as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        job.choose(chosen, store)
        found = job.budgeted(store)
    show_table("levels", [entry.row() for entry in found], "Alerts a week and series: budget, expected, seen")
    return Completed(message=job.said(found))


@flow(name="budget", flow_run_name="budget", **RETRY)
def budget() -> Any:
    """What was spent today and this month; failed where a budget is used up."""
    from analytics.jobs.budget import balances
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        found = balances(chosen, store, at=datetime.now(UTC))
    show_table("budget", [balance.row() for balance in found], "Spent, by platform")
    over = [balance.platform for balance in found if balance.is_over]
    if over:
        return Failed(message=f"used up: {', '.join(over)}")
    return Completed(message=f"{len(found)} platforms within their budgets")


@flow(name="health", flow_run_name="health")
def health() -> Any:
    """Look at every part; failed if one is unhealthy."""
    from analytics.jobs.health import health as look
    from analytics.jobs.health import lines

    found = look(settings())
    show_text("health", "```\n" + "\n".join(lines(found.checks)) + "\n```", "Every part and its state")
    ill = "; ".join(f"{check.name}: {check.said}" for check in found.checks if check.status != "healthy")
    if found.status == "unhealthy":
        return Failed(message=ill)
    return Completed(message=ill or "everything is healthy")
