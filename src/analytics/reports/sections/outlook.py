"""The outlook on the next period: each series' forecast with its interval, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.baselines.outlook import FAST, MODELS, Outlook, outlook
from analytics.compute.cache import NOTHING, Kept
from analytics.errors import InputError, InsufficientHistory
from analytics.model import MetricDefinition, Period
from analytics.monitoring.days import begin_in, moved
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.reports.document import theme
from analytics.reports.document.display import Column
from analytics.reports.document.tables import Precise
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import counted

if TYPE_CHECKING:
    import altair as alt

    from analytics.store import Store

HISTORY = timedelta(days=400)
RECENT = timedelta(days=60)
WITH_PROPHET = 3  # first series of the report that Prophet is tried on too: it takes seconds each
DRAWN = (-1.0, 2.0)  # changes a day between which the chart draws
MOST_DRAWN = 60  # series; more lines than that nobody reads
RESTARTED = 0.9  # a counter that loses more than this share in a day began anew


@dataclass(frozen=True)
class SeriesOutlook:
    """A series' forecast, or why there is none."""

    item: SeriesMonth
    found: Outlook | None
    refusal: str = ""
    is_signed: bool = False  # what it brings can be negative, as net followers are


def outlooks(store: Store, data: TrafficData, kept: Kept = NOTHING) -> tuple[SeriesOutlook, ...]:
    """Forecast the period after the report's for every series, from up to 400 days before its end."""
    frame = _days(store, data)
    return tuple(
        _one(item, frame[frame["series_id"] == item.series.series_id], data, position, kept)
        for position, item in enumerate(data.items)
    )


def _one(item: SeriesMonth, days: pd.DataFrame, data: TrafficData, position: int, kept: Kept) -> SeriesOutlook:
    if item.series.breaks:
        day = formats.day(item.series.breaks[-1].valid_from)
        return SeriesOutlook(item, None, say("changed its meaning on {day}", day=day))
    values = daily_amounts(days, item.series.definition, data.month, data.timezone)
    values = values[: values.size - (data.month.days - item.facts.whole_days)]  # a day that is not over says nothing
    models = list(MODELS) if position < WITH_PROPHET else list(FAST)
    try:
        seen = kept.once(outlook, values, data.month.following().days, models=models)
        return SeriesOutlook(item, seen, is_signed=bool((values < 0).any()))
    except InsufficientHistory:
        known = int(np.isfinite(values).sum())
        few = counted(known, "{n} full day known, about 50 needed", "{n} full days known, about 50 needed")
        return SeriesOutlook(item, None, few)


def _days(store: Store, data: TrafficData) -> pd.DataFrame:
    """Days of every series from all tiers, by the dates they are told in; of a zone that cannot be cut out of old
    ones, the recent.
    """
    zones: dict[str, list[int]] = {}
    for item in data.items:
        zones.setdefault(item.series.day_zone or data.timezone, []).append(item.series.series_id)
    return pd.concat([_days_in(store, zone, ids, data) for zone, ids in zones.items()], ignore_index=True)


def _days_in(store: Store, zone: str, ids: Sequence[int], data: TrafficData) -> pd.DataFrame:
    end = begin_in(zone, data.month.bounds(data.timezone)[1], data.timezone)
    try:
        found = store.read_buckets(ids, end - HISTORY, end, unit="day", timezone=zone)
    except InputError:
        found = store.read_buckets(ids, end - RECENT, end, unit="day", timezone=zone)
    if zone == data.timezone:
        return found
    return found.assign(bucket=moved(found["bucket"], zone, data.timezone).dt.tz_convert(data.timezone))


def daily_amounts(days: pd.DataFrame, definition: MetricDefinition, period: Period, timezone: str) -> np.ndarray:
    """What each day to the period's end brought, shape (n,), NaN where unknown: sums, increases, changes of a level.

    A day with fewer than 80 % of the usual number of readings is unknown.
    """
    end = pd.Timestamp(period.bounds(timezone)[1]).tz_convert(timezone)
    if days.empty:
        return np.empty(0)
    by_day = days.set_index("bucket").sort_index()
    whole = pd.date_range(by_day.index[0], end, freq="D", inclusive="left")
    by_day = by_day.reindex(whole)
    last = by_day["last_value"]
    if definition.aggregation == "sum":
        amounts = by_day["sum_value"]
    elif definition.aggregation == "mean":
        amounts = by_day["sum_value"] / by_day["n"]
    else:
        amounts = last.diff()
        if definition.data_type == "counter":
            amounts = amounts.mask(last < (1 - RESTARTED) * last.shift())
    few = by_day["n"] < 0.8 * by_day["n"].median()
    found: np.ndarray = amounts.mask(few).to_numpy(float)
    return found


