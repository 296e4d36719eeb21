"""The first page: what rose, what fell, what mattered and why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from analytics.periods.facts import change_without
from analytics.periods.figures import SeriesMonth, TrafficData, when
from analytics.periods.incidents import ToldIncident
from analytics.reports.sections.meanings import two_meanings
from analytics.reports.sections.recommend import (
    COVERAGE_WANTED,
    WORTH_TELLING,
    around,
    begins,
    days_of,
    received_share,
    recommendations,
    severe_incidents,
)
from analytics.reports.traffic.tables import likely_causes
from analytics.wording import formats
from analytics.wording.language import language, mark, say
from analytics.wording.sentences import amount, counted, listed, share

MOST_TOLD = 2  # changes in one sentence, of as many platforms
MOST_DAYS = 3
TELLING_SHARE = 0.7  # of what the days of incidents brought beyond an ordinary day


def sentences(data: TrafficData) -> list[str]:
    """Three to five plain sentences, in the order a hurried reader needs them."""
    told = [*_moved(data), *_mattered(data), *_incomplete(data), *_to_do(data)]
    return [text[:1].upper() + text[1:] for text in told]  # names of months begin small in some languages


def _moved(data: TrafficData) -> Iterator[str]:
    """What rose and what fell, a sentence each."""
    other = formats.period(data.own[0].previous.other)
    known = [item for item in data.own if np.isfinite(item.previous.adjusted_change_ratio)]
    if not known:
        reason = data.own[0].previous.refusal or say("not comparable")
        yield say("{period} is not compared with {other}: {reason}.", period=data.label, other=other, reason=reason)
        return
    if all(item.is_level for item in known) and len(known) < len(data.own):  # as of one day, which has no weekday
        other = say("{period}, levels only", period=other)
    rose, fell = (
        "; ".join(say(text, **_change(item, data)) + _mostly(item, data) for item in found)
        for text, found in zip((ROSE, FELL), largest_changes(data), strict=True)
    )
    if not rose and not fell:
        least = formats.percent(WORTH_TELLING, decimals=0)
        yield say(
            "{period} against {other}: no figure changed by {least} or more.",
            period=data.label,
            other=other,
            least=least,
        )
        return
    yield say("{period} against {other}: {changes}.", period=data.label, other=other, changes=rose or fell)
    if rose and fell:
        yield f"{fell}."


ROSE, FELL = mark("{series} rose {share} to {amount}"), mark("{series} fell {share} to {amount}")


def largest_changes(data: TrafficData) -> tuple[list[SeriesMonth], list[SeriesMonth]]:
    """Own series that rose, and those that fell, by enough to be told: the largest of each platform, largest first."""
    known = [item for item in data.own if abs(item.previous.adjusted_change_ratio) >= WORTH_TELLING]
    known.sort(key=lambda item: -abs(item.previous.adjusted_change_ratio))
    both: tuple[list[SeriesMonth], list[SeriesMonth]] = ([], [])
    for item in known:
        found = both[item.previous.adjusted_change_ratio < 0]
        if len(found) < MOST_TOLD and all(item.platform != other.platform for other in found):
            found.append(item)
    return both


def _change(item: SeriesMonth, data: TrafficData) -> dict[str, str]:
    ratio = abs(item.previous.adjusted_change_ratio)
    return {
        "series": formats.literal(data.short_name(item, total=True)),
        "share": formats.percent(ratio, decimals=0 if ratio >= 0.1 else 1),
        "amount": formats.compact(item.facts.total),
    }


def _mostly(item: SeriesMonth, data: TrafficData) -> str:
    """In brackets, the days of incidents without which the change would be less than half of what it is."""
    ratio = item.previous.adjusted_change_ratio
    days = days_of(data.incidents_of(item), item, data)
    calm = change_without(item.facts, item.previous, days) if days else float("nan")
    if not calm * np.sign(ratio) < abs(ratio) / 2:
        return ""
    told = _telling_days(item, days, up=ratio > 0)
    moved = item.facts.movement
    if len(told) == 1 and item.facts.aggregation == "increase":
        brought = float(moved[pd.DatetimeIndex(moved.index).date == told[0]].iloc[0])
        if brought < 0:
            lost, day = amount(-brought, item.series.definition), formats.day_of_year(told[0])
            return f" ({say('{amount} lost on {day}', amount=lost, day=day)})"
    return f" ({say('mostly on {days}', days=listed(list(map(formats.day_of_year, told))))})" if told else ""


def _telling_days(item: SeriesMonth, days: set[date], *, up: bool) -> list[date]:
    """The fewest of these days that hold most of what they brought beyond an ordinary day, in their order."""
    moved = item.facts.movement
    beyond = (moved - moved.median()) * (1 if up else -1)
    beyond = beyond[[day in days for day in pd.DatetimeIndex(moved.index).date] & (beyond > 0).to_numpy()]
    beyond = beyond.sort_values(ascending=False)
    enough = int((beyond.cumsum() < TELLING_SHARE * beyond.sum()).sum()) + 1
    return sorted(pd.DatetimeIndex(beyond.index[: min(enough, MOST_DAYS)]).date)


def _mattered(data: TrafficData) -> Iterator[str]:
    """How many incidents there were, the largest of ours, and why it may have come about."""
    if not any(item.judged_readings for item in data.own):
        yield say("There is too little history to say what is normal.")
        return
    others = len(data.incidents) - len(data.own_incidents)
    beside = counted(others, " ({n} of them of competitors only)", " ({n} of them of competitors only)")
    beside = beside if others else ""
    if not data.own_incidents:
        quiet = say("No figure left its usual range long enough to count as an incident.")
        alone = counted(
            others,
            "{n} incident was found, of competitors only.",
            "{n} incidents were found, of competitors only.",
        )
        yield alone if others else quiet
        return
    severe = severe_incidents(data)
    found = counted(
        len(data.incidents), "{n} incident was found{beside}", "{n} incidents were found{beside}", beside=beside
    )
    if not severe:
        none = say("none of ours of high or critical severity") if others else say("none of high or critical severity")
        yield f"{found}, {none}."
        return
    worst = _worst(severe[0], data)
    ours = counted(
        len(severe),
        "{n} of ours was of high or critical severity: {worst}",
        "{n} of ours were of high or critical severity, above all {worst}",
        worst=worst,
    )
    alone = counted(
        len(severe),
        "{n} of high or critical severity: {worst}",
        "{n} of high or critical severity, above all {worst}",
        worst=worst,
    )
    yield f"{found}, {ours if others else alone}; {_why(severe[0], data)}".rstrip(".") + "."


def _worst(told: ToldIncident, data: TrafficData) -> str:
    key, event = told.worst
    item = data.item(key)
    return say(
        "{series} {when}, with {observed} where {expected} is normal",
        series=formats.literal(data.short_name(item)),
        when=around(told, data),
        observed=amount(event.observed, item.series.definition),
        expected=amount(event.expected, item.series.definition),
    )


def _why(told: ToldIncident, data: TrafficData) -> str:
    """What somebody noted, else what happened near the start, else that nothing is known."""
    notes = [said.note for said in data.remarks if said.incident == told.incident.incident_id and said.note]
    if notes:
        return say("the note on it: {note}", note=formats.literal(notes[-1]))
    if told.causes:
        return say("it may have to do with: {cause}", cause=formats.literal(likely_causes(told, data, most=1)))
    return say("no cause is known yet")


def _incomplete(data: TrafficData) -> Iterator[str]:
    """One sentence on what makes figures less than they seem; `missing` tells all, series by series."""
    poor = [item for item in data.own if received_share(item, data) < COVERAGE_WANTED]
    new = [item for item in data.own if begins(item)]
    parts = [
        (data.absent, say("nothing was received of {series}", series=_names(data.absent))),
        (data.unmeasured, say("too little was received of {series}", series=_names(data.unmeasured))),
        (poor, say("readings are missing of {series}", series=_names([item.full_name for item in poor]))),
        (new, say("new within the period: {series}", series=_names([item.full_name for item in new]))),
    ]
    told = [text for found, text in parts if found]
    changed = [text.rstrip(".") for item in data.own if (text := two_meanings(item, formats.literal(item.full_name)))]
    lacking = [say("Incomplete: {parts}", parts="; ".join(told))] if told else []
    if changed or lacking:
        yield "; ".join([*changed, *lacking]) + "."


def _to_do(data: TrafficData) -> Iterator[str]:
    for entry in recommendations(data)[:1]:
        action = entry.action if language() == "de" else entry.action[0].lower() + entry.action[1:]
        yield say("First to do: {action}", action=formats.literal(action))
        return
    yield say("The figures call for no action.")


def told_first(data: TrafficData) -> SeriesMonth:
    """The series the summary is about above all, which its chart shows: of the largest incident, else change."""
    severe = severe_incidents(data)
    if severe:
        return data.item(severe[0].worst[0])
    return next((item for found in largest_changes(data) for item in found), data.own[0])


def missing(data: TrafficData) -> list[str]:
    """What could not be told and why, a sentence each."""
    unseen = [item for item in _not_judged(data) if item.series.is_judged]
    coarse = [_literal(item) for item in data.items if not item.series.is_judged]
    days = formats.number(data.watch.min_history_days)
    found = [
        (data.absent, say("Nothing was received in the period from {series}.", series=_names(data.absent))),
        (
            data.unmeasured,
            say("Too little was received in the period from {series} for a figure.", series=_names(data.unmeasured)),
        ),
        (_new(data), say("What was before the first reading is unknown: {series}.", series=", ".join(_new(data)))),
        (
            unseen,
            say(
                "No reading of {series} could be judged: it takes {days} days of history.",
                series=", ".join(_literal(item) for item in unseen),
                days=days,
            ),
        ),
        (
            _partly_judged(data),
            say(
                "Judged in part, for want of {days} days of history before each reading: {series}.",
                days=days,
                series=", ".join(f"{_literal(item)} ({share(item.judged_ratio)})" for item in _partly_judged(data)),
            ),
        ),
        (
            coarse,
            say(
                "Shown and not judged, as they change on fewer than half of the days: {series}.",
                series=", ".join(coarse),
            ),
        ),
    ]
    return [text for what, text in found if what]


def _new(data: TrafficData) -> list[str]:
    return [f"{_literal(item)} ({when(first, item, data)})" for item in data.items if (first := begins(item))]


def _not_judged(data: TrafficData) -> list[SeriesMonth]:
    return [item for item in data.items if not item.judged_readings]


def _partly_judged(data: TrafficData) -> list[SeriesMonth]:
    return [item for item in data.items if item.judged_readings and not item.judged_ratio > 0.999]


def _names(names: Sequence[str]) -> str:
    return listed([formats.literal(name) for name in names])


def _literal(item: SeriesMonth) -> str:
    return formats.literal(item.full_name)
