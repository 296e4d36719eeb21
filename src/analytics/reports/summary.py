"""The sentences of the executive summary, made from the figures: what moved, how much, what is missing, what to do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.reports import formats
from analytics.reports.recommend import recommendations, severe_incidents
from analytics.reports.traffic_data import SeriesMonth, TrafficData, when
from analytics.reports.wording import change, listed, plural, share


def sentences(data: TrafficData) -> list[str]:
    """Three to five plain sentences, in the order a hurried reader needs them."""
    return [*_scope(data), *_moved(data), *_stood_out(data), *_missing(data), *_to_do(data)]


def _scope(data: TrafficData) -> Iterator[str]:
    series = plural(len(data.items), "series", "series")
    where = listed([data.display_name(name) for name in data.platforms])
    judged = [(item.in_band_ratio, item.judged_readings) for item in data.items if item.judged_readings]
    if not judged:
        yield f"{series} on {where} were read in {data.month.label}; there is too little history to say what is normal."
        return
    held = float(np.average([ratio for ratio, _ in judged], weights=[count for _, count in judged]))
    yield f"{series} on {where}: {share(held)} of the readings in {data.month.label} lay inside their expected band."


def _moved(data: TrafficData) -> Iterator[str]:
    moved = [item for item in data.items if np.isfinite(item.previous.adjusted_change_ratio)]
    if not moved:
        yield f"{data.month.label} is not compared with the month before: {data.items[0].previous.refusal}."
        return
    most = sorted(moved, key=lambda item: -abs(item.previous.adjusted_change_ratio))[:2]
    said = listed([f"{_literal(item)} ({change(item.previous.adjusted_change_ratio)})" for item in most])
    yield f"Against {most[0].previous.other.label}, the same weekdays compared, the largest changes are {said}."


def _stood_out(data: TrafficData) -> Iterator[str]:
    if not data.incidents:
        yield "No reading stayed outside its usual range long enough to count as an incident."
        return
    counted = plural(len(data.incidents), "incident was found", "incidents were found")
    severe = severe_incidents(data)
    if not severe:
        yield f"{counted}, none of high or critical severity."
        return
    key, event = severe[0].worst
    item = data.item(key)
    yield (
        f"{counted}, {len(severe)} of high or critical severity; the largest is {_literal(item)} "
        f"on {when(event.peak_at, item, data)}: {formats.compact(event.observed)} {item.unit} "
        f"where {formats.compact(event.expected)} is normal."
    )


def _missing(data: TrafficData) -> Iterator[str]:
    coarse = [_literal(item) for item in data.items if not item.series.is_judged]
    if coarse:
        yield f"{listed(coarse)} moves on too few days to be judged."
    unjudged = [item for item in data.items if item.series.is_judged and not item.judged_ratio > 0.999]
    if unjudged:
        least = min(unjudged, key=lambda item: item.judged_ratio if np.isfinite(item.judged_ratio) else -1.0)
        yield (
            f"{share(least.judged_ratio)} of {_literal(least)} readings could be judged: "
            f"the rest had fewer than {data.watch.min_history_days:g} days of history before them."
        )
    if data.absent:
        names = [formats.literal(name) for name in data.absent]
        yield f"Nothing was received this month from {listed(names)}."


def _to_do(data: TrafficData) -> Iterator[str]:
    first = recommendations(data)[:1]
    for entry in first:
        yield f"First to do: {formats.literal(entry.action[0].lower() + entry.action[1:])}"


def _literal(item: SeriesMonth) -> str:
    return formats.literal(item.full_name)
