"""What the monthly traffic report stands on: every series' month, its comparisons, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from analytics.compute.cache import NOTHING, Kept
from analytics.errors import NoDataError
from analytics.model import MetricDefinition, Period, SeriesKey, Span
from analytics.monitoring import (
    Amounts,
    MonitoredSeries,
    Watch,
    amounts_of,
    break_time,
    breaks_between,
    definition_for,
    monitor,
)
from analytics.params import Baselines
from analytics.readings import readings_of
from analytics.reports.evidence import said_of
from analytics.reports.facts import Comparison, MonthFacts, compare, is_running, month_facts, within
from analytics.reports.incidents import DAY_S, ToldIncident, told_incidents
from analytics.reports.stored import stored_months
from analytics.store.remarks import Annotation
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import metric_name, unit_of

if TYPE_CHECKING:
    from analytics.store import Store

LATE_STEPS = 3  # of a series' usual interval without a reading, until one is missed
Definitions = Mapping[tuple[str, str], tuple[MetricDefinition, ...]]


@dataclass(frozen=True)
class SeriesMonth:
    """One series in the reported month, with its comparisons.

    `in_band_ratio` is the share of judged readings inside the band, `judged_ratio` the share of readings
    that had enough history to be judged; both NaN where there are none. `meanings` are the definitions in force
    in the month, the earliest first: more than one where the metric came to mean something else within it. `first_at`
    is the series' first reading ever.
    """

    series: MonitoredSeries
    facts: MonthFacts
    previous: Comparison
    year_before: Comparison
    in_band_ratio: float
    judged_ratio: float
    judged_readings: int
    newest: datetime
    account: str
    meanings: tuple[MetricDefinition, ...]
    platform: str
    first_at: datetime
    is_own: bool = True

    @property
    def full_name(self) -> str:
        """Platform, account and metric."""
        return f"{self.platform} {self.name}".strip()

    @property
    def name(self) -> str:
        """Account and metric."""
        return f"{self.account} {metric_name(self.series.definition)}".strip()

    @property
    def is_level(self) -> bool:
        """Whether the period's figure is how it stood at the end, not what it brought."""
        return self.facts.aggregation == "last"

    @property
    def unit(self) -> str:
        """Unit of the amounts."""
        return unit_of(self.series.definition)


@dataclass(frozen=True)
class TrafficData:
    """All of a report's figures; nothing in it depends on when it was computed.

    `absent` are series read before the month that have no reading in it though one was due, `unmeasured` those whose
    readings give no figure: a counter read once, or values withheld; `names` says how each platform, and each account
    (`platform id`), is called in text. `remarks` are what people said of the month. `reached` is the newest reading of
    the store where it lies before the period's end: a period that still runs.
    """

    month: Period
    timezone: str
    watch: Watch
    items: tuple[SeriesMonth, ...]
    absent: tuple[str, ...]
    incidents: tuple[ToldIncident, ...]
    snapshot: str
    unmeasured: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Annotation, ...] = ()
    reached: datetime | None = None
    definitions: Definitions = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone its days and clock times are told in."""
        return ZoneInfo(self.timezone)

    @property
    def label(self) -> str:
        """The period in words; of one that still runs also how far it has come."""
        if self.reached is None:
            return formats.period(self.month)
        day = formats.day(self.reached.astimezone(self.zone).date())
        return say("{period} (so far, to {day})", period=formats.period(self.month), day=day)

    def display_name(self, platform: str) -> str:
        """What people call the platform."""
        return platform_name(platform, self.names)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platforms with data, in the order of the items."""
        return tuple(dict.fromkeys(item.series.key.platform for item in self.items))

    @property
    def accounts(self) -> tuple[tuple[str, str], ...]:
        """Platform and account of every series shown: whose contents and troubles the report may tell of."""
        return accounts_of(self.items)

    @property
    def newest(self) -> datetime:
        """The newest reading in the report."""
        return max(item.newest for item in self.items)

    def incidents_of(self, item: SeriesMonth) -> tuple[ToldIncident, ...]:
        """The incidents that a series takes part in."""
        return tuple(told for told in self.incidents if item.series.key in told.keys)

    @property
    def own(self) -> tuple[SeriesMonth, ...]:
        """The items of own accounts; all where there are none."""
        return tuple(item for item in self.items if item.is_own) or self.items

    @property
    def own_incidents(self) -> tuple[ToldIncident, ...]:
        """The incidents that an own account takes part in."""
        keys = {item.series.key for item in self.own}
        return tuple(told for told in self.incidents if not keys.isdisjoint(told.keys))

    def is_alone(self, item: SeriesMonth) -> bool:
        """Whether no other account of its platform is shown with its metric, so that the account need not be named."""
        metric = item.series.key.metric_type
        return sum(other.series.key.metric_type == metric for other in self.of(item.series.key.platform)) == 1

    def short_name(self, item: SeriesMonth, *, total: bool = False) -> str:
        """Platform and metric, the account only where it tells two series apart; `total`: the period's sum is meant."""
        metric = metric_name(item.series.definition, total=total and item.facts.aggregation == "sum")
        account = "" if self.is_alone(item) else item.account
        return " ".join(filter(None, (self.display_name(item.series.key.platform), account, metric)))

    def named(self, key: SeriesKey) -> str:
        """What a series is called in text, also one that the report does not show."""
        return series_name(key, self.names, definition_for(key, self.definitions, self.month.bounds(self.timezone)[1]))

    def item(self, key: SeriesKey) -> SeriesMonth:
        """The item of a series."""
        return next(item for item in self.items if item.series.key == key)

    def of(self, platform: str) -> tuple[SeriesMonth, ...]:
        """The items of one platform."""
        return tuple(item for item in self.items if item.series.key.platform == platform)


def platform_name(platform: str, names: Mapping[str, str]) -> str:
    """What people call a platform; one that nobody named, by its own name as a word."""
    return names.get(platform, platform.replace("_", " ").capitalize())


def series_name(key: SeriesKey, names: Mapping[str, str], definition: MetricDefinition) -> str:
    """Platform, account and metric of a series, as a sentence wants them."""
    account = names.get(f"{key.platform} {key.author_id}", key.author_id)
    return " ".join(filter(None, (platform_name(key.platform, names), account, metric_name(definition))))


def accounts_of(items: Sequence[SeriesMonth]) -> tuple[tuple[str, str], ...]:
    """Platform and account of each series, once, in their order."""
    return tuple(dict.fromkeys((item.series.key.platform, item.series.key.author_id) for item in items))


def local(at: datetime, item: SeriesMonth, data: TrafficData) -> date:
    """An instant in the report's zone, as precise as the series is judged: a day for daily values, else a time."""
    found = at.astimezone(data.zone)
    return found.date() if item.series.step_s >= DAY_S else found


def when(at: datetime, item: SeriesMonth, data: TrafficData) -> str:
    """The same in words, to the minute."""
    return formats.moment(local(at, item, data))


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
    reached: datetime = store.series()["last_time"].max().to_pydatetime()
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
        found = readings_of(self.store, series.series_id, series.definition, earlier, earlier, end)
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
