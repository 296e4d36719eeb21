"""From findings to actions: each recommendation names its evidence, and without evidence there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from analytics.model import SEVERITIES
from analytics.reports import formats
from analytics.reports.facts import change_without, first_reading, received_ratio
from analytics.reports.language import mark, say
from analytics.reports.traffic_data import DAY_S, SeriesMonth, ToldIncident, TrafficData
from analytics.reports.wording import amount, change, counted, listed, share

COVERAGE_WANTED = 0.95
BAND_TOLERANCE = 0.05
BAND_DOUBT = 0.01
ECHO = timedelta(days=1)
NOTABLE_CHANGE = 0.20
MAX_INCIDENTS = 3


@dataclass(frozen=True)
class Recommendation:
    """One action, the finding behind it, and how pressing it is (3: now, 2: soon, 1: when there is time)."""

    urgency: int
    action: str
    evidence: str


def recommendations(data: TrafficData) -> tuple[Recommendation, ...]:
    """All that the rules find, the most pressing first."""
    found = [entry for rule in RULES for entry in rule(data)]
    return tuple(sorted(found, key=lambda entry: -entry.urgency))


def severe_incidents(data: TrafficData) -> list[ToldIncident]:
    """High and critical incidents of own accounts, the largest first."""
    chosen = [told for told in data.own_incidents if SEVERITIES.index(told.incident.severity) >= 2]
    return sorted(chosen, key=lambda told: -abs(told.worst[1].deviation))


def around(at: datetime, item: SeriesMonth, data: TrafficData) -> str:
    """When a series did something, as a sentence wants it: on a day where it has daily values, else at a time of it."""
    local = at.astimezone(data.zone)
    day = formats.day(local.date())
    return say("on {day}", day=day) if item.series.step_s >= DAY_S else say(AROUND, day=day, time=f"{local:%H:%M}")


AROUND = mark("on {day} around {time}")


def _look_into_incidents(data: TrafficData) -> Iterator[Recommendation]:
    """What happened at the three largest incidents; one beside a larger one of the same series is its echo."""
    asked: list[ToldIncident] = []
    for told in severe_incidents(data):
        if not any(_echoes(told, larger) for larger in asked):
            asked.append(told)
    for told in asked[:MAX_INCIDENTS]:
        key, event = told.worst
        item = data.item(key)
        about = {
            "when": around(event.peak_at, item, data),
            "series": listed([data.item(other).full_name for other in told.keys]),
        }
        if event.direction == "above":
            ask = counted(
                len(told.keys),
                "Find out what was published or said {when}, when {series} rose; note the cause, so that the "
                "baseline does not learn it.",
                "Find out what was published or said {when}, when {series} rose together; note the cause, so "
                "that the baseline does not learn it.",
                **about,
            )
        else:
            ask = counted(
                len(told.keys),
                "Find out what was withdrawn or went wrong {when}, when {series} fell; note the cause, so that "
                "the baseline does not learn it.",
                "Find out what was withdrawn or went wrong {when}, when {series} fell together; note the cause, "
                "so that the baseline does not learn it.",
                **about,
            )
        yield Recommendation(
            2,
            ask,
            say(
                "{series}: {observed} where {expected} is normal, {severity} severity, for {duration}",
                series=item.full_name,
                observed=amount(event.observed, item.series.definition),
                expected=amount(event.expected, item.series.definition),
                severity=say(told.incident.severity),
                duration=formats.duration(told.duration_s),
            ),
        )


def _echoes(told: ToldIncident, larger: ToldIncident) -> bool:
    one, other = told.incident, larger.incident
    apart = max(one.start, other.start) - min(one.end, other.end)
    return set(told.keys) <= set(larger.keys) and apart <= ECHO


def begins(item: SeriesMonth) -> datetime | None:
    """When a series that is new this month was first read; None where it was known before."""
    return first_reading(item.facts, item.series.amounts.times, item.series.amounts.values)


def _received_ratio(item: SeriesMonth) -> float:
    return received_ratio(item.facts, begins(item))


def _repair_collection(data: TrafficData) -> Iterator[Recommendation]:
    poor = [item for item in data.items if _received_ratio(item) < COVERAGE_WANTED]
    if poor:
        poor.sort(key=_received_ratio)
        yield Recommendation(
            3,
            say(
                "Repair the collection of {series}; until then the totals are a floor.",
                series=listed([item.full_name for item in poor]),
            ),
            say(
                "Received, of the readings due: {series}",
                series=", ".join(f"{item.full_name} {share(_received_ratio(item))}" for item in poor),
            ),
        )
    if data.absent:
        yield Recommendation(
            3,
            say("Check the sources of {series}.", series=listed([formats.clean(name) for name in data.absent])),
            counted(
                len(data.absent),
                "{n} series with earlier readings had none in the period: {series}",
                "{n} series with earlier readings had none in the period: {series}",
                series=", ".join(formats.clean(name) for name in data.absent),
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


def verdict(item: SeriesMonth) -> str:
    """Whether a series' band is `too narrow`, `too wide` or `as claimed`."""
    if _held_too_rarely(item):
        return mark("too narrow")
    claimed = item.series.baseline.coverage
    return mark("too wide") if item.in_band_ratio > claimed + (1 - claimed) * 0.8 else mark("as claimed")


