"""From findings to actions: each recommendation names its evidence, and without evidence there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from analytics.model import SEVERITIES
from analytics.reports import formats
from analytics.reports.facts import first_reading, received_ratio
from analytics.reports.language import mark, say
from analytics.reports.traffic_data import SeriesMonth, ToldIncident, TrafficData, when
from analytics.reports.wording import change, counted, listed, share

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
        about = {
            "when": when(event.peak_at, item, data),
            "series": listed([data.item(other).full_name for other in told.keys]),
        }
        if event.direction == "above":
            ask = counted(
                len(told.keys),
                "Find out what was published or said around {when}, when {series} rose; note the cause, so that the "
                "baseline does not learn it.",
                "Find out what was published or said around {when}, when {series} rose together; note the cause, so "
                "that the baseline does not learn it.",
                **about,
            )
        else:
            ask = counted(
                len(told.keys),
                "Find out what was withdrawn or went wrong around {when}, when {series} fell; note the cause, so that "
                "the baseline does not learn it.",
                "Find out what was withdrawn or went wrong around {when}, when {series} fell together; note the cause, "
                "so that the baseline does not learn it.",
                **about,
            )
        yield Recommendation(
            2,
            ask,
            say(
                "{series}: {observed} {unit} where {expected} is normal, {severity} severity, for {duration}",
                series=item.full_name,
                observed=formats.compact(event.observed),
                unit=item.unit,
                expected=formats.compact(event.expected),
                severity=say(told.incident.severity),
                duration=formats.duration(told.duration_s),
            ),
        )


def begins(item: SeriesMonth) -> datetime | None:
    """When a series that is new this month was first read; None where it was known before."""
    return first_reading(item.facts, item.series.amounts.times, item.series.amounts.values)


def _received_ratio(item: SeriesMonth) -> float:
    return received_ratio(item.facts, begins(item))


def _repair_collection(data: TrafficData) -> Iterator[Recommendation]:
    poor = [item for item in data.items if _received_ratio(item) < COVERAGE_WANTED]
    if poor:
        worst = min(poor, key=_received_ratio)
        yield Recommendation(
            3,
            say(
                "Repair the collection of {series}; until then the totals are a floor.",
                series=listed([item.full_name for item in poor]),
            ),
            say(
                "{series}: {share} of the readings due were received",
                series=worst.full_name,
                share=share(_received_ratio(worst)),
            ),
        )
    if data.absent:
        yield Recommendation(
            3,
            say("Check the sources of {series}.", series=listed([formats.clean(name) for name in data.absent])),
            counted(
                len(data.absent),
                "{n} series with earlier readings had none this month",
                "{n} series with earlier readings had none this month",
            ),
        )


def _doubt_the_band(data: TrafficData) -> Iterator[Recommendation]:
    """Bands that held less often than chance explains, by a one-sided binomial test at 1 %."""
    doubtful = [item for item in data.items if _held_too_rarely(item)]
    if doubtful:
        worst = min(doubtful, key=lambda item: item.in_band_ratio)
        yield Recommendation(
            1,
            say(
                "Try another baseline for {series}, and until then do not act on small deviations.",
                series=listed([item.full_name for item in doubtful]),
            ),
            counted(
                worst.judged_readings,
                "{series}: the band claims {claimed} and held {held} of {n} judged reading",
                "{series}: the band claims {claimed} and held {held} of {n} judged readings",
                series=worst.full_name,
                claimed=share(worst.series.baseline.coverage),
                held=share(worst.in_band_ratio),
            ),
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
            yield Recommendation(2, say(GREW if ratio > 0 else SLOWED, series=item.full_name), _compared(item))


GREW = mark("Find what fed the growth of {series}, and decide whether next month's plan should follow it.")
SLOWED = mark("Find what slowed {series}, and decide whether next month's plan should follow it.")


def _compared(item: SeriesMonth) -> str:
    return say(
        "{change} against {period}, same weekdays compared",
        change=change(item.previous.adjusted_change_ratio),
        period=formats.period(item.previous.other),
    )


def _bring_history(data: TrafficData) -> Iterator[Recommendation]:
    """Where days before the month are missing; over a new meaning no history can be compared."""
    refused = [item for item in data.items if item.previous.lacks == "earlier days"]
    if refused:
        yield Recommendation(
            1,
            say(
                "Import the history of {period}, so that months can be compared.",
                period=formats.period(refused[0].previous.other),
            ),
            f"{refused[0].full_name}: {refused[0].previous.refusal}",
        )


RULES: tuple[Callable[[TrafficData], Iterator[Recommendation]], ...] = (
    _repair_collection,
    _look_into_incidents,
    _follow_large_changes,
    _doubt_the_band,
    _bring_history,
)
