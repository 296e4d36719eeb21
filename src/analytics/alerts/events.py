"""Incidents in the store: `anomaly_events`, read and written by their series and start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics.alerts.incidents import Incident
from analytics.errors import InputError, nearest
from analytics.model import SeriesKey
from analytics.store.asking import changed, rows
from analytics.store.remarks import Annotation, Kind, add

if TYPE_CHECKING:
    from analytics.store import Store

KEPT = ("confirmed_at", "excess", "pattern", "members")  # of `extra`
SAVE = """
INSERT INTO anomaly_events (time, platform, metric_type, content_id, author_id, severity, anomaly_type, actual_value,
    expected_value, deviation, duration_ms, detection_method, details, resolved_at, resolution, created_at)
VALUES (:time, :platform, :metric_type, :content_id, :author_id, :severity, :anomaly_type, :actual_value,
    :expected_value, :deviation, :duration_ms, :detection_method, CAST(:details AS jsonb), :resolved_at, :resolution,
    :created_at)
ON CONFLICT ON CONSTRAINT anomaly_events_once DO UPDATE SET
    severity = EXCLUDED.severity, actual_value = EXCLUDED.actual_value, expected_value = EXCLUDED.expected_value,
    deviation = EXCLUDED.deviation, duration_ms = EXCLUDED.duration_ms,
    resolved_at = CASE WHEN anomaly_events.resolved_by IS NULL THEN EXCLUDED.resolved_at
        ELSE anomaly_events.resolved_at END,
    resolution = CASE WHEN anomaly_events.resolved_by IS NULL THEN EXCLUDED.resolution
        ELSE anomaly_events.resolution END,
    details = coalesce(anomaly_events.details, '{}') || EXCLUDED.details
RETURNING anomaly_id, created_at
"""
LOAD = """
SELECT * FROM anomaly_events WHERE (resolved_at IS NULL OR (time >= :since AND NOT :open_only))
    AND (CAST(:kinds AS text[]) IS NULL OR anomaly_type = ANY(:kinds)) ORDER BY time
"""
OF_INCIDENT = "SELECT * FROM anomaly_events WHERE details ->> 'incident' = :key ORDER BY time"
KEYS = "SELECT DISTINCT details ->> 'incident' AS key FROM anomaly_events WHERE details ? 'incident'"
RESOLVE = """
UPDATE anomaly_events SET resolved_at = :at, resolved_by = :by, resolution = :resolution
WHERE details ->> 'incident' = :key AND resolved_by IS NULL
"""
ANNOTATE = """
UPDATE anomaly_events SET details = details || CAST(:said AS jsonb) WHERE details ->> 'incident' = :key
"""


def save(store: Store, events: Iterable[Incident], *, now: datetime) -> list[Incident]:
    """Write events, new and continued; return them with their ids. What people said about one is kept.

    An event that is over is resolved with the end it had.
    """
    saved = []
    with store.begin() as connection:
        for event in events:
            (row,) = rows(connection, SAVE, **_row(event, now))
            saved.append(replace(event, anomaly_id=row["anomaly_id"], found_at=row["created_at"]))
    return saved


def load(
    store: Store, *, since: datetime, open_only: bool = False, kinds: Sequence[str] | None = None
) -> list[Incident]:
    """Events that began at or after `since`, or are still open; oldest first."""
    chosen = None if kinds is None else list(kinds)
    with store.begin() as connection:
        return [_incident(row) for row in rows(connection, LOAD, since=since, open_only=open_only, kinds=chosen)]


def of_incident(store: Store, key: str) -> list[Incident]:
    """The events of an incident, oldest first.

    Raises:
        InputError: there is no such incident; names the nearest.
    """
    with store.begin() as connection:
        found = [_incident(row) for row in rows(connection, OF_INCIDENT, key=key)]
        known = [] if found else [row["key"] for row in rows(connection, KEYS)]
    if not found:
        raise InputError(f"incident {key!r}: there is none; {nearest(key, known)} `analytics alerts list` shows all")
    return found


def answer(store: Store, key: str, kind: Kind, *, by: str, at: datetime, note: str = "", **said: object) -> int:
    """Keep what somebody decided about an incident, for each of its series; return how many events it has.

    Args:
        kind: what was decided; see `store.remarks`.
        said: what later looks at the incident must know, such as `acknowledged_by` or `snoozed_until`.

    Raises:
        InputError: there is no such incident, or nobody who says so.
    """
    events = of_incident(store, key)
    remarks = [Annotation(e.series, e.start, e.last, kind, note, by, at, key) for e in events]
    with store.begin() as connection:
        add(connection, remarks)
        if said:
            changed(connection, ANNOTATE, key=key, said=json.dumps(said))
    return len(events)


def resolve(store: Store, key: str, *, by: str, at: datetime, resolution: str) -> int:
    """Declare an incident dealt with; the first to do so stays on record. Return how many events that closed.

    Raises:
        InputError: there is no such incident.
    """
    of_incident(store, key)
    with store.begin() as connection:
        return changed(connection, RESOLVE, key=key, by=by, at=at, resolution=resolution or "resolved")


def _row(event: Incident, now: datetime) -> dict[str, Any]:
    details = {
        **event.extra,
        "incident": event.key,
        "end": event.last.isoformat(),
        "direction": event.direction,
        "reason": event.reason,
        "is_open": event.is_open,
    }
    return {
        "time": event.start,
        "platform": event.series.platform,
        "metric_type": event.series.metric_type,
        "content_id": event.series.content_id,
        "author_id": event.series.author_id,
        "severity": event.severity,
        "anomaly_type": event.kind,
        "actual_value": event.observed,
        "expected_value": event.expected,
        "deviation": event.deviation,
        "duration_ms": round(event.duration_s * 1000),
        "detection_method": event.method,
        "details": json.dumps(details),
        "resolved_at": None if event.is_open else max(event.last, event.start),
        "resolution": None if event.is_open else event.resolution,
        "created_at": now,
    }


def _incident(row: Any) -> Incident:
    details = dict(row["details"] or {})
    snoozed = details.get("snoozed_until")
    return Incident(
        start=row["time"],
        series=SeriesKey(row["platform"], row["metric_type"], row["content_id"], row["author_id"]),
        kind=row["anomaly_type"],
        severity=row["severity"] or "low",
        observed=row["actual_value"],
        expected=row["expected_value"],
        deviation=row["deviation"],
        duration_s=(row["duration_ms"] or 0) / 1000,
        method=row["detection_method"],
        reason=details.get("reason", ""),
        end=datetime.fromisoformat(details["end"]) if details.get("end") else None,
        direction=details.get("direction", ""),
        is_open=row["resolved_at"] is None,
        key=details.get("incident", ""),
        anomaly_id=row["anomaly_id"],
        acknowledged_by=details.get("acknowledged_by"),
        snoozed_until=datetime.fromisoformat(snoozed).astimezone(UTC) if snoozed else None,
        found_at=row["created_at"],
        extra={name: details[name] for name in KEPT if name in details},
        is_muted=bool(details.get("muted")) or details.get("verdict") == "rejected",
    )


def closed(kept: Sequence[Incident], merged: Sequence[Incident], judged: set[SeriesKey]) -> list[Incident]:
    """Kept open events of judged series that were not found again: they are over."""
    seen = {event.anomaly_id for event in merged}
    return [
        replace(event, is_open=False)
        for event in kept
        if event.is_open and event.anomaly_id not in seen and event.series in judged
    ]
