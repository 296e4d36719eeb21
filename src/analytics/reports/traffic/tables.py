"""The tables of the traffic report: rows from the month's figures, and how each column is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from analytics.anomalies import Cause
from analytics.periods.facts import weekday_shape
from analytics.periods.figures import SeriesMonth, TrafficData, local
from analytics.periods.incidents import ToldIncident
from analytics.reports.document.display import Column
from analytics.reports.sections.meanings import meaning_on
from analytics.reports.sections.reasons import cause
from analytics.reports.sections.recommend import Recommendation
from analytics.store.remarks import Annotation
from analytics.wording import formats
from analytics.wording.language import mark, say, term
from analytics.wording.sentences import listed, metric_name, unit_of

MOST_CAUSES = 3
WHEN: Mapping[int, str] = {3: mark("now"), 2: mark("soon"), 1: mark("when there is time")}

MOST_LINES, MOST_CELLS = 60, 4000  # of a grid: above, nobody can read its lines, and its page is slow to open


def platform_rows(items: Sequence[SeriesMonth], data: TrafficData) -> pd.DataFrame:
    """One row a series: the month's figure, best and worst full day, share in band, events, newest reading."""
    rows = []
    for item in items:
        full = item.facts.movement
        days = pd.DatetimeIndex(full.index)
        rows.append(
            {
                "series": _marked(item, item.name),
                "total": item.facts.total,
                "per_day": item.facts.per_day,
                "best_on": None if full.empty else days[int(full.argmax())].date(),
                "best": float("nan") if full.empty else full.max(),
                "worst_on": None if full.empty else days[int(full.argmin())].date(),
                "worst": float("nan") if full.empty else full.min(),
                "in_band": item.in_band_ratio,
                "events": len(data.incidents_of(item)),
            }
        )
    return pd.DataFrame(rows)


def incident_rows(data: TrafficData) -> pd.DataFrame:
    """One row an incident, by start: who, the furthest first, how far, how long, and what may have caused it."""
    rows: list[dict[str, Any]] = []
    for told in data.incidents:
        key, event = told.worst
        names = [data.item(other).full_name for other in dict.fromkeys([key, *told.keys])]
        rows.append(
            {
                "start": local(told.incident.start, data.item(told.incident.members[0][0]), data),
                "series": listed(names, limit=3),
                "severity": told.incident.severity,
                "duration_s": told.duration_s,
                "observed": event.observed,
                "expected": event.expected,
                "deviation": event.deviation,
                "cause": likely_causes(told, data),
            }
        )
    return pd.DataFrame(rows)


def likely_causes(told: ToldIncident, data: TrafficData, *, most: int = MOST_CAUSES) -> str:
    """The most telling candidates; of another incident only whose it is and how long before it began."""
    start = local(told.incident.start, data.item(told.incident.members[0][0]), data)
    by_day = None if isinstance(start, datetime) else start
    said = [
        _other(found, data, by_day) if found.kind == "others moving" else cause(found, data, by_day)
        for found in told.causes
    ]
    return "; ".join(list(dict.fromkeys(said))[:most]) or say("not known")


def _other(found: Cause, data: TrafficData, by_day: date | None) -> str:
    other = next(other for other in data.incidents if other.incident.incident_id == found.about)
    item = data.item(other.worst[0])
    name = f"{item.platform} {item.account}".strip()
    if by_day is None:
        return say("{series}, {duration} before", series=name, duration=formats.duration(found.seconds))
    same = found.at.astimezone(data.zone).date() == by_day
    return say("{series}, the same day", series=name) if same else say("{series}, the day before", series=name)


def event_rows(data: TrafficData) -> pd.DataFrame:
    """The register: one row an event of one rule, by start."""
    rows: list[dict[str, Any]] = [
        {
            "at": event.start,
            "start": local(event.start, item, data),
            "series": item.full_name,
            "kind": say(event.rule.replace("_", "-")),
            "severity": event.severity,
            "direction": event.direction,
            "duration_s": event.duration_s,
            "observed": event.observed,
            "expected": event.expected,
            "deviation": event.deviation,
        }
        for item in data.items
        for event in item.series.events
    ]
    rows.sort(key=lambda row: (row["at"], row["series"], row["kind"]))
    return pd.DataFrame(rows)


def incidents_by_day(data: TrafficData) -> pd.DataFrame:
    """Incidents that began on each day of the month, for every series (0 where none did)."""
    rows = []
    for item in data.items:
        key = item.series.key
        began = [
            min(event.start for other, event in told.incident.members if other == key).astimezone(data.zone).date()
            for told in data.incidents_of(item)
        ]
        days = [data.month.first + timedelta(days=n) for n in range(len(item.facts.days))]
        shape = "%d" if len({day.month for day in days}) == 1 else "%m-%d"
        rows += [{"day": day.strftime(shape), "series": item.full_name, "incidents": began.count(day)} for day in days]
    return pd.DataFrame(rows)


