"""From findings to actions: each recommendation names its evidence, and without evidence there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from analytics.model import SEVERITIES
from analytics.periods.facts import change_without, first_reading, received_ratio
from analytics.periods.figures import SeriesMonth, TrafficData, local
from analytics.periods.incidents import DAY_S, ToldIncident
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import amount, change, counted, listed, share

COVERAGE_WANTED = 0.95
BAND_TOLERANCE = 0.05
BAND_DOUBT = 0.01
ECHO = timedelta(days=1)
NOTABLE_CHANGE = 0.20
WORTH_TELLING = 0.02  # a change below it is no news
ARRIVES_WITHIN = timedelta(days=3)  # a platform's figure of a day: before, nothing of it is late
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


def around(told: ToldIncident, data: TrafficData) -> str:
    """When an incident began, as a sentence wants it: on a day where it has daily values, else at a time of it."""
    return _on(local(told.incident.start, data.item(told.incident.members[0][0]), data))


def _on(at: date) -> str:
    day = formats.day(at)
    return say(AROUND, day=day, time=f"{at:%H:%M}") if isinstance(at, datetime) else say("on {day}", day=day)


AROUND = mark("on {day} around {time}")
ROSE = mark("Find out what was published or said when figures rose: {times}.")
FELL = mark("Find out what was withdrawn or went wrong when figures fell: {times}.")


def _look_into_incidents(data: TrafficData) -> Iterator[Recommendation]:
    """What happened at the three largest incidents; one beside a larger one of the same series is its echo."""
    asked: list[ToldIncident] = []
    for told in severe_incidents(data):
        if not any(_echoes(told, larger) for larger in asked):
            asked.append(told)
    asked = asked[:MAX_INCIDENTS]
    for way in dict.fromkeys(told.worst[1].direction for told in asked):
        found = [told for told in asked if told.worst[1].direction == way]
        yield Recommendation(
            2,
            say(ROSE if way == "above" else FELL, times="; ".join(_time_and_series(told, data) for told in found)),
            "; ".join(_evidence(told, data) for told in found),
        )


def _time_and_series(told: ToldIncident, data: TrafficData) -> str:
    series = listed([data.short_name(data.item(key)) for key in told.keys], limit=3)
    return f"{around(told, data)} ({series})"


def _evidence(told: ToldIncident, data: TrafficData) -> str:
    key, event = told.worst
    item = data.item(key)
    return say(
        "{series}: {observed} where {expected} is normal, {severity} severity, for {duration}",
        series=data.short_name(item),
        observed=amount(event.observed, item.series.definition),
        expected=amount(event.expected, item.series.definition),
        severity=say(told.incident.severity),
        duration=formats.duration(told.duration_s),
    )


def _echoes(told: ToldIncident, larger: ToldIncident) -> bool:
    one, other = told.incident, larger.incident
    apart = max(one.start, other.start) - min(one.end, other.end)
    return set(told.keys) <= set(larger.keys) and apart <= ECHO


def begins(item: SeriesMonth) -> datetime | None:
    """When a series that is new in the period was first read; None where it was known before."""
    if item.first_at <= item.facts.days.index[0]:
        return None
    return first_reading(item.series.amounts.times, item.series.amounts.values)


def received_share(item: SeriesMonth, data: TrafficData) -> float:
    """Share of the readings due that were received: of a new series, due since its first; of daily figures in a period
    that still runs, of the days for which none is on its way any more.
    """
    since = begins(item)
    if data.reached is None or item.series.amounts.step_s < DAY_S:
        return received_ratio(item.facts, since)
    days = item.facts.days["coverage_ratio"]
    due = days[(days.index >= (since or days.index[0])) & (days.index <= data.reached - ARRIVES_WITHIN)]
    return float(due.mean()) if len(due) else 1.0


def _repair_collection(data: TrafficData) -> Iterator[Recommendation]:
    poor = [(received_share(item, data), item) for item in data.items]
    poor = sorted((entry for entry in poor if entry[0] < COVERAGE_WANTED), key=lambda entry: entry[0])
    if poor:
        yield Recommendation(
            3,
            say(
                "Repair the collection of {series}; until then the totals are a floor.",
                series=listed([item.full_name for _, item in poor]),
            ),
            say(
                "Received, of the readings due: {series}",
                series=", ".join(f"{item.full_name} {share(received)}" for received, item in poor),
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
    found: tuple[list[tuple[SeriesMonth, str]], ...] = ([], [])
    for item in data.own:
        ratio = item.previous.adjusted_change_ratio
        days = days_of(severe, item, data)
        calm = change_without(item.facts, item.previous, days) if days else float("nan")
        if abs(ratio) >= NOTABLE_CHANGE and not abs(calm) < NOTABLE_CHANGE:
            found[ratio < 0].append((item, _compared(item, calm)))
    for text, told in zip((GREW, SLOWED), found, strict=True):
        if told:
            names = [data.short_name(item) for item, _ in told]
            why = "; ".join(f"{name}: {said}" for name, (_, said) in zip(names, told, strict=True))
            yield Recommendation(2, say(text, series=listed(names)), why)


def days_of(severe: Sequence[ToldIncident], item: SeriesMonth, data: TrafficData) -> set[date]:
    """Local days that a series' events of these incidents touch."""
    events = [event for told in severe for key, event in told.incident.members if key == item.series.key]
    found: set[date] = set()
    for event in events:
        first, last = (at.astimezone(data.zone).date() for at in (event.start, event.end))
        found |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return found


GREW = mark("Find what fed the growth of {series}, and decide whether the next plan should follow it.")
SLOWED = mark("Find what slowed {series} before the next period is planned.")


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
    """Where days of a series that was read before are missing; over a new meaning no history can be compared."""
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
