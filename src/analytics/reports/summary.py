"""The sentences of the executive summary, made from the figures: what moved, how much, what is missing, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analytics.reports import formats
from analytics.reports.language import language, say
from analytics.reports.meanings import two_meanings
from analytics.reports.recommend import around, begins, recommendations, severe_incidents, verdict
from analytics.reports.traffic_data import SeriesMonth, ToldIncident, TrafficData, when
from analytics.reports.traffic_tables import likely_causes
from analytics.reports.wording import amount, change, counted, listed, share

WORTH_TELLING = 0.02  # a change below it is no news


def sentences(data: TrafficData) -> list[str]:
    """At most five plain sentences, in the order a hurried reader needs them; one more where a meaning changed."""
    return [*_scope(data), *_redefined(data), *_moved(data), *_stood_out(data), *_missing(data), *_to_do(data)]


def _scope(data: TrafficData) -> Iterator[str]:
    judged = [item for item in data.own if item.judged_readings]
    others = len(data.items) - len(data.own)
    about = {
        "period": data.label,
        "platforms": listed([formats.literal(data.display_name(name)) for name in data.platforms]),
        "beside": counted(others, " (and {n} of competitors)", " (and {n} of competitors)") if others else "",
    }
    if not judged:
        yield counted(
            len(data.own),
            "{period}: {n} series on {platforms}{beside}; there is too little history to say what is normal.",
            "{period}: {n} series on {platforms}{beside}; there is too little history to say what is normal.",
            **about,
        )
        return
    yield counted(
        len(data.own),
        "{period}: {n} series on {platforms}{beside}; of {judged} judged, the expected band held as often as it claims "
        "in {held}.",
        "{period}: {n} series on {platforms}{beside}; of {judged} judged, the expected band held as often as it claims "
        "in {held}.",
        judged=formats.number(len(judged)),
        held=formats.number(sum(verdict(item) != "too narrow" for item in judged)),
        **about,
    )


def _redefined(data: TrafficData) -> Iterator[str]:
    """Sums of two meanings: never without a word."""
    if found := " ".join(filter(None, (two_meanings(item, _literal(item)) for item in data.items))):
        yield found


def _moved(data: TrafficData) -> Iterator[str]:
    known = [item for item in data.own if np.isfinite(item.previous.adjusted_change_ratio)]
    previous = data.items[0].previous
    other = formats.period(previous.other)
    if not known:
        reason = previous.refusal or say("not comparable")
        yield say("{period} is not compared with {other}: {reason}.", period=data.label, other=other, reason=reason)
        return
    only_levels = all(item.is_level for item in known)  # as of a single day, which has no weekday to compare
    how = say("levels at the end compared") if only_levels else say("the same weekdays compared")
    least = formats.percent(WORTH_TELLING, decimals=0)
    most = sorted(known, key=lambda item: -abs(item.previous.adjusted_change_ratio))[:2]
    told = [_change(item) for item in most if abs(item.previous.adjusted_change_ratio) >= WORTH_TELLING]
    if told:
        yield say(
            "Against {period}, {how}, the largest changes: {changes}.",
            period=other,
            how=how,
            changes=listed(told),
        )
    else:
        yield say("Against {period}, {how}, nothing changed by {least} or more.", period=other, how=how, least=least)


def _change(item: SeriesMonth) -> str:
    ratio = change(item.previous.adjusted_change_ratio)
    return f"{_literal(item)} ({say('level, {change}', change=ratio) if item.is_level else ratio})"


def _stood_out(data: TrafficData) -> Iterator[str]:
    found = data.own_incidents
    if not found:
        yield say("No reading stayed outside its usual range long enough to count as an incident.")
        return
    severe = severe_incidents(data)
    if not severe:
        yield counted(
            len(found),
            "{n} incident was found, not of high or critical severity.",
            "{n} incidents were found, none of high or critical severity.",
        )
        return
    key, event = severe[0].worst
    item = data.item(key)
    text = counted(
        len(found),
        "{n} incident was found, of high or critical severity: {series} {when}, {observed} where {expected} is normal",
        "{n} incidents were found, {severe} of high or critical severity; the largest is {series} {when}: {observed} "
        "where {expected} is normal",
        severe=formats.number(len(severe)),
        series=_literal(item),
        when=around(event.peak_at, item, data),
        observed=amount(event.observed, item.series.definition),
        expected=amount(event.expected, item.series.definition),
    )
    if severe[0].causes:
        text = say("{finding}; it may have to do with: {cause}", finding=text, cause=_likely(severe[0], data))
    yield text.rstrip(".") + "."


def _likely(told: ToldIncident, data: TrafficData) -> str:
    return formats.literal(likely_causes(told, data, most=1))


def _missing(data: TrafficData) -> Iterator[str]:
    """One sentence; `missing` tells it series by series."""
    unjudged = [_literal(item) for item in (*_not_judged(data), *_partly_judged(data))]
    parts = [
        (data.absent, say("no reading of {series}", series=_names(data.absent))),
        (data.unmeasured, say("too little of {series} for a figure", series=_names(data.unmeasured))),
        (_new(data), say("what was before the first reading of {series}", series=listed(_new(data)))),
        (unjudged, say("a verdict on all readings of {series}", series=listed(unjudged))),
    ]
    told = [text for found, text in parts if found]
    if told:
        yield say("Missing: {parts}.", parts="; ".join(told))


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


def _to_do(data: TrafficData) -> Iterator[str]:
    for entry in recommendations(data)[:1]:
        action = entry.action if language() == "de" else entry.action[0].lower() + entry.action[1:]
        yield say("First to do: {action}", action=formats.literal(action))


def _literal(item: SeriesMonth) -> str:
    return formats.literal(item.full_name)
