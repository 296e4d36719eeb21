"""What the monthly traffic report stands on: every series' month, its comparisons, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from analytics.compute.cache import NOTHING, Kept
from analytics.definitions import break_time, breaks_between, definition_for
from analytics.errors import NoDataError
from analytics.model import MetricDefinition, Period, SeriesKey, Span
from analytics.monitoring.axis import Amounts, amounts_of
from analytics.monitoring.days import day_zone_of, moved
from analytics.monitoring.judge import MonitoredSeries, monitor
from analytics.monitoring.readings import readings_of
from analytics.monitoring.watch import Watch
from analytics.params.baselines import Baselines
from analytics.periods.choice import stored_months
from analytics.periods.evidence import said_of
from analytics.periods.facts import Comparison, MonthFacts, compare, is_running, month_facts, within
from analytics.periods.figures import Definitions, SeriesMonth, TrafficData, accounts_of, platform_name, series_name
from analytics.periods.incidents import told_incidents
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import metric_name

if TYPE_CHECKING:
    from analytics.store import Store

LATE_STEPS = 3  # of a series' usual interval without a reading, until one is missed


def new_meaning(definition: MetricDefinition, series: str) -> str:
    """Why a series cannot be compared over the day its metric came to mean something else."""
    return say("{series} changed its meaning on {day}", series=series, day=formats.day(definition.valid_from))


def meanings_in(key: SeriesKey, definitions: Definitions, month: Period) -> tuple[MetricDefinition, ...]:
    """The definitions in force on the days of a month, by date."""
    last = month.first + timedelta(days=month.days - 1)
    first = definition_for(key, definitions, datetime.combine(month.first, time()))
    known = definitions.get((key.platform, key.metric_type), ())
    later = [d for d in known if d.valid_from and month.first < d.valid_from <= last]
    return tuple(dict.fromkeys([first, *sorted(later, key=break_time)]))


def gather(
    store: Store,
    series: pd.DataFrame,
    *,
    month: Period,
    watch: Watch,
    definitions: Definitions,
    compare_with: Period | None = None,
    names: Mapping[str, str] | None = None,
    competitors: Collection[str] = (),
    baseline_params: Baselines | None = None,
    kept: Kept = NOTHING,
    progress: Callable[[int], None] | None = None,
) -> TrafficData:
    """Judge and fold every series; the year before is `compare_with` where another month is asked for.

    `names` and `competitors` have accounts as `platform id`.

    Raises:
        NoDataError: no series has a reading in the month; names the months there are.
    """
    start, end = month.bounds(watch.timezone)
    last = store.series()["last_time"].nlargest(1)
    zone = day_zone_of(last)
    reached: datetime = (moved(last, zone, watch.timezone) if zone else last).iloc[0].to_pydatetime()
    first_at, newest_at = (dict(zip(series["series_id"], series[n], strict=True)) for n in ("first_time", "last_time"))
    items, read, due = [], set(), set()
    judged = monitor(
        store,
        series,
        start,
        end,
        watch,
        definitions=definitions,
        baseline_params=baseline_params,
        kept=kept,
        progress=progress,
    )
    for monitored in judged:
        facts = facts_of(monitored.amounts, monitored.definition, month, watch.timezone, reached)
        if within(monitored.amounts.times, start, end).any():
            read.add(monitored.series_id)
        newest = newest_at[monitored.series_id].to_pydatetime()
        if newest >= end or reached - newest > LATE_STEPS * timedelta(seconds=monitored.amounts.step_s):
            due.add(monitored.series_id)
        if facts.coverage_ratio > 0:
            called = f"{monitored.key.platform} {monitored.key.author_id}"
            account = (names or {}).get(called, monitored.key.author_id)
            platform = platform_name(monitored.key.platform, names or {})
            first = first_at[monitored.series_id].to_pydatetime()
            against = _Comparer(store, monitored, facts, definitions, watch.timezone, platform, account, first)
            item = _with_comparisons(against, compare_with or month.year_before())
            items.append(replace(item, is_own=called not in competitors))
    if not items:
        raise NoDataError(f"{month}: no reading in that month; {stored_months(store, series, watch.timezone)}")
    shown = {item.series.series_id for item in items}
    step_s = min(item.series.amounts.step_s for item in items)
    silent = {}
    for series_id, *named in series[["series_id", "platform", "metric_type", "author_id"]].to_numpy(object).tolist():
        if series_id not in shown:
            platform, metric, account = map(str, named)
            key = SeriesKey(platform, metric, author_id=account)
            silent[series_id] = series_name(key, names or {}, definition_for(key, definitions, end))
    return TrafficData(
        month=month,
        timezone=watch.timezone,
        watch=watch,
        items=tuple(items),
        absent=tuple(
            name
            for series_id, name in silent.items()
            if series_id not in read and first_at[series_id] < start and series_id in due
        ),
        unmeasured=tuple(name for series_id, name in silent.items() if series_id in read),
        incidents=told_incidents(store, [item.series for item in items], accounts_of(items), start, end),
        snapshot=store.snapshot_id(),
        names=names or {},
        remarks=said_of(store, [item.series.key for item in items], start, end),
        reached=reached if is_running(month, watch.timezone, reached, step_s) else None,
        definitions=definitions,
    )


def facts_of(
    amounts: Amounts, definition: MetricDefinition, month: Period, timezone: str, reached: datetime | None = None
) -> MonthFacts:
    """The month's figures of a series; `reached` as in `month_facts`."""
    return month_facts(
        amounts.times,
        amounts.values,
        month=month,
        timezone=timezone,
        aggregation=definition.aggregation,
        step_s=amounts.step_s,
        reached=reached,
    )


