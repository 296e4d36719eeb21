"""Judge the newest readings, then tell people: one run, so that a message follows its detection within seconds."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.states import Completed, Failed

from flows.forms import Platform
from flows.shared import PATIENT, is_transient, settings, show_table


@task(retry_condition_fn=is_transient, **PATIENT)
def detect(platforms: list[str]) -> dict[str, Any]:
    """Baselines and anomalies of every series that had a reading lately."""
    from analytics.jobs.watching import detect as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        done = job.detect(chosen, store, platforms=platforms or None)
    rows = [
        {
            "incident": event.key,
            "severity": event.severity,
            "series": str(event.series),
            "begun": event.start.isoformat(timespec="minutes"),
            "open": event.is_open,
            "what": event.reason,
        }
        for event in done.events
    ]
    skipped = ", ".join(f"{count} {why}" for why, count in done.skipped.items())
    seconds = {step: round(spent, 2) for step, spent in done.seconds.items()}
    return {"rows": rows, "judged": done.judged, "new": len(done.new), "skipped": skipped, "seconds": seconds}


@task(retry_condition_fn=is_transient, **PATIENT)
def tell() -> dict[str, Any]:
    """Deliver what is due by the alert rules."""
    from analytics.jobs.watching import alert as job
    from analytics.store import open_store

    chosen = settings()
    with open_store(chosen) as store:
        done = job.alert(chosen, store)
    rows = [
        {"channel": a.notice.channel, "rule": a.notice.rule, "message": a.title, "error": a.error}
        for a in (*done.sent, *done.failed)
    ]
    counts = {"sent": len(done.sent), "failed": len(done.failed), "suppressed": done.suppressed}
    return {"rows": rows, "open": done.open_incidents, **counts}


@flow(name="watch", flow_run_name="watch", validate_parameters=True)
def watch(platforms: list[Platform] = []) -> Any:  # noqa: B006 - the form shows the default; it is not changed
    """Detect, then alert, also where detecting fails. A channel that takes no message fails the run too."""
    looked = detect([str(platform) for platform in platforms], return_state=True)
    told = tell()  # also where nothing could be judged: collectors, thresholds and what was found before
    show_table("alerts", told["rows"], "Messages of the last run that had any")
    said = f"{told['open']} open incidents, {told['sent']} told"
    if not looked.is_completed():
        return Failed(message=f"nothing judged: {looked.message}; {said}")
    found = looked.result()
    show_table("anomalies", found["rows"], "Episodes of the last two days")
    said = f"{found['judged']} series, {found['new']} new episodes, {said}"
    if found["skipped"]:
        said += f"; not judged: {found['skipped']}"
    if told["failed"]:
        return Failed(message=f"{told['failed']} messages not taken: {told['rows'][-1]['error']}; {said}")
    return Completed(message=said)
