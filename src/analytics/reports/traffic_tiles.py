"""The headline tiles of the traffic report, and where each of its figures comes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from analytics.reports import formats
from analytics.reports.display import Tile
from analytics.reports.facts import Comparison
from analytics.reports.language import say
from analytics.reports.meanings import parts
from analytics.reports.recommend import COVERAGE_WANTED
from analytics.reports.traffic_data import SeriesMonth, TrafficData
from analytics.reports.wording import change, counted, metric_name, share

MAX_TILES = 6


def headline(data: TrafficData) -> list[SeriesMonth]:
    """One figure a platform; with a single platform, one a series; at most six."""
    if len(data.platforms) == 1:
        return list(data.items[:MAX_TILES])
    return [data.of(name)[0] for name in data.platforms[:MAX_TILES]]


def tile(item: SeriesMonth, data: TrafficData) -> Tile:
    """A series' figure of the period with its comparisons."""
    year = item.year_before if item.year_before.other != item.previous.other else Comparison(item.previous.other)
    query = say(
        "{aggregation} of {series} over the period", aggregation=say(item.facts.aggregation), series=item.series.key
    )
    return Tile(
        label=_label(item, data),
        value=item.facts.total,
        unit=item.unit,
        delta=_delta(item.previous.adjusted_change_ratio, formats.period(item.previous.other)),
        delta_2=_delta(year.adjusted_change_ratio, formats.period(year.other)),
        sparkline=[None if np.isnan(v) else float(v) for v in item.facts.days["amount"]],
        note=_note(item, data),
        provenance=provenance_of(data, query, item),
    )


def _delta(ratio: float, period: str) -> str:
    return say("{change} on {period}", change=change(ratio), period=period) if np.isfinite(ratio) else ""


def _note(item: SeriesMonth, data: TrafficData) -> str:
    incidents = counted(len(data.incidents_of(item)), "{n} incident", "{n} incidents")
    if told := parts(item):
        incidents = f"{incidents}; {say('two meanings: {parts}', parts=told)}"
    if item.facts.coverage_ratio < COVERAGE_WANTED:
        received = say("{share} of readings received", share=share(item.facts.coverage_ratio))
        return f"{incidents}; {received}"
    return incidents


def _label(item: SeriesMonth, data: TrafficData) -> str:
    """The account where only one metric is shown, else account and metric; the platform where there are several."""
    shown = headline(data)
    if len(data.platforms) > 1:
        # the tile holds the period's sum of a daily figure
        metric = metric_name(item.series.definition, total=item.facts.aggregation == "sum")
        return f"{data.display_name(item.series.key.platform)} {metric}"
    one_metric = len({other.series.key.metric_type for other in shown}) == 1
    return item.account if one_metric else item.name


def provenance_of(data: TrafficData, query: str, item: SeriesMonth | None = None) -> dict[str, Any]:
    """Where a figure comes from: query, data, parameters, and of one series its definition and newest reading."""
    watch = item.series.watch if item else data.watch
    found: dict[str, Any] = {
        "query": query,
        "snapshot": data.snapshot,
        "parameters": say(
            "month {period}, {timezone}, {algorithm} over {days} days",
            period=data.month,
            timezone=data.timezone,
            algorithm=watch.algorithm,
            days=watch.window_days,
        ),
    }
    if item is not None:
        newest = formats.moment(item.newest.astimezone(data.zone))
        found["definition"] = ", ".join(definition.definition_id for definition in item.meanings)
        found["freshness"] = say("newest reading {when}", when=newest)
    return found
