"""The chart of one series: thinned, over its expected band, with anomalies by severity.

Frames in, an Altair chart out. Every colour is one of `theme.LIGHT`, so that a page can show the same
drawing in the dark. Times are drawn as wall-clock time of the zone asked for, and never of the machine
that draws or of the reader's browser.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.errors import ReportError
from analytics.model import SEVERITIES
from analytics.reports.document import theme
from analytics.wording.language import language, say

Floats = NDArray[np.float64]

BURST = 10.0
# what an axis writes for 10³, 10⁶ and 10⁹
MAGNITUDES = {
    "en": ("k", "M", " bn"),
    "de": (" Tsd.", " Mio.", " Mrd."),
    "fr": (" k", " M", " Md"),
    "es": (" mil", " M", " mil M"),
}
ZOOM_EVENTS = "wheel![event.ctrlKey || event.metaKey]"


def time_label() -> str:
    """Vega expression for a tick of a time axis: hours, else days, else months, in the report's language."""
    day = "%-d. %b" if language() == "de" else "%-d %b"
    return (
        "utchours(datum.value) || utcminutes(datum.value) ? utcFormat(datum.value, '%H:%M')"
        f" : utcdate(datum.value) == 1 ? utcFormat(datum.value, '%b %Y') : utcFormat(datum.value, '{day}')"
    )


def amount_label() -> str:
    """Vega expression for a tick of a value axis: three digits and a magnitude, in the report's language."""
    shown = "format(datum.value, '.3~s')"
    for prefix, word in zip("kMG", MAGNITUDES[language()], strict=True):
        shown = f"replace({shown}, '{prefix}', '{word}')"
    return f"datum.value && abs(datum.value) < 1 ? format(datum.value, '.3~g') : {shown}"