def most_of(frame: pd.DataFrame, *, by: str = "") -> pd.DataFrame:
    """Rows of as many series as a picture can show, in their order: those with the greatest sum of `by`, or the first.

    >>> most_of(pd.DataFrame({"series": ["a", "b"], "n": [0, 1]}), by="n")["series"].tolist()
    ['a', 'b']
    """
    names = list(dict.fromkeys(frame["series"]))
    per_series = max(1, len(frame) // max(1, len(names)))
    most = max(1, min(MOST_LINES, MOST_CELLS // per_series))
    if len(names) <= most:
        return frame
    if by:
        sums = frame.groupby("series", sort=False)[by].sum()
        names = sorted(names, key=lambda name: -float(sums[name]))
    return frame[frame["series"].isin(names[:most])]


def of_series(rows: pd.DataFrame, data: TrafficData, caption: str, *, by_incidents: bool = False) -> str:
    """A grid's caption, which says how many of the report's series it shows where these are not all."""
    shown, total = rows["series"].nunique(), len({item.full_name for item in data.items})
    if shown == total:
        return caption
    if by_incidents:
        words = mark("{caption} ({shown} of {total} series, those with the most incidents)")
    else:
        words = mark("{caption} ({shown} of {total} series)")
    return say(words, caption=caption, shown=shown, total=total)


def remark_rows(data: TrafficData) -> pd.DataFrame:
    """One row a remark: the time it is about, what it says, and who said so."""
    return pd.DataFrame(
        {
            "start": said.start.astimezone(data.zone),
            "about": said.incident or " ".join(_about(said, data)) or say("everything"),
            "kind": say(said.kind),
            "note": said.note or "–",
            "by": f"{said.said_by}, {formats.day(said.said_at.astimezone(data.zone).date())}",
        }
        for said in data.remarks
    )


def _about(said: Annotation, data: TrafficData) -> list[str]:
    key = said.series
    platform = data.display_name(key.platform) if key.platform else ""
    names = {item.series.key.metric_type: metric_name(item.series.definition) for item in data.items}
    metric = names.get(key.metric_type, key.metric_type.replace("_", " "))
    return [part for part in (platform, key.author_id, key.content_id, metric) if part]


def daily_rows(data: TrafficData) -> pd.DataFrame:
    """One row a series and local day: its amount, and the share of readings due that were received."""
    return pd.DataFrame(
        {
            "day": day.date().isoformat(),
            "platform": item.series.key.platform,
            "account": item.series.key.author_id,
            "metric": item.series.key.metric_type,
            "unit": item.unit,
            "definition_id": meaning_on(item, day.date()).definition_id,
            "aggregation": item.facts.aggregation,
            "amount": amount,
            "readings_received_ratio": round(coverage, 6),
        }
        for item in data.items
        for day, (amount, coverage) in zip(
            pd.DatetimeIndex(item.facts.days.index),
            item.facts.days[["amount", "coverage_ratio"]].to_numpy(float).tolist(),
            strict=True,
        )
    )


def trend_rows(data: TrafficData) -> pd.DataFrame:
    """One row a series: per-day figures and changes against the other periods; a level has no weekdays to compare."""
    return pd.DataFrame(
        {
            "series": _marked(item, item.full_name),
            "per_day": item.facts.per_day,
            "previous_change": item.previous.change_ratio,
            "previous_adjusted": np.nan if item.is_level else item.previous.adjusted_change_ratio,
            "year_change": item.year_before.change_ratio,
            "year_adjusted": np.nan if item.is_level else item.year_before.adjusted_change_ratio,
        }
        for item in data.items
    )


def trend_columns(data: TrafficData) -> list[Column]:
    """Two columns for each period compared with, headed by it; one that is named twice stands once."""
    columns = [Column("series", "Series", wide=True), Column("per_day", "Per day", "compact")]
    first = data.items[0]
    others = {first.year_before.other: "year"} | {first.previous.other: "previous"}
    for other, name in reversed(others.items()):
        period = formats.period(other)
        columns += [
            Column(f"{name}_change", say("{period}: per day", period=period), "change"),
            Column(f"{name}_adjusted", say("{period}: weekdays", period=period), "change"),
        ]
    return columns


def _marked(item: SeriesMonth, name: str) -> str:
    return say("{series} (level)", series=name) if item.is_level else name


def _weeks(data: TrafficData) -> list[pd.Timestamp]:
    """Mondays of the weeks that the month touches."""
    return list(dict.fromkeys(_mondays(data.items[0].facts.days.index)))


def _mondays(days: pd.Index) -> pd.DatetimeIndex:
    """The Monday of each local day's week, without zone: a week may hold a change of the clocks."""
    dates = pd.DatetimeIndex(days).tz_localize(None)
    return dates - pd.to_timedelta(dates.day_of_week, unit="D")


def week_rows(data: TrafficData) -> pd.DataFrame:
    """Mean movement of a full day in each week, one column a week; NaN where a week has none."""
    rows = []
    for item in data.items:
        moved = item.facts.movement
        means = moved.groupby(_mondays(moved.index)).mean()
        weeks = {f"week {n}": float(means.get(monday, np.nan)) for n, monday in enumerate(_weeks(data))}
        rows.append({"series": item.full_name, **weeks, "days": list(item.facts.days["amount"])})
    return pd.DataFrame(rows)


def week_columns(data: TrafficData) -> list[Column]:
    """A column a week, headed by the days it covers, with their month where there are several."""
    first, last = data.month.first, data.month.first + timedelta(days=data.month.days - 1)
    columns = [Column("series", "Series", wide=True)]
    for n, monday in enumerate(_weeks(data)):
        begin, end = max(first, monday.date()), min(last, (monday + pd.Timedelta(days=6)).date())
        one_month = (first.year, first.month) == (last.year, last.month)
        days = [str(day.day) if one_month else formats.day_of_year(day) for day in dict.fromkeys((begin, end))]
        columns.append(Column(f"week {n}", "–".join(days), "compact"))
    return [*columns, Column("days", "Day by day", "spark")]


def weekday_rows(data: TrafficData) -> pd.DataFrame:
    """Each weekday against the series' ordinary day; NaN where the series has no ordinary day."""
    rows = []
    for item in data.items:
        shape = weekday_shape(item.facts)
        rows += [
            {"weekday": name, "series": item.full_name, "index": float(shape.get(weekday, np.nan))}
            for weekday, name in enumerate(formats.weekdays())
        ]
    return pd.DataFrame(rows)


def coverage_rows(data: TrafficData) -> pd.DataFrame:
    """One row a series: readings received, judged, in band, and the newest."""
    return pd.DataFrame(
        {
            "series": item.full_name,
            "received": item.facts.coverage_ratio,
            "full_days": say("{n} of {all}", n=len(item.facts.full_days), all=item.facts.whole_days),
            "judged": item.judged_ratio,
            "in_band": item.in_band_ratio,
            "claimed": item.series.baseline.coverage,
            "newest": item.newest.astimezone(data.zone),
        }
        for item in data.items
    )


def definition_rows(data: TrafficData) -> pd.DataFrame:
    """Each definition in force of the metrics shown: both where one changed within the period."""
    definitions = dict.fromkeys(definition for item in data.items for definition in item.meanings)
    return pd.DataFrame(
        {
            "id": d.definition_id,
            "unit": unit_of(d),
            "kind": f"{say(d.data_type)}, {say(d.aggregation)}",
            "meaning": term("meaning", d.description),
        }
        for d in definitions
    )


def action_rows(found: Sequence[Recommendation]) -> pd.DataFrame:
    """One row a recommendation."""
    return pd.DataFrame({"when": say(WHEN[e.urgency]), "action": e.action, "why": e.evidence} for e in found)


ACTION_COLUMNS = (
    Column("when", "When", "badge"),
    Column("action", "What to do", wide=True),
    Column("why", "Because", wide=True),
)
INCIDENT_COLUMNS = (
    Column("start", "Began", "datetime"),
    Column("series", "Series", wide=True),
    Column("severity", "Severity", "severity"),
    Column("duration_s", "Lasted", "duration"),
    Column("observed", "Observed", "compact"),
    Column("expected", "Expected", "compact"),
    Column("cause", "May have to do with", wide=True),
)
EVENT_COLUMNS = (
    Column("start", "Began", "datetime"),
    Column("series", "Series", wide=True),
    Column("kind", "Kind"),
    Column("severity", "Severity", "severity"),
    Column("duration_s", "Lasted", "duration"),
    Column("observed", "Observed", "compact"),
    Column("expected", "Expected", "compact"),
    Column("deviation", "Deviation", "difference", decimals=1),
)
PLATFORM_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("total", "Period", "compact"),
    Column("per_day", "Per day", "compact"),
    Column("best_on", "Best day", "date"),
    Column("best", "Best", "compact"),
    Column("worst_on", "Worst day", "date"),
    Column("worst", "Worst", "compact"),
    Column("in_band", "In band", "percent"),
    Column("events", "Incidents", "number"),
)
REMARK_COLUMNS = (
    Column("start", "From", "datetime"),
    Column("about", "About", wide=True),
    Column("kind", "Verdict", "badge"),
    Column("note", "What was said", wide=True),
    Column("by", "By"),
)
COVERAGE_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("received", "Readings received", "percent"),
    Column("full_days", "Full days", align="end"),
    Column("judged", "Judged", "percent"),
    Column("in_band", "In band", "percent"),
    Column("claimed", "Band claims", "percent", decimals=0),
    Column("newest", "Newest reading", "datetime"),
)
DEFINITION_COLUMNS = (
    Column("id", "Definition", "code"),
    Column("unit", "Unit"),
    Column("kind", "Kind"),
    Column("meaning", "Meaning", wide=True),
)
