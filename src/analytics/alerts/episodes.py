"""Events of the rules as they are kept, and what several platforms did together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analytics.alerts.incidents import Incident
from analytics.model import SeriesKey
from analytics.monitoring.latest import Judged

if TYPE_CHECKING:
    from analytics.anomalies import Event

EPISODE_GAP = timedelta(hours=1)


CROSS_HISTORY = timedelta(days=30)  # how often a platform stands out by itself


def together(judged: Sequence[Judged], before: Sequence[Incident], since: datetime) -> list[Incident]:
    """What several platforms did together since then, beyond coincidence; each under its first series' name.

    Args:
        before: events already kept; those of the 30 days before say how often each platform stands out by itself.
    """
    from analytics import anomalies

    by_series: dict[SeriesKey, list[Event]] = {entry.key: [] for entry in judged}
    for old in before:
        if old.kind in anomalies.SINGLE_SERIES_RULES and old.start < since:
            by_series.setdefault(old.series, []).append(event_of(old))
    for entry in judged:
        by_series[entry.key] += entry.events
    names = {str(key): key for key in by_series}
    found = []
    for event in anomalies.cross_platform(by_series):
        if event.start >= since:
            first = names[event.details["members"][0]["series"]]
            told = incident_of(first, event)
            extra = told.extra | {"members": [dict(member) for member in event.details["members"]]}
            found.append(replace(told, method="cross_platform", extra=extra))
    return found


def joined(events: Sequence[Incident], shared: Mapping[tuple[SeriesKey, datetime], Incident]) -> list[Incident]:
    """Events that platforms share in one incident: the earliest one's; an event told before keeps its own."""
    key_of: dict[tuple[str, str], str] = {}
    for event in sorted((e for e in events if (e.series, e.start) in shared), key=lambda e: e.start):
        for member in shared[event.series, event.start].extra["members"]:
            key_of.setdefault((member["series"], member["start"]), event.key)
    return [
        replace(event, key=key_of.get((str(event.series), event.start.isoformat()), event.key))
        if event.anomaly_id is None
        else event
        for event in events
    ]


def event_of(kept: Incident) -> Event:
    """A kept event as the rules know it, as far as it is kept."""
    from analytics.anomalies import Event

    confirmed = kept.extra.get("confirmed_at")
    return Event(
        rule=kept.kind,  # type: ignore[arg-type]  # the caller has chosen events of rules
        start=kept.start,
        end=kept.last,
        confirmed_at=datetime.fromisoformat(confirmed) if confirmed else kept.start,
        duration_s=kept.duration_s,
        direction="below" if kept.direction == "below" else "above",
        severity=kept.severity,
        peak_at=kept.start,
        observed=_known(kept.observed),
        expected=_known(kept.expected),
        deviation=_known(kept.deviation),
        relative_deviation=float("nan"),
        excess=float("nan"),
        detection_method=kept.method,
        reason=kept.reason,
        is_open=kept.is_open,
        details={"kind": kept.extra.get("pattern")},
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def incident_of(key: SeriesKey, event: Event) -> Incident:
    """A rule's event as it is kept."""
    return Incident(
        start=event.start,
        series=key,
        kind=event.rule,
        severity=event.severity,
        observed=_finite(event.observed),
        expected=_finite(event.expected),
        deviation=_finite(event.deviation),
        duration_s=event.duration_s,
        method=event.detection_method,
        reason=event.reason,
        end=event.end,
        direction=event.direction,
        is_open=event.is_open,
        extra={
            "confirmed_at": event.confirmed_at.isoformat(),
            "excess": _finite(event.excess),
            "pattern": event.details.get("kind"),
        },
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