def outlook_rows(found: Sequence[SeriesOutlook], days: int) -> pd.DataFrame:
    """One row a series: expected amount of the period and its bounds, against this one, and the model behind it."""
    rows = []
    for entry in found:
        facts, seen = entry.item.facts, entry.found
        scale = 1.0 if facts.aggregation == "mean" else float(days)
        base = facts.total if facts.aggregation == "last" else 0.0
        if facts.aggregation == "last":
            scale += facts.month.days - facts.whole_days
        per_day = facts.per_day
        row: dict[str, Any] = {"series": entry.item.full_name, "this_per_day": per_day, "model": entry.refusal}
        if seen is not None:
            low, middle, high = (base + scale * bound for bound in (seen.lower, seen.per_day, seen.upper))
            row |= {
                "expected": middle,
                "low": low if entry.is_signed else max(low, 0.0),
                "high": high,
                "change": _against(seen.per_day, per_day),
                "model": say(seen.model),
                "skill": seen.skill_ratio,
                "trials": counted(seen.trials, "{n} of {days} days", "{n} of {days} days", days=seen.trial_days),
            }
        rows.append(row)
    columns = ["series", "this_per_day", "expected", "low", "high", "change", "model", "skill", "trials"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _against(forecast: float, this: float) -> float:
    return forecast / this - 1 if this > 0 else float("nan")


def drawable(found: Sequence[SeriesOutlook]) -> list[SeriesOutlook]:
    """Those with a forecast that can be set against this period."""
    return [entry for entry in found if entry.found is not None and entry.item.facts.per_day > 0]


def outlook_chart(found: Sequence[SeriesOutlook]) -> alt.TopLevelMixin | None:
    """Each forecast with its interval, as a change a day on this period; None where nothing can be set against it."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "series": entry.item.full_name,
            "low": _against(entry.found.lower, entry.item.facts.per_day),
            "middle": _against(entry.found.per_day, entry.item.facts.per_day),
            "high": _against(entry.found.upper, entry.item.facts.per_day),
        }
        for entry in drawable(found)[:MOST_DRAWN]  # the table has them all
        if entry.found is not None
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    for bound in ("low", "middle", "high"):
        frame[f"{bound}_drawn"] = frame[bound].clip(*DRAWN)
    # a range that goes on beyond the picture says where it ends
    frame["beyond"] = [formats.percent(high, decimals=0, signed=True) + " ▸" for high in frame["high"]]
    frame["below"] = ["◂ " + formats.percent(low, decimals=0, signed=True) for low in frame["low"]]
    order = list(frame["series"])
    y = alt.Y("series:N", sort=order, title=None, axis=alt.Axis(labelLimit=240))
    x = alt.X("low_drawn:Q", title=say("Change a day on this period"), axis=alt.Axis(format="+.0%", tickCount=7))
    base = alt.Chart(frame).encode(y=y)
    tips = [
        alt.Tooltip("series:N", title=say("Series")),
        alt.Tooltip("middle:Q", title=say("Expected"), format="+.1%"),
        alt.Tooltip("low:Q", title=say("From"), format="+.1%"),
        alt.Tooltip("high:Q", title=say("To"), format="+.1%"),
    ]
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=theme.LIGHT["axis"]).encode(x="zero:Q")
    band = base.mark_bar(height=8, color=theme.LIGHT["band"], cornerRadius=3).encode(
        x=x, x2="high_drawn:Q", tooltip=tips
    )
    point = base.mark_point(filled=True, size=62, color=theme.LIGHT["data"], opacity=1).encode(
        x=alt.X("middle_drawn:Q"), tooltip=tips
    )
    words = base.mark_text(fontSize=10, color=theme.LIGHT["muted"], align="left", dx=4)
    ends = [
        words.transform_filter(f"datum.high > {DRAWN[1]}").encode(x="high_drawn:Q", text="beyond:N"),
        words.transform_filter(f"datum.low < {DRAWN[0]}").encode(x="low_drawn:Q", text="below:N"),
    ]
    made: alt.TopLevelMixin = alt.layer(zero, band, point, *ends).properties(
        width=theme.CHART_WIDTH,
        height=theme.line_height(len(frame)) * len(frame) + 40,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
    )
    return made


def explained(found: Sequence[SeriesOutlook]) -> Mapping[str, str]:
    """Series without a forecast, with the reason."""
    return {entry.item.full_name: entry.refusal for entry in found if entry.found is None}


def told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table, with as many figures as it takes to tell a forecast from its bounds."""
    bounds = ["expected", "low", "high"]
    written = [_written(row) for row in rows[bounds].to_numpy(float).tolist()]
    return rows.assign(**{name: pd.Series([row[n] for row in written], dtype=object) for n, name in enumerate(bounds)})


def _written(row: list[float]) -> list[Any]:
    apart = (n for n in range(MOST_FIGURES) if len({formats.compact(v, more=n) for v in row}) == len(set(row)))
    more = next(apart, 0)
    return [Precise(value, more) for value in row] if more else row


MOST_FIGURES = 5  # beyond the usual three
OUTLOOK_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("expected", "Expected", "compact"),
    Column("low", "From", "compact"),
    Column("high", "To", "compact"),
    Column("change", "Per day, on this period", "change"),
    Column("model", "Model"),
    Column("skill", "Skill", "percent", decimals=0),
    Column("trials", "Trials"),
)