@dataclass(frozen=True)
class _Comparer:
    """A series' month, and what is needed to set it against another."""

    store: Store
    monitored: MonitoredSeries
    facts: MonthFacts
    definitions: Definitions
    timezone: str
    platform: str
    account: str
    first_at: datetime

    def with_month(self, other: Period) -> Comparison:
        """The comparison, or why there is none: too few days, or the metric meant something else.

        A month that still runs is compared with as many first days of the other.
        """
        series, facts = self.monitored, self.facts
        if 0 < facts.whole_days < min(facts.month.days, other.days):
            other = Span(other.first, other.first + timedelta(days=facts.whole_days - 1))
        start, end = other.bounds(self.timezone)
        broken = breaks_between(series.key, self.definitions, start, facts.month.bounds(self.timezone)[1])
        if broken:
            new = broken[-1]
            said = new_meaning(new, f"{self.platform} {metric_name(new)}")
            return Comparison(other, refusal=said, lacks="one meaning")
        earlier = start - timedelta(days=1)  # the first increase needs the reading before it
        found = readings_of(
            self.store, series.series_id, series.definition, earlier, earlier, end, timezone=self.timezone
        )
        amounts, _ = amounts_of(found.frame, series.definition)
        step = replace(amounts, step_s=max(series.amounts.step_s, found.resolution_s))
        against = compare(facts, facts_of(step, series.definition, other, self.timezone))
        if against.lacks == "earlier days" and self.first_at > start:  # before its first reading nothing is missing
            day = formats.day(self.first_at.astimezone(ZoneInfo(self.timezone)).date())
            return replace(against, refusal=say("the first reading is of {day}", day=day), lacks="a beginning")
        return against


def _with_comparisons(against: _Comparer, year_before: Period) -> SeriesMonth:
    monitored, facts = against.monitored, against.facts
    start, end = facts.month.bounds(against.timezone)
    read = monitored.amounts.times[within(monitored.amounts.times, start, end)]
    inside = within(monitored.times, start, end) & np.isfinite(monitored.values)
    base = monitored.baseline
    judged = inside & np.isfinite(base.expected)
    in_band = (monitored.values >= base.lower) & (monitored.values <= base.upper)
    return SeriesMonth(
        series=monitored,
        facts=facts,
        previous=against.with_month(facts.month.previous()),
        year_before=against.with_month(year_before),
        in_band_ratio=float(in_band[judged].mean()) if judged.any() else float("nan"),
        judged_ratio=float(judged.sum() / inside.sum()) if inside.any() else float("nan"),
        judged_readings=int(judged.sum()),
        newest=pd.Timestamp(read.max()).tz_localize("UTC").to_pydatetime(),
        account=against.account,
        platform=against.platform,
        first_at=against.first_at,
        meanings=meanings_in(monitored.key, against.definitions, facts.month),
    )