def _held_too_rarely(item: SeriesMonth) -> bool:
    if not item.judged_readings or not item.in_band_ratio < item.series.baseline.coverage - BAND_TOLERANCE:
        return False
    from scipy.stats import binom

    held = round(item.in_band_ratio * item.judged_readings)
    return float(binom.cdf(held, item.judged_readings, item.series.baseline.coverage)) < BAND_DOUBT


def _follow_large_changes(data: TrafficData) -> Iterator[Recommendation]:
    """Changes that are large also without the days of severe incidents, which are asked about by themselves."""
    severe = severe_incidents(data)
    for item in data.own:
        ratio = item.previous.adjusted_change_ratio
        days = _days_of(severe, item, data)
        calm = change_without(item.facts, item.previous, days) if days else float("nan")
        if abs(ratio) >= NOTABLE_CHANGE and not abs(calm) < NOTABLE_CHANGE:
            text = GREW if ratio > 0 else SLOWED
            yield Recommendation(2, say(text, series=item.full_name), _compared(item, calm))


def _days_of(severe: Sequence[ToldIncident], item: SeriesMonth, data: TrafficData) -> set[date]:
    """Local days that a series' events of these incidents touch."""
    events = [event for told in severe for key, event in told.incident.members if key == item.series.key]
    found: set[date] = set()
    for event in events:
        first, last = (at.astimezone(data.zone).date() for at in (event.start, event.end))
        found |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return found


GREW = mark("Find what fed the growth of {series}, and decide whether the next plan should follow it.")
SLOWED = mark("Find what slowed {series}, and decide whether the next plan should follow it.")


def _compared(item: SeriesMonth, calm: float) -> str:
    text = COMPARED_LEVEL if item.is_level else COMPARED if np.isnan(calm) else COMPARED_CALM
    return say(
        text,
        change=change(item.previous.adjusted_change_ratio),
        period=formats.period(item.previous.other),
        calm=change(calm),
    )


COMPARED = mark("{change} against {period}, same weekdays compared")
COMPARED_CALM = mark("{change} against {period}, same weekdays compared; {calm} without the days of incidents")
COMPARED_LEVEL = mark("{change} against {period}, levels at the end compared")


def _bring_history(data: TrafficData) -> Iterator[Recommendation]:
    """Where days before the month are missing; over a new meaning no history can be compared."""
    refused = [item for item in data.items if item.previous.lacks == "earlier days"]
    if refused:
        yield Recommendation(
            1,
            say(
                "Import the history of {period}, so that periods can be compared.",
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
