"""Events as they are kept, matched with what was found before, and grouped into incidents. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.model import SEVERITIES, SeriesKey, Severity

TOGETHER = timedelta(minutes=45)  # events that begin this close are one incident
RESTARTED = timedelta(hours=1)  # an episode found anew this close to where it was is the same episode
FORGOTTEN = timedelta(days=3)  # a series without a reading for this long is no longer judged
HEALTH = "health"


@dataclass(frozen=True)
class Incident:
    """One abnormal episode of one series, or of a collector (`kind` "health", no metric).

    `key` names the incident it belongs to: '' until it is grouped. `details` holds what has no column: end, direction,
    reason, whether it is open, who acknowledged it, until when it is snoozed, and whether it is muted or rejected.
    """

    start: datetime
    series: SeriesKey
    kind: str
    severity: Severity
    observed: float | None = None
    expected: float | None = None
    deviation: float | None = None
    duration_s: float = 0.0
    method: str = ""
    reason: str = ""
    end: datetime | None = None
    direction: str = ""
    is_open: bool = False
    key: str = ""
    anomaly_id: UUID | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    found_at: datetime | None = None
    is_muted: bool = False
    resolution: str = "back to normal"  # once it is over
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def same(self) -> tuple[SeriesKey, str, str]:
        """What must agree for two episodes to be one."""
        return (self.series, self.kind, self.direction)

    @property
    def confirmed_at(self) -> datetime | None:
        """When it was sure; a content that breaks out is dated by its post."""
        text = self.extra.get("confirmed_at")
        return datetime.fromisoformat(text) if text else None

    @property
    def last(self) -> datetime:
        """Its last abnormal moment known."""
        return self.end or self.start


def _continues(old: Incident, new: Incident) -> bool:
    return old.same == new.same and new.start <= old.last + RESTARTED and old.start <= new.last + RESTARTED


def merge(
    found: Iterable[Incident],
    kept: Sequence[Incident],
    *,
    is_same: Callable[[Incident, Incident], bool] = _continues,
) -> list[Incident]:
    """What was found now, with the identity of what was found before; each kept episode is continued once.

    Models learn anew every day, so an episode's first abnormal reading may move a little between two looks; it stays
    the same episode, with its start, its incident and what people said about it.
    """
    merged = []
    taken: set[UUID | None] = set()
    for new in found:
        old = next((k for k in kept if k.anomaly_id not in taken and is_same(k, new)), None)
        if old is None:
            merged.append(new)
            continue
        taken.add(old.anomaly_id)
        kept_fields = (
            "start",
            "key",
            "anomaly_id",
            "acknowledged_by",
            "snoozed_until",
            "is_muted",
            "found_at",
            "method",
        )
        merged.append(replace(new, **{name: getattr(old, name) for name in kept_fields}))
    return merged


def grouped(events: Sequence[Incident], kept: Sequence[Incident] = ()) -> list[Incident]:
    """Give every event its incident's key: that of one beginning within 45 minutes, on whichever platform, or its own.

    A collector's ill health is never grouped with what the data say.
    """
    known = [event for event in kept if event.key]
    result = []
    for event in sorted(events, key=lambda e: e.start):
        if not event.key:
            near = [k for k in known if abs(k.start - event.start) <= TOGETHER and _groupable(k, event)]
            nearest = min(near, key=lambda k: abs(k.start - event.start), default=None)
            event = replace(event, key=nearest.key if nearest else own_key(event))
        known.append(event)
        result.append(event)
    return result


def _groupable(one: Incident, other: Incident) -> bool:
    return one.kind != HEALTH and other.kind != HEALTH and one.direction == other.direction


def own_key(event: Incident) -> str:
    """A name people can type.

    >>> from datetime import UTC
    >>> stars = SeriesKey("github", "stars", "", "acme/orchard")
    >>> own_key(Incident(datetime(2026, 11, 20, 9, 5, tzinfo=UTC), stars, "statistical", "low", direction="above"))
    '20261120-0905-github-acme-orchard-stars-above'
    """
    account = re.sub(r"[^\w.]+", "-", event.series.author_id).strip("-")
    parts = [event.series.platform, account, event.series.metric_type or event.kind]
    parts += [event.direction] if event.kind != HEALTH else []
    return "-".join([f"{event.start:%Y%m%d-%H%M}", *filter(None, parts)])


def worst(events: Iterable[Incident]) -> Severity:
    """The highest severity among events."""
    return max((event.severity for event in events), key=SEVERITIES.index)


def mutes(
    health: Iterable[Incident], event: Incident, accounts: Collection[str] = (), *, now: datetime
) -> Incident | None:
    """The collector's trouble that explains a data event, if any: the event began while its account was ill.

    Missing data look like a fall or a silence, never like a rise. An event of no account that is collected, such as one
    of several together, is explained where all of them are ill. One that outlasts the trouble is no longer explained.

    Args:
        accounts: those collected of the event's platform.
    """
    if event.kind == HEALTH or event.direction == "above":
        return None
    ill = {other.series.author_id: other for other in health if _was_ill(other, event, now)}
    own = ill.get(event.series.author_id)
    if own or event.series.author_id in accounts:
        return own
    return next(iter(ill.values()), None) if set(accounts) <= set(ill) else None


def _was_ill(ill: Incident, event: Incident, now: datetime) -> bool:
    if ill.kind != HEALTH or ill.series.platform != event.series.platform or event.start < ill.start - TOGETHER:
        return False
    return ill.is_open or (now if event.is_open else event.start) <= ill.last + TOGETHER
