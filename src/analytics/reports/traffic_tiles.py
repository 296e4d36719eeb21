"""The headline tiles of the traffic report."""

from __future__ import annotations

import numpy as np

from analytics.reports import formats
from analytics.reports.display import Tile
from analytics.reports.facts import Comparison
from analytics.reports.language import say
from analytics.reports.meanings import parts
from analytics.reports.provenance import figure_sql, provenance_of
from analytics.reports.recommend import COVERAGE_WANTED
from analytics.reports.traffic_data import SeriesMonth, TrafficData
from analytics.reports.wording import change, counted, metric_name, share

MAX_TILES, MAX_PLATFORMS = 6, 9


def headline(data: TrafficData) -> list[SeriesMonth]:
    """The first figure of each platform, own accounts first; with a single platform, one a series, at most six."""
    first_own = sorted(data.items, key=lambda item: not item.is_own)
    if len(data.platforms) == 1:
        return first_own[:MAX_TILES]
    of = {item.series.key.platform: item for item in reversed(first_own)}
    return [of[name] for name in data.platforms[:MAX_PLATFORMS]]


def tile(item: SeriesMonth, data: TrafficData) -> Tile:
    """A series' figure of the period with its comparisons."""
    year = item.year_before if item.year_before.other != item.previous.other else Comparison(item.previous.other)
    return Tile(
        label=_label(item, data),
        value=item.facts.total,
        unit=item.unit,
        delta=_delta(item.previous.adjusted_change_ratio, formats.period(item.previous.other)),
        delta_2=_delta(year.adjusted_change_ratio, formats.period(year.other)),
        sparkline=[None if np.isnan(v) else float(v) for v in item.facts.days["amount"]],
        note=_note(item, data),
        provenance=provenance_of(data, figure_sql(item, data), of_one=item),
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
    """The account where only one metric is shown, else account and metric; of several platforms, platform and metric.

    The account is added where the platform has others with that metric.
    """
    shown = headline(data)
    if len(data.platforms) > 1:
        # the tile holds the period's sum of a daily figure
        metric = metric_name(item.series.definition, total=item.facts.aggregation == "sum")
        key = item.series.key
        name = f"{data.display_name(key.platform)} {metric}"
        others = [other for other in data.of(key.platform) if other.series.key.metric_type == key.metric_type]
        return f"{name}, {item.account}" if len(others) > 1 else name
    one_metric = len({other.series.key.metric_type for other in shown}) == 1
    return item.account if one_metric else item.name