def thin(
    times: NDArray[Any], values: Floats, *, keep: NDArray[np.bool_] | None = None, points: int = 1500
) -> NDArray[np.intp]:
    """Indices of a series thinned for drawing: the least and greatest of each bucket, and all that must stay.

    A picture 700 pixels wide shows no more, and no peak is lost. One missing value of each bucket stays
    as well, so that a gap remains a gap in the line.

    Args:
        times: shape (n,), sorted; only its length is used beyond the first and last.
        values: shape (n,); NaN is a missing reading.
        keep: shape (n,), True for points that may not go (anomalies).
        points: about how many indices to return, at least 2; `keep` comes on top.
    Returns:
        Sorted indices, shape (m,); all of them where n <= points.

    >>> thin(np.arange(8), np.array([0.0, 9, 1, 1, 1, 1, -5, 1]), points=4)
    array([0, 1, 4, 6, 7])
    """
    if len(times) != len(values):
        raise ReportError(f"thin: {len(times)} times for {len(values)} values")
    count = len(values)
    if count <= points:
        return np.arange(count)
    chosen = np.zeros(count, dtype=bool) if keep is None else np.array(keep, dtype=bool)
    chosen[[0, -1]] = True
    edges = np.linspace(0, count, max(1, points // 2) + 1).astype(int)
    for start, end in itertools.pairwise(edges):
        bucket = values[start:end]
        missing = np.isnan(bucket)
        if missing.any():
            chosen[start + int(missing.argmax())] = True
        if not missing.all():
            chosen[[start + int(np.nanargmin(bucket)), start + int(np.nanargmax(bucket))]] = True
    return np.flatnonzero(chosen)


def wall_clock_ms(times: Any, timezone: str = "UTC") -> NDArray[np.int64]:
    """Aware times as milliseconds of the zone's wall clock, which a chart then draws as if it were UTC.

    Naive times are taken to be wall-clock time already.

    >>> wall_clock_ms(pd.to_datetime(["2026-10-01T00:00Z"]), "Europe/Berlin") - wall_clock_ms(["2026-10-01T00:00"])
    array([7200000])
    """
    index = pd.DatetimeIndex(times)
    if index.tz is not None:
        index = index.tz_convert(timezone).tz_localize(None)
    return np.asarray(index.as_unit("ms").asi8, dtype=np.int64)


def _rounded(values: Any, step: float) -> list[float | None]:
    array = np.asarray(values, dtype=float)
    places = max(0, -int(np.floor(np.log10(step)))) if step > 0 else 0
    return [None if not np.isfinite(v) else int(v) if v == int(v) else float(v) for v in array.round(places)]


def _resolution(frame: pd.DataFrame, columns: Sequence[str]) -> float:
    """A thousandth of the drawn range: finer than a pixel, and far fewer digits in the file."""
    values = frame[list(columns)].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    return spread / 1000 if spread > 0 else max(abs(float(finite.max())) / 1000, 1e-9) if finite.size else 1.0


def _time_axis(title: str | None = None) -> alt.X:
    axis = alt.Axis(title=title, labelExpr=time_label(), tickCount=8, grid=False, labelFlush=True)
    return alt.X("time:T", scale=alt.Scale(type="utc"), axis=axis)


def is_bursty(observed: Floats) -> bool:
    """Whether a few peaks would press everything else flat: the largest is ten times the 95th percentile or more.

    >>> is_bursty(np.array([5.0] * 99 + [500.0])), is_bursty(np.array([5.0] * 99 + [20.0])), is_bursty(np.array([]))
    (True, False, False)
    """
    known = observed[np.isfinite(observed)]
    return bool(known.size and known.min() >= 0 and known.max() >= BURST * max(float(np.quantile(known, 0.95)), 1e-9))


def series_chart(
    frame: pd.DataFrame,
    events: pd.DataFrame | None = None,
    *,
    unit: str = "",
    timezone: str = "UTC",
    marks: pd.DataFrame | None = None,
    points: int = 1000,
    height: int = 230,
    zero: bool = False,
) -> alt.TopLevelMixin:
    """A measured series as a line over its expected band, with anomalies by severity (shape and colour).

    A bursty series is drawn on a root scale, which the axis title says: its usual range stays to be seen.

    Args:
        frame: columns `time` (aware; naive is wall-clock time), `observed`, and where known `expected`,
            `lower`, `upper`, all in the metric's own unit; NaN is missing and breaks the line.
        events: anomalies: `time`, `severity`, and optionally `observed`, `label`, `end` (shades time to end).
        unit: title of the value axis.
        marks: things that happened, drawn as dated vertical rules: `time`, `label`.
        points: how far the line is thinned; every anomaly stays.
        zero: whether the value axis must begin at zero.
    Raises:
        ReportError: `frame` lacks `time` or `observed`, or has no row.
    """
    missing = {"time", "observed"} - set(frame.columns)
    if missing or frame.empty:
        raise ReportError(f"series_chart: {'no rows' if not missing else 'no column ' + min(missing)}")
    frame = frame.sort_values("time", kind="stable").reset_index(drop=True)
    times = wall_clock_ms(frame["time"], timezone)
    found = _anomalies(events, frame, times, timezone)
    observed = frame["observed"].to_numpy(dtype=float)
    indices = thin(times, observed, keep=np.isin(times, found["time"]) if len(found) else None, points=points)
    banded = {"lower", "upper"} <= set(frame.columns)
    columns = [name for name in ("observed", "expected", "lower", "upper") if name in frame.columns]
    step = _resolution(frame, columns)
    rows = pd.DataFrame({"time": times[indices]})
    for name in columns:
        rows[name] = pd.Series(_rounded(frame[name].to_numpy(dtype=float)[indices], step), dtype=object)
    bursty = is_bursty(observed)
    value = alt.Y(
        title=(say("{unit} (root scale)", unit=unit) if bursty else unit) or None,
        scale=alt.Scale(zero=zero, nice=True, type="sqrt" if bursty else "linear"),
        axis=alt.Axis(tickCount=5, labelExpr=amount_label()),
    )
    base = alt.Chart(rows).encode(x=_time_axis())
    layers: list[Any] = []
    if "end" in found and found["end"].notna().any():
        spans = found[found["end"].notna() & (found["end"] > found["time"])][["time", "end"]]
        layers.append(alt.Chart(spans).mark_rect(color=theme.LIGHT["span"]).encode(x="time:T", x2="end:T"))
    if banded:
        word = say("usual range")
        usual = alt.Scale(domain=[word], range=[theme.LIGHT["band"]])
        area = (
            base.transform_calculate(range=_quoted(word))
            .mark_area()
            .encode(
                y=on(value, "lower"),
                y2="upper:Q",
                color=alt.Color("range:N", scale=usual, legend=alt.Legend(symbolType="square")),
            )
        )
        layers.append(area)
    names, colours, dashes = [say("observed")], [theme.LIGHT["data"]], [[1, 0]]
    if "expected" in columns:
        names, colours, dashes = [*names, say("expected")], [*colours, theme.LIGHT["expected"]], [*dashes, [4, 3]]
        layers.append(_line(base, value, "expected", names, colours, dashes, width=1.1))
    layers.append(_line(base, value, "observed", names, colours, dashes, width=1.1))
    if marks is not None and len(marks):
        layers += _rules(marks, timezone)
    if len(found):
        layers.append(_points(found, value))
    chart = alt.layer(*layers).properties(
        width=theme.CHART_WIDTH, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding")
    )
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"], zoom=ZOOM_EVENTS)
    zoomed: alt.TopLevelMixin = chart.add_params(zoom)
    return zoomed


def _quoted(text: str) -> str:
    """Text as a Vega expression's literal."""
    return json.dumps(text, ensure_ascii=False)


def on(value: alt.Y, field: str) -> alt.Y:
    """The same axis for another field."""
    copied = value.copy()
    copied.shorthand = f"{field}:Q"
    return copied


def _line(
    base: alt.Chart, value: alt.Y, field: str, names: list[str], colours: list[str], dashes: list[Any], *, width: float
) -> alt.Chart:
    """One line, named in a legend it shares with the other one."""
    legend = alt.Legend(symbolType="stroke", symbolSize=160)
    name = names[0] if field == "observed" else names[1]
    line = base.transform_calculate(line=_quoted(name)).mark_line(strokeWidth=width)
    made: alt.Chart = line.encode(
        y=on(value, field),
        stroke=alt.Stroke("line:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        strokeDash=alt.StrokeDash("line:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
    )
    return made


def _anomalies(
    events: pd.DataFrame | None, frame: pd.DataFrame, times: NDArray[np.int64], timezone: str
) -> pd.DataFrame:
    if events is None or events.empty:
        return pd.DataFrame({"time": pd.Series(dtype="int64"), "severity": pd.Series(dtype=str)})
    unknown = sorted(set(events["severity"]) - set(SEVERITIES))
    if unknown:
        raise ReportError(f"series_chart: severity {unknown[0]!r}; expected one of {', '.join(SEVERITIES)}")
    found = pd.DataFrame({"time": wall_clock_ms(events["time"], timezone), "severity": list(events["severity"])})
    if "observed" in events.columns:
        found["observed"] = events["observed"].to_numpy(dtype=float)
    else:
        found["observed"] = np.interp(found["time"], times, frame["observed"].ffill().to_numpy(dtype=float))
    found["label"] = list(events["label"]) if "label" in events.columns else found["severity"].map(say)
    if "end" in events.columns:
        known = events["end"].notna().to_numpy()
        ends = np.full(len(events), np.nan)
        if known.any():
            ends[known] = wall_clock_ms(events["end"][known], timezone)
        found["end"] = ends
    return found.sort_values("time", kind="stable").reset_index(drop=True)


def _points(found: pd.DataFrame, value: alt.Y) -> alt.Chart:
    tooltip = [
        alt.Tooltip("label:N", title=say("Anomaly")),
        alt.Tooltip("severity:N", title=say("Severity")),
        alt.Tooltip("observed:Q", title=say("Observed"), format=",.4~g"),
    ]
    present = [say(name) for name in SEVERITIES if name in set(found["severity"])]
    legend = alt.Legend(title=None, values=present, symbolSize=70)
    weights = found["severity"].map(dict(zip(SEVERITIES, theme.SEVERITY_SIZES, strict=True)))
    made: alt.Chart = (
        alt.Chart(found[["time", "observed", "label"]].assign(severity=found["severity"].map(say), weight=weights))
        .mark_point(filled=True, opacity=1, strokeWidth=0)
        .encode(
            x="time:T",
            y=on(value, "observed"),
            fill=alt.Fill("severity:N", scale=_by_severity(theme.SEVERITY_COLOURS), legend=legend),
            shape=alt.Shape("severity:N", scale=_by_severity(theme.SEVERITY_SHAPES), legend=legend),
            size=alt.Size("weight:Q", scale=None, legend=None),
            tooltip=tooltip,
        )
    )
    return made


def _by_severity(values: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=[say(name) for name in SEVERITIES], range=list(values))


def _rules(marks: pd.DataFrame, timezone: str) -> list[alt.Chart]:
    rows = pd.DataFrame({"time": wall_clock_ms(marks["time"], timezone), "label": list(marks["label"])})
    base = alt.Chart(rows).encode(x="time:T")
    rule = base.mark_rule(strokeDash=[2, 2], color=theme.LIGHT["muted"]).encode(
        tooltip=[alt.Tooltip("label:N", title=say("Event"))]
    )
    text = base.mark_text(align="left", dx=4, baseline="top", fontSize=10, color=theme.LIGHT["muted"], limit=140)
    return [rule, text.encode(y=alt.value(0), text="label:N")]
