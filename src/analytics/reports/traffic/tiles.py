"""The headline tiles of the traffic report."""

from __future__ import annotations

import numpy as np

from analytics.periods.facts import Comparison
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.periods.provenance import figure_sql, provenance_of
from analytics.reports.document.display import Tile
from analytics.reports.sections.meanings import parts
from analytics.reports.sections.recommend import COVERAGE_WANTED, received_share
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import change, counted, metric_name, share

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
    """Incidents only where the tile stands for its series: beside other platforms, the verdicts count them."""
    told = []
    if len(data.platforms) == 1:
        told.append(counted(len(data.incidents_of(item)), "{n} incident", "{n} incidents"))
    if brought := parts(item):
        told.append(say("two meanings: {parts}", parts=brought))
    received = received_share(item, data)
    if received < COVERAGE_WANTED:
        told.append(say("{share} of readings received", share=share(received)))
    return "; ".join(told)


def _label(item: SeriesMonth, data: TrafficData) -> str:
    """Platform and metric, and the account where the platform has others with that metric."""
    # the tile holds the period's sum of a daily figure
    metric = metric_name(item.series.definition, total=item.facts.aggregation == "sum")
    name = f"{data.display_name(item.series.key.platform)} {metric}"
    return name if data.is_alone(item) else f"{name}, {item.account}"
