"""The sentences of the executive summary, made from the figures: what moved, how much, what is missing, what to do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.reports import formats
from analytics.reports.language import language, say
from analytics.reports.meanings import two_meanings
from analytics.reports.recommend import begins, recommendations, severe_incidents
from analytics.reports.traffic_data import SeriesMonth, TrafficData, when
from analytics.reports.wording import change, counted, listed, share


def sentences(data: TrafficData) -> list[str]:
    """Three to five plain sentences, in the order a hurried reader needs them."""
    return [*_scope(data), *_redefined(data), *_moved(data), *_stood_out(data), *_missing(data), *_to_do(data)]


def _scope(data: TrafficData) -> Iterator[str]:
    where = listed([formats.literal(data.display_name(name)) for name in data.platforms])
    judged = [(item.in_band_ratio, item.judged_readings) for item in data.items if item.judged_readings]
    if not judged:
        yield counted(
            len(data.items),
            "{n} series on {platforms} was read in {period}; there is too little history to say what is normal.",
            "{n} series on {platforms} were read in {period}; there is too little history to say what is normal.",
            platforms=where,
            period=data.label,
        )
        return
    held = float(np.average([ratio for ratio, _ in judged], weights=[count for _, count in judged]))
    yield counted(
        len(data.items),
        "{n} series on {platforms}: {share} of its readings in {period} lay inside their expected band.",
        "{n} series on {platforms}: {share} of the readings in {period} lay inside their expected band.",
        platforms=where,
        share=share(held),
        period=data.label,
    )


def _redefined(data: TrafficData) -> Iterator[str]:
    """Sums of two meanings: never without a word."""
    yield from filter(None, (two_meanings(item, _literal(item)) for item in data.items))


def _moved(data: TrafficData) -> Iterator[str]:
    moved = [item for item in data.items if np.isfinite(item.previous.adjusted_change_ratio)]
    if not moved:
        yield say(
            "{period} is not compared with the month before: {reason}.",
            period=data.label,
            reason=data.items[0].previous.refusal,
        )
        return
    most = sorted(moved, key=lambda item: -abs(item.previous.adjusted_change_ratio))[:2]
    yield say(
        "Against {period}, the same weekdays compared, the largest changes are {changes}.",
        period=formats.period(most[0].previous.other),
        changes=listed([f"{_literal(item)} ({change(item.previous.adjusted_change_ratio)})" for item in most]),
    )


def _stood_out(data: TrafficData) -> Iterator[str]:
    if not data.incidents:
        yield say("No reading stayed outside its usual range long enough to count as an incident.")
        return
    severe = severe_incidents(data)
    if not severe:
        yield counted(
            len(data.incidents),
            "{n} incident was found, not of high or critical severity.",
            "{n} incidents were found, none of high or critical severity.",
        )
        return
    key, event = severe[0].worst
    item = data.item(key)
    yield counted(
        len(data.incidents),
        "{n} incident was found, of high or critical severity: {series} on {when}, {observed} {unit} where {expected} "
        "is normal.",
        "{n} incidents were found, {severe} of high or critical severity; the largest is {series} on {when}: "
        "{observed} {unit} where {expected} is normal.",
        severe=formats.number(len(severe)),
        series=_literal(item),
        when=when(event.peak_at, item, data),
        observed=formats.compact(event.observed),
        unit=item.unit,
        expected=formats.compact(event.expected),
    )


def _missing(data: TrafficData) -> Iterator[str]:
    coarse = [_literal(item) for item in data.items if not item.series.is_judged]
    if coarse:
        yield counted(
            len(coarse),
            "{series} moves on too few days to be judged.",
            "{series} move on too few days to be judged.",
            series=listed(coarse),
        )
    unjudged = [item for item in data.items if item.series.is_judged and not item.judged_ratio > 0.999]
    new = [f"{_literal(item)} ({when(first, item, data)})" for item in data.items if (first := begins(item))]
    if new:
        yield say("What was before the first reading is unknown: {series}.", series=listed(new))
    unseen = [item for item in unjudged if not item.judged_readings]
    if unseen:
        yield say(
            "No reading of {series} could be judged: it takes {days} days of history.",
            series=listed([_literal(item) for item in unseen]),
            days=formats.number(data.watch.min_history_days),
        )
    partly = [item for item in unjudged if item.judged_readings]
    if partly:
        least = min(partly, key=lambda item: item.judged_ratio)
        yield say(
            "{share} of {series} readings could be judged: the rest had fewer than {days} days of history before them.",
            share=share(least.judged_ratio),
            series=_literal(least),
            days=formats.number(data.watch.min_history_days),
        )
    if data.absent:
        yield say(
            "Nothing was received this month from {series}.",
            series=listed([formats.literal(name) for name in data.absent]),
        )
    if data.unmeasured:
        yield say(
            "Too little was received this month from {series} for a figure.",
            series=listed([formats.literal(name) for name in data.unmeasured]),
        )


def _to_do(data: TrafficData) -> Iterator[str]:
    for entry in recommendations(data)[:1]:
        action = entry.action if language() == "de" else entry.action[0].lower() + entry.action[1:]
        yield say("First to do: {action}", action=formats.literal(action))


def _literal(item: SeriesMonth) -> str:
    return formats.literal(item.full_name)
