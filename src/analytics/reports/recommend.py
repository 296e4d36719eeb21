"""From findings to actions: each recommendation names its evidence, and without evidence there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analytics.model import SEVERITIES
from analytics.reports import formats
from analytics.reports.traffic_data import SeriesMonth, ToldIncident, TrafficData, when
from analytics.reports.wording import change, listed, plural, share

COVERAGE_WANTED = 0.95
BAND_TOLERANCE = 0.03
BAND_DOUBT = 0.01
NOTABLE_CHANGE = 0.20
MAX_INCIDENTS = 3


@dataclass(frozen=True)
class Recommendation:
    """One action, the finding behind it, and how pressing it is (3: now, 2: this month, 1: when there is time)."""

    urgency: int
    action: str
    evidence: str


def recommendations(data: TrafficData) -> tuple[Recommendation, ...]:
    """All that the rules find, the most pressing first."""
    found = [entry for rule in RULES for entry in rule(data)]
    return tuple(sorted(found, key=lambda entry: -entry.urgency))


def severe_incidents(data: TrafficData) -> list[ToldIncident]:
    """High and critical incidents, the largest first."""
    chosen = [told for told in data.incidents if SEVERITIES.index(told.incident.severity) >= 2]
    return sorted(chosen, key=lambda told: -abs(told.worst[1].deviation))


def _look_into_incidents(data: TrafficData) -> Iterator[Recommendation]:
    """What happened at the three largest incidents."""
    for told in severe_incidents(data)[:MAX_INCIDENTS]:
        key, event = told.worst
        item = data.item(key)
        names = listed([data.item(other).full_name for other in told.keys])
        together = " together" if len(told.keys) > 1 else ""
        what = "what was published or said" if event.direction == "above" else "what was withdrawn or went wrong"
        verb = "rose" if event.direction == "above" else "fell"
        yield Recommendation(
            2,
            f"Find out {what} around {when(event.peak_at, item, data)}, when {names} {verb}{together}; note the cause, "
            "so that the baseline does not learn it.",
            f"{item.full_name}: {formats.compact(event.observed)} {item.unit} where {formats.compact(event.expected)} "
            f"is normal, {told.incident.severity} severity, for {formats.duration(told.duration_s)}",
        )


def _repair_collection(data: TrafficData) -> Iterator[Recommendation]:
    poor = [item for item in data.items if item.facts.coverage_ratio < COVERAGE_WANTED]
    if poor:
        worst = min(poor, key=lambda item: item.facts.coverage_ratio)
        yield Recommendation(
            3,
            f"Repair the collection of {listed([item.full_name for item in poor])}; until then the totals are a floor.",
            f"{worst.full_name}: {share(worst.facts.coverage_ratio)} of the readings due were received",
        )
    if data.absent:
        yield Recommendation(
            3,
            f"Check the sources of {listed([formats.clean(name) for name in data.absent])}.",
            f"{plural(len(data.absent), 'series', 'series')} with earlier readings had none this month",
        )


def _doubt_the_band(data: TrafficData) -> Iterator[Recommendation]:
    """Bands that held less often than chance explains, by a one-sided binomial test at 1 %."""
    doubtful = [item for item in data.items if _held_too_rarely(item)]
    if doubtful:
        worst = min(doubtful, key=lambda item: item.in_band_ratio)
        yield Recommendation(
            1,
            f"Try another baseline for {listed([item.full_name for item in doubtful])}, and until then do not act on "
            "small deviations.",
            f"{worst.full_name}: the band claims {share(worst.series.baseline.coverage)} and held "
            f"{share(worst.in_band_ratio)} of {worst.judged_readings:,} judged readings",
        )


def _held_too_rarely(item: SeriesMonth) -> bool:
    if not item.judged_readings or not item.in_band_ratio < item.series.baseline.coverage - BAND_TOLERANCE:
        return False
    from scipy.stats import binom

    held = round(item.in_band_ratio * item.judged_readings)
    return float(binom.cdf(held, item.judged_readings, item.series.baseline.coverage)) < BAND_DOUBT


def _follow_large_changes(data: TrafficData) -> Iterator[Recommendation]:
    for item in data.items:
        ratio = item.previous.adjusted_change_ratio
        if np.isfinite(ratio) and abs(ratio) >= NOTABLE_CHANGE:
            what = "Find what fed the growth of" if ratio > 0 else "Find what slowed"
            yield Recommendation(
                2,
                f"{what} {item.full_name}, and decide whether next month's plan should follow it.",
                f"{change(ratio)} against {item.previous.other.label}, same weekdays compared",
            )


def _bring_history(data: TrafficData) -> Iterator[Recommendation]:
    refused = [item for item in data.items if item.previous.refusal]
    if refused:
        yield Recommendation(
            1,
            f"Import the history of {refused[0].previous.other.label}, so that months can be compared.",
            f"{refused[0].full_name}: {refused[0].previous.refusal}",
        )


RULES: tuple[Callable[[TrafficData], Iterator[Recommendation]], ...] = (
    _repair_collection,
    _look_into_incidents,
    _follow_large_changes,
    _doubt_the_band,
    _bring_history,
)
