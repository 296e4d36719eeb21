"""What people said about an incident, and what follows: silence, training masks, thresholds.

Pure functions on frozen dataclasses: the store keeps them, these decide. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from analytics.anomalies.incidents import Incident
from analytics.model import SeriesKey

Verdict = Literal["new", "confirmed", "rejected"]
LEAST_FACTOR, MOST_FACTOR = 0.8, 2.0
UP, DOWN = 1.10, 0.97  # a false alarm costs trust at once, a true one proves little about the next


@dataclass(frozen=True)
class Note:
    """One thing somebody did to an incident."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class Handling:
    """What people decided about an incident; every change leaves a note.

    `muted` silences it for good, `snoozed_until` for a while; `verdict` says whether it was real.
    """

    incident_id: str
    verdict: Verdict = "new"
    muted: bool = False
    snoozed_until: datetime | None = None
    notes: tuple[Note, ...] = ()

    def is_silent(self, at: datetime) -> bool:
        """Whether no alert about it should go out at `at`."""
        snoozed = self.snoozed_until is not None and at < self.snoozed_until
        return self.muted or snoozed or self.verdict == "rejected"


def annotate(handling: Handling, text: str, *, by: str, at: datetime) -> Handling:
    """Add a remark."""
    return replace(handling, notes=(*handling.notes, Note(at, by, text)))


def mute(handling: Handling, *, by: str, at: datetime) -> Handling:
    """No more alerts about this incident."""
    return annotate(replace(handling, muted=True), "muted", by=by, at=at)


def snooze(handling: Handling, until: datetime, *, by: str, at: datetime) -> Handling:
    """No alerts about this incident until then."""
    text = f"snoozed until {until:%Y-%m-%d %H:%M} UTC"
    return annotate(replace(handling, snoozed_until=until), text, by=by, at=at)


def confirm(handling: Handling, *, by: str, at: datetime) -> Handling:
    """It was real: its time leaves the training data (see `training_mask`)."""
    return annotate(replace(handling, verdict="confirmed"), "confirmed", by=by, at=at)


def reject(handling: Handling, *, by: str, at: datetime) -> Handling:
    """It was nothing: silence, and thresholds rise a little (see `learn`)."""
    return annotate(replace(handling, verdict="rejected"), "rejected", by=by, at=at)


def training_mask(
    incidents: Iterable[Incident], handlings: Iterable[Handling], series: SeriesKey
) -> list[tuple[datetime, datetime]]:
    """Stretches a baseline of `series` should not learn from: its events in confirmed incidents, by start."""
    real = {h.incident_id for h in handlings if h.verdict == "confirmed"}
    spans = [
        (event.start, event.end)
        for incident in incidents
        if incident.incident_id in real
        for key, event in incident.members
        if key == series
    ]
    return sorted(spans)


@dataclass(frozen=True)
class Sensitivity:
    """By how much a series' thresholds are multiplied (`Settings.scaled`), and what moved them."""

    factor: float = 1.0
    confirmed: int = 0
    rejected: int = 0


def learn(sensitivity: Sensitivity, verdict: Verdict) -> tuple[Sensitivity, str]:
    """Thresholds after one more verdict, and a sentence that says so.

    >>> learn(Sensitivity(), "rejected")
    (Sensitivity(factor=1.1, confirmed=0, rejected=1), 'Thresholds raised to 110 % after 1 rejected, 0 confirmed.')
    >>> learn(Sensitivity(factor=2.0, rejected=9), "rejected")[1]
    'Thresholds stay at 200 %, the most feedback may do, after 10 rejected, 0 confirmed.'
    """
    if verdict == "new":
        return sensitivity, f"Thresholds stay at {100 * sensitivity.factor:.0f} %: no verdict yet."
    step = UP if verdict == "rejected" else DOWN
    factor = round(min(max(sensitivity.factor * step, LEAST_FACTOR), MOST_FACTOR), 6)
    after = Sensitivity(
        factor, sensitivity.confirmed + (verdict == "confirmed"), sensitivity.rejected + (verdict == "rejected")
    )
    level, because = f"{100 * factor:.0f} %", f"after {after.rejected} rejected, {after.confirmed} confirmed."
    if factor == sensitivity.factor:
        return after, f"Thresholds stay at {level}, the {'most' if step > 1 else 'least'} feedback may do, {because}"
    return after, f"Thresholds {'raised' if factor > sensitivity.factor else 'lowered'} to {level} {because}"
