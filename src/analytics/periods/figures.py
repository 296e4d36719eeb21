"""The figures of a period: one entry a series, its comparisons, its incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from analytics.definitions import definition_for
from analytics.model import MetricDefinition, Period, SeriesKey
from analytics.monitoring.judge import MonitoredSeries
from analytics.monitoring.watch import Watch
from analytics.periods.facts import Comparison, MonthFacts
from analytics.periods.incidents import DAY_S, ToldIncident
from analytics.store.remarks import Annotation
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import metric_name, unit_of

if TYPE_CHECKING:
    pass

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
