"""Collect one platform's round. Each platform has a deployment and a schedule of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim
from prefect import flow, get_run_logger, task
from prefect.deployments import run_deployment
from prefect.states import Completed, Failed

from analytics.errors import SourceError, TransientSourceError
from analytics.params.files import load_platforms
from flows.forms import Platform
from flows.limits import turns
from flows.shared import RETRIES, is_ours, is_transient, settings, show_table, slug

# When a round that gave nothing is tried again, unless the schedule comes first: by a run of its own, since a run that
# waits holds a place, and a platform that is down would hold up the others.
AGAIN_AFTER = (timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=45))


@task(name="collect", task_run_name="ask {platform}", retry_condition_fn=is_ours, **RETRIES)
def collect_platform(platform: str, account: str | None) -> list[dict[str, Any]]:
    """One row an account; raises where no account gave anything, so that it is tried again or plain in the UI."""
    from analytics.jobs.collecting import collect as job
    from analytics.store import open_store

    chosen = settings()
    params = load_platforms(chosen.params_dir)
    with open_store(chosen) as store:
        made = job.collect(chosen, store, platforms=[platform], account=account, params=params, turns=turns(params))
    failed = [harvest for harvest in made.harvests if harvest.state == "failed"]
    if failed and len(failed) == len(made.harvests):
        raise first_error(failed)
    return [
        {
            "account": harvest.account,
            "state": harvest.state,
            "calls": len(harvest.pages),
            "new": harvest.written,
            "as before": harvest.duplicate,
            "corrected": harvest.corrected,
            "quarantined": harvest.quarantined,
            "seconds": round(harvest.seconds, 2),
            "problem": harvest.problem or "",
        }
        for harvest in made.harvests
    ]


def first_error(failed: list[Any]) -> SourceError:
    """The error to show: a transient one if there is any, since then it is worth another try."""
    errors = [harvest.error for harvest in failed if harvest.error]
    transient = [error for error in errors if isinstance(error, TransientSourceError)]
    fallback = SourceError(failed[0].platform, "collect", failed[0].problem or "gave nothing")
    return next(iter(transient or errors), fallback)


def ask_again(platform: str, account: str | None, tries: int) -> str:
    """Leave it to the next poll, or where that is far off ask for a run before it; what was done, in words."""
    now = datetime.now(UTC)
    schedule = load_platforms(settings().params_dir).platforms[platform].schedule
    if tries >= len(AGAIN_AFTER) or next(CronSim(schedule, now)) <= now + AGAIN_AFTER[tries]:
        return "the next poll tries again"
    run_deployment(
        f"collect/{platform}",
        parameters={"platform": platform, "account": account, "tries": tries + 1},
        scheduled_time=now + AGAIN_AFTER[tries],
        timeout=0,
        as_subflow=False,
    )
    return f"tried again in {AGAIN_AFTER[tries].total_seconds() / 60:.0f} minutes"


@flow(name="collect", flow_run_name="collect {platform}", validate_parameters=True)
def collect(platform: Platform, account: str | None = None, tries: int = 0) -> Any:
    """Collect one round of a platform, all its accounts or one of them.

    One account's failure stops no other; a run in which some failed ends as failed, with what came stored.

    Args:
        platform: Which platform.
        account: Which account; empty: all.
        tries: How often this round has been tried before.
    """
    ended = collect_platform(str(platform), account, return_state=True)
    if not ended.is_completed():
        if is_transient(None, None, ended):
            get_run_logger().warning("%s: %s", platform, ask_again(str(platform), account, tries))
        return ended
    rows = ended.result()
    show_table(slug("collect", str(platform)), rows, f"Last round of {platform}")
    failed = [row for row in rows if row["state"] == "failed"]
    new = sum(row["new"] for row in rows)
    for row in rows:
        if row["problem"]:
            get_run_logger().warning("%s %s: %s", platform, row["account"], row["problem"])
    if failed:
        return Failed(message=f"{len(failed)} of {len(rows)} accounts gave nothing: {failed[0]['problem']}")
    return Completed(message=f"{new} new points from {len(rows)} accounts")
