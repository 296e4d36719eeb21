"""Incidents in the store: `anomaly_events`, read and written by their series and start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics.alerts.incidents import Incident
from analytics.errors import InputError
from analytics.model import SeriesKey
from analytics.store.asking import changed, rows

if TYPE_CHECKING:
    from analytics.store import Store

SAVE = """
INSERT INTO anomaly_events (time, platform, metric_type, content_id, author_id, severity, anomaly_type, actual_value,
    expected_value, deviation, duration_ms, detection_method, details, resolved_at, resolution, created_at)
VALUES (:time, :platform, :metric_type, :content_id, :author_id, :severity, :anomaly_type, :actual_value,
    :expected_value, :deviation, :duration_ms, :detection_method, CAST(:details AS jsonb), :resolved_at, :resolution,
    :created_at)
ON CONFLICT ON CONSTRAINT anomaly_events_once DO UPDATE SET
    severity = EXCLUDED.severity, actual_value = EXCLUDED.actual_value, expected_value = EXCLUDED.expected_value,
    deviation = EXCLUDED.deviation, duration_ms = EXCLUDED.duration_ms, resolved_at = EXCLUDED.resolved_at,
    resolution = EXCLUDED.resolution, details = coalesce(anomaly_events.details, '{}') || EXCLUDED.details
RETURNING anomaly_id, created_at
"""
LOAD = """
SELECT * FROM anomaly_events WHERE resolved_at IS NULL OR (time >= :since AND NOT :open_only) ORDER BY time
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


def load(store: Store, *, since: datetime, open_only: bool = False) -> list[Incident]:
    """Events that began at or after `since`, or are still open; oldest first."""
    with store.begin() as connection:
        return [_incident(row) for row in rows(connection, LOAD, since=since, open_only=open_only)]


def annotate(store: Store, key: str, **said: object) -> int:
    """Write what somebody said about an incident into its events; return how many it has.

    Raises:
        InputError: there is no such incident.
    """
    with store.begin() as connection:
        found = changed(connection, ANNOTATE, key=key, said=json.dumps(said))
    if not found:
        raise InputError(f"incident {key!r}: there is none; `analytics alerts list` shows what is open")
    return found


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
        "resolution": None if event.is_open else "back to normal",
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
    )


def closed(kept: Sequence[Incident], merged: Sequence[Incident], judged: set[SeriesKey]) -> list[Incident]:
    """Kept open events of judged series that were not found again: they are over."""
    seen = {event.anomaly_id for event in merged}
    return [
        replace(event, is_open=False)
        for event in kept
        if event.is_open and event.anomaly_id not in seen and event.series in judged
    ]
