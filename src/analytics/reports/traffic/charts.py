"""The charts of the traffic report: a series with its usual range, its incidents and its breaks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from analytics.anomalies import Event
from analytics.definitions import break_time
from analytics.periods.facts import within
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.periods.incidents import DAY_S, ToldIncident
from analytics.reports.document import charts
from analytics.reports.document.display import Block, figure
from analytics.reports.sections.reasons import reason
from analytics.reports.traffic.tables import incidents_by_day, most_of, of_series
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import counted, share

HOUR_S = 3600.0
POLL_HEIGHT, DAILY_HEIGHT = 190, 120
CAPTION, CAPTION_NOT_JUDGED = mark("{series} with its expected band"), mark("{series}, not judged")
# a line 700 pixels wide shows no more than two points a pixel; with many charts a page stays small enough to send
MOST_POINTS, FEWEST_POINTS, POINTS_OF_A_PAGE = 1000, 400, 18_000


def series_figure(item: SeriesMonth, data: TrafficData, provenance: Mapping[str, Any], *, caption: str = "") -> Block:
    """A series with its usual range; each incident is marked at its largest event.

    `caption` is a message with the places `series` and `period`; none: whether the series is judged.
    """
    series = item.series
    told = [max(_events(item, told), key=lambda e: abs(e.deviation)) for told in data.incidents_of(item)]
    events = pd.DataFrame(
        {
            "time": [e.peak_at for e in told],
            "severity": [e.severity for e in told],
            "observed": [e.observed for e in told],
            "label": [reason(e) for e in told],
        }
    )
    broken = [break_time(d) for d in series.breaks if inside_month(break_time(d), data)]
    marks = pd.DataFrame({"time": broken, "label": [say("new meaning")] * len(broken)})
    chart = charts.series_chart(
        chart_rows(item, data),
        events,
        unit=axis_unit(item),
        timezone=data.timezone,
        marks=marks,
        points=max(FEWEST_POINTS, min(MOST_POINTS, POINTS_OF_A_PAGE // max(len(data.items), 1))),
        height=DAILY_HEIGHT if series.step_s >= DAY_S else POLL_HEIGHT,
    )
    return figure(
        chart,
        caption=say(
            caption or (CAPTION if series.is_judged else CAPTION_NOT_JUDGED), series=item.full_name, period=data.label
        ),
        alt=counted(
            len(told),
            "{series}, {period}: {total} {unit}, {n} incident, {share} of judged readings in band.",
            "{series}, {period}: {total} {unit}, {n} incidents, {share} of judged readings in band.",
            series=item.full_name,
            period=data.label,
            total=formats.compact(item.facts.total),
            unit=item.unit,
            share=share(item.in_band_ratio),
        ),
        provenance=provenance,
    )


def incident_grid(data: TrafficData, provenance: Mapping[str, Any]) -> Block:
    """Days and series, each cell with the incidents that began there."""
    began = most_of(incidents_by_day(data), by="incidents")
    return figure(
        charts.heatmap(began, x="day", y="series", value="incidents", title=say("Incidents that began")),
        caption=of_series(began, data, say("Incidents by day, {period}", period=data.label), by_incidents=True),
        alt=counted(
            len(data.incidents),
            "Grid of days and series: {n} incident ({period}), counted on the day it began.",
            "Grid of days and series: {n} incidents ({period}), counted on the day each began.",
            period=data.label,
        ),
        provenance=provenance,
    )


def _events(item: SeriesMonth, told: ToldIncident) -> list[Event]:
    return [event for key, event in told.incident.members if key == item.series.key]


def chart_rows(item: SeriesMonth, data: TrafficData) -> pd.DataFrame:
    """The month's readings with their band; for a series that is not judged, its amounts alone."""
    series, base = item.series, item.series.baseline
    bounds = data.month.bounds(data.timezone)
    if not series.is_judged:
        inside = within(series.amounts.times, *bounds)
        times = pd.DatetimeIndex(series.amounts.times[inside]).tz_localize("UTC")
        return pd.DataFrame({"time": times, "observed": series.amounts.values[inside]})
    inside = within(series.times, *bounds)
    never_negative = not (series.values < 0).any()  # a count's usual range does not reach below nothing
    lower = np.maximum(base.lower, 0.0) if never_negative else base.lower
    columns = {"observed": series.values, "expected": base.expected, "lower": lower, "upper": base.upper}
    times = pd.DatetimeIndex(series.times[inside]).tz_localize("UTC")
    return pd.DataFrame({"time": times, **{name: values[inside] for name, values in columns.items()}})


def axis_unit(item: SeriesMonth) -> str:
    """What one step of the chart counts, as `views per hour`."""
    series = item.series
    if not series.is_judged or (series.definition.data_type != "counter" and series.definition.aggregation != "sum"):
        return item.unit
    if series.step_s == DAY_S:
        return say("{amount} per day", amount=item.unit)
    if series.step_s == HOUR_S:
        return say("{amount} per hour", amount=item.unit)
    return say("{amount} per {step}", amount=item.unit, step=formats.duration(series.step_s))


def inside_month(at: datetime, data: TrafficData) -> bool:
    """Whether an instant lies in the reported month."""
    start, end = data.month.bounds(data.timezone)
    return start <= at < end
