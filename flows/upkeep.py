"""What keeps an installation in order: rollups, tiers, budget, health."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow, task
from prefect.states import Completed, Failed

from flows.shared import RETRIES, is_transient, settings, show_table, show_text

# What may heal is tried again inside the run. A flow with retries of its own that says it failed waits to be started
# anew, which nobody does: its process ends, the run is said to have crashed, and its slot stays taken for minutes.
WORK: dict[str, Any] = {"retry_condition_fn": is_transient, **RETRIES}


@task(name="roll up", **WORK)
def roll_up() -> Any:
    """Hours, days, weeks and months done."""
    from analytics.store import open_store

    with open_store(settings()) as store:
        return store.roll_up()


@flow(name="rollup", flow_run_name="rollup")
def rollup() -> Any:
    """Work off the log of hours that have changed."""
    done = roll_up()
    return Completed(message=f"{done.hours} hours, {done.days} days, {done.periods} weeks and months")


@task(name="count", **WORK)
def count() -> tuple[Any, int]:
    """What was counted, and how many old bodies were deleted."""
    from analytics.jobs.collecting.inbox import process, purge
    from analytics.store import open_store

    with open_store(settings()) as store:
        done = process(store)
        return done, purge(store, now=datetime.now(UTC))


@flow(name="inbox", flow_run_name="inbox")
def inbox() -> Any:
    """Count what vendors sent and the web app did not come to, and clear away bodies past their time."""
    done, purged = count()
    rows = [{"problem": problem} for problem in done.problems]
    show_table("inbox", rows, "Bodies that could not be read whole, in the last run that met any")
    if done.is_busy:
        return Completed(message="the web app is counting")
    said = f"{done.bodies} bodies, {done.events} events, {done.written} new points; {purged} old bodies deleted"
    return Failed(message=f"{done.problems[0]}; {said}") if done.problems else Completed(message=said)


@task(name="move days", **WORK)
def move_days(only_show: bool) -> list[dict[str, Any]]:
    """Days moved, or to be moved."""
    from analytics.params.files import load_params
    from analytics.store import open_store

    chosen = settings()
    params = load_params(chosen.params_dir)
    with open_store(chosen) as store:
        steps = store.lifecycle_plan(params) if only_show else store.lifecycle_run(params)
    return [{"day": str(s.day), "platform": s.platform, "to": s.to, "rows": s.rows} for s in steps]


@flow(name="lifecycle", flow_run_name="lifecycle")
def lifecycle(only_show: bool = False) -> Any:
    """Move days down the tiers; `only_show` says what would be done."""
    rows = move_days(only_show)
    show_table("lifecycle", rows, "Days moved by the last run that moved any")
    return Completed(message=f"{len(rows)} days {'would be moved' if only_show else 'moved'}")


@task(name="choose levels", **WORK)
def choose_levels() -> list[Any]:
    """Each series' budget of alerts, what is expected and what was seen."""
    from analytics.jobs.watching import levels as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        job.choose(chosen, store)
        return job.budgeted(store)


@flow(name="levels", flow_run_name="levels")
def levels() -> Any:
    """Choose each series' thresholds so that its alerts keep to their budget."""
    from analytics.jobs.watching.levels import said

    found = choose_levels()
    show_table("levels", [entry.row() for entry in found], "Alerts a week and series: budget, expected, seen")
    return Completed(message=said(found))


@task(name="add up", **WORK)
def add_up() -> list[Any]:
    """Each platform's balance."""
    from analytics.jobs.collecting.budget import balances
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        return balances(chosen, store, at=datetime.now(UTC))


@flow(name="budget", flow_run_name="budget")
def budget() -> Any:
    """What was spent today and this month; failed where a budget is used up."""
    found = add_up()
    show_table("budget", [balance.row() for balance in found], "Spent, by platform")
    over = [balance.platform for balance in found if balance.is_over]
    if over:
        return Failed(message=f"used up: {', '.join(over)}")
    return Completed(message=f"{len(found)} platforms within their budgets")


@flow(name="health", flow_run_name="health")
def health() -> Any:
    """Look at every part; failed if one is unhealthy."""
    from analytics.jobs.watching.health import health as look
    from analytics.jobs.watching.health import lines

    found = look(settings())
    show_text("health", "```\n" + "\n".join(lines(found.checks)) + "\n```", "Every part and its state")
    ill = "; ".join(f"{check.name}: {check.said}" for check in found.checks if check.status != "healthy")
    if found.status == "unhealthy":
        return Failed(message=ill)
    return Completed(message=ill or "everything is healthy")
