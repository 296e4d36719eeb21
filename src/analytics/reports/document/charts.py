"""Chart builders: a series with its band and anomalies, a heat map, bars, small multiples.

Frames in, Altair charts out; every colour is one of `theme.LIGHT`, for the reason given there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from analytics.reports.document import theme
from analytics.reports.document.series_chart import (
    Floats,
    amount_label,
    on,
    series_chart,
    thin,
    time_label,
    wall_clock_ms,
)
from analytics.wording.language import say

__all__ = ["bars", "heatmap", "series_chart", "small_multiples", "thin", "wall_clock_ms"]

FIT = alt.AutoSizeParams(type="fit", contains="padding")
MOST_ROUNDED = 400


def heatmap(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    value: str,
    title: str | None = None,
    x_order: Sequence[Any] | None = None,
    y_order: Sequence[Any] | None = None,
    diverging: bool = False,
    text_format: str | None = None,
) -> alt.TopLevelMixin:
    """A cell for each x and y, shaded in six steps (seven around zero with `diverging`); a missing cell stays empty.

    Args:
        frame: long form, one row a cell, columns `x`, `y`, `value` by name; NaN is missing.
        title: what a cell counts, with its unit.
        x_order, y_order: order of the two axes; as they come where not given.
        text_format: d3 format to print each value in its cell with, for example `d`; None prints none.
    """
    rows = frame[[x, y, value]].copy()
    columns = list(dict.fromkeys(x_order if x_order is not None else rows[x]))
    lines = list(dict.fromkeys(y_order if y_order is not None else rows[y]))
    finite = rows[value].to_numpy(dtype=float)
    finite = finite[np.isfinite(finite)]
    base = alt.Chart(rows.dropna(subset=[value])).encode(
        x=alt.X(f"{x}:O", sort=columns, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y(f"{y}:N", sort=lines, title=None, axis=alt.Axis(labelLimit=190)),
        tooltip=[
            alt.Tooltip(f"{y}:N"),
            alt.Tooltip(f"{x}:O"),
            alt.Tooltip(f"{value}:Q", title=title or value, format=",.4~g"),
        ],
    )
    rounded = 2 if len(columns) * len(lines) <= MOST_ROUNDED else 0  # a round corner costs 40 bytes, of each cell four
    cells = base.mark_rect(stroke=theme.LIGHT["ground"], strokeWidth=1.5, cornerRadius=rounded).encode(
        color=alt.Color(
            f"{value}:Q", scale=_steps(finite, diverging=diverging), legend=_step_legend(title, text_format or "~s")
        )
    )
    size = {"width": theme.CHART_WIDTH, "height": max(60, theme.line_height(len(lines)) * len(lines) + 60)}
    if text_format is None:
        plain: alt.TopLevelMixin = cells.properties(**size, autosize=FIT)
        return plain
    top = float(np.max(np.abs(finite))) if finite.size else 0.0
    outermost = top * (5 / 7 if diverging else 4 / 6)  # steps dark enough to need light words
    far = f"abs(datum[{value!r}])" if diverging else f"datum[{value!r}]"
    dark_cell = f"{far} > {outermost}"
    words = base.mark_text(fontSize=10).encode(
        text=alt.Text(f"{value}:Q", format=text_format),
        color=alt.condition(dark_cell, alt.value(theme.LIGHT["ground"]), alt.value(theme.LIGHT["ink"])),
    )
    return alt.layer(cells, words).properties(**size, autosize=FIT)


def _steps(finite: Floats, *, diverging: bool) -> alt.Scale:
    top = float(np.max(np.abs(finite) if diverging else finite)) if finite.size else 1.0
    if diverging:
        return alt.Scale(type="quantize", domain=[-top or -1, top or 1], range=theme.DIVERGING)
    whole = finite.size > 0 and bool(np.all(finite == np.round(finite))) and top <= len(theme.RAMP) - 1
    if whole:  # one colour for each count, zero the palest
        steps = max(int(top), 1)
        spread = [theme.RAMP[round(n * (len(theme.RAMP) - 1) / steps)] for n in range(steps + 1)]
        return alt.Scale(type="threshold", domain=list(range(1, steps + 1)), range=spread)
    return alt.Scale(
        type="quantize", domain=[min(0.0, float(finite.min())) if finite.size else 0.0, top or 1.0], range=theme.RAMP
    )


def _step_legend(title: str | None, text_format: str) -> alt.Legend:
    return alt.Legend(
        title=title,
        orient="top",
        direction="horizontal",
        gradientThickness=9,
        titleOrient="left",
        titlePadding=10,
        tickCount=5,
        format=text_format,
    )


def bars(
    frame: pd.DataFrame,
    *,
    category: str,
    value: str,
    title: str | None = None,
    sort: bool = True,
    reference: float | None = None,
    reference_label: str = "",
    value_format: str = ",.3~s",
    colour_by: Mapping[Any, str] | None = None,
) -> alt.TopLevelMixin:
    """Horizontal bars with their values written at the end; `reference` draws a dashed line to compare with.

    `frame` has one row a category; a missing value draws no bar. `sort` puts the largest first.
    """
    rows = frame[[category, value]].copy()
    order: Any = alt.SortField(value, order="descending") if sort else list(rows[category])
    if sort:
        order = list(rows.sort_values(value, ascending=False, kind="stable")[category])
    largest = float(rows[value].max())
    scale = alt.Scale(domainMax=largest * 1.1) if largest > 0 else alt.Undefined  # room for the words
    base = alt.Chart(rows).encode(
        x=alt.X(f"{value}:Q", title=title, scale=scale, axis=alt.Axis(labelExpr=amount_label(), tickCount=6)),
        y=alt.Y(f"{category}:N", sort=order, title=None, axis=alt.Axis(labelLimit=160)),
        tooltip=[alt.Tooltip(f"{category}:N"), alt.Tooltip(f"{value}:Q", title=title or value, format=",.4~g")],
    )
    bar = base.mark_bar(height={"band": 0.72})
    if colour_by:
        scale = alt.Scale(domain=list(colour_by), range=list(colour_by.values()))
        bar = bar.encode(color=alt.Color(f"{category}:N", scale=scale, legend=None))
    words = base.mark_text(
        align=alt.expr(f"datum[{value!r}] < 0 ? 'right' : 'left'"),
        dx=alt.expr(f"datum[{value!r}] < 0 ? -5 : 5"),
        color=theme.LIGHT["muted"],
    )
    layers: list[Any] = [bar, words.encode(text=alt.Text(f"{value}:Q", format=value_format))]
    if reference is not None:
        line = alt.Chart(pd.DataFrame({"reference": [reference], "label": [reference_label]}))
        rule = line.mark_rule(strokeDash=[4, 3], color=theme.LIGHT["high"], strokeWidth=1.2)
        layers.append(rule.encode(x="reference:Q", tooltip=[alt.Tooltip("label:N", title=say("Reference"))]))
    return alt.layer(*layers).properties(width=theme.CHART_WIDTH, height=24 * len(rows) + 44, autosize=FIT)


def small_multiples(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    panel: str,
    columns: int = 3,
    unit: str = "",
    band: tuple[str, str] | None = None,
    shared_scale: bool = False,
    height: int = 90,
) -> alt.TopLevelMixin:
    """One little line chart a panel, in a grid; each with its own scale unless `shared_scale`.

    Args:
        frame: long form: `x` (a date or time; naive), `y` in the metric's unit (NaN breaks the line), `panel`.
        band: names of two columns to shade between.
    """
    rows = frame.copy()
    rows["time"] = wall_clock_ms(rows[x])
    width = int((theme.CHART_WIDTH - 58 * columns) / columns)
    value = alt.Y(
        f"{y}:Q",
        title=None,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=3, labelExpr=amount_label(), minExtent=34, maxExtent=34),
    )
    axis = alt.Axis(title=None, labelExpr=time_label(), tickCount=3, grid=False, labelFlush=True)
    base = alt.Chart().encode(x=alt.X("time:T", scale=alt.Scale(type="utc"), axis=axis))
    layers: list[Any] = []
    if band is not None:
        layers.append(base.mark_area(color=theme.LIGHT["band"]).encode(y=on(value, band[0]), y2=f"{band[1]}:Q"))
    tooltip = [alt.Tooltip("time:T", format="%-d %b %Y"), alt.Tooltip(f"{y}:Q", title=unit or y, format=",.4~g")]
    layers.append(base.mark_line(color=theme.LIGHT["data"]).encode(y=value, tooltip=tooltip))
    keep = list(dict.fromkeys(["time", y, panel, *(band or ())]))
    header = alt.Header(title=None, labelAnchor="start", labelPadding=2)
    order = list(dict.fromkeys(rows[panel]))
    chart = alt.layer(*layers, data=rows[keep]).properties(width=width, height=height)
    faceted = chart.facet(facet=alt.Facet(f"{panel}:N", header=header, sort=order, title=None), columns=columns)
    scale: Literal["shared", "independent"] = "shared" if shared_scale else "independent"
    resolved = faceted.resolve_scale(y=scale, x="shared").resolve_axis(x="independent")
    made: alt.TopLevelMixin = resolved.properties(spacing={"row": 14, "column": 18})
    return made
