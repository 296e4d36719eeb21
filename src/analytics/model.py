"""The vocabulary every room shares: observations, series, months, metric definitions."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import total_ordering
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from analytics.errors import InputError, nearest

DataType = Literal["counter", "gauge", "histogram"]
Aggregation = Literal["increase", "last", "sum", "mean"]
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """The natural key of a series; '' where the series has no content or no author."""

    platform: str
    metric_type: str
    content_id: str = ""
    author_id: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.platform, self.author_id, self.content_id, self.metric_type) if part)


@dataclass(frozen=True, slots=True)
class Observation:
    """One reading, exactly as the platform gave it.

    `value` None means the platform withheld it: unknown, never zero, and never stored as a point. `fault` is set
    where there was one that cannot be read: where it stands in the answer and what was found; then `value` is None,
    and `metric_type` may be '' where a whole item cannot be told apart. `observed_at` is aware; `author_id` is the
    account the reading belongs to.
    """

    platform: str
    metric_type: str
    value: float | None
    observed_at: datetime
    content_id: str = ""
    content_type: str = ""
    author_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""

    @property
    def key(self) -> SeriesKey:
        """The series this reading belongs to."""
        return SeriesKey(self.platform, self.metric_type, self.content_id, self.author_id)


def newest_of(observations: Iterable[Observation]) -> list[Observation]:
    """One reading a series and instant: the one given last, as a listing that shifts between two pages repeats items.

    What was withheld or cannot be read takes nothing from a value that was given.
    """
    newest: dict[tuple[SeriesKey, datetime], Observation] = {}
    others: list[Observation] = []
    for observation in observations:
        if observation.value is None or observation.fault:
            others.append(observation)
        else:
            newest[observation.key, observation.observed_at] = observation
    return [*newest.values(), *others]


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """What one metric of one platform means from `valid_from` on (None: from the beginning).

    `data_type` is the specification's; `aggregation` says how readings make a period's figure:
    counters by their `increase`, levels by the `last` reading, counts per interval by their `sum`,
    the rest by their `mean`. `settles_after` is how late the platform may still change a reading.
    """

    platform: str
    metric_type: str
    display_name: str
    unit: str
    data_type: DataType
    aggregation: Aggregation
    description: str = ""
    freshness: Literal["minutes", "hourly", "daily"] = "minutes"
    settles_after: timedelta = timedelta(0)
    valid_from: date | None = None

    @property
    def definition_id(self) -> str:
        """Stable name of this meaning, for example `youtube.views@2026-08-24`."""
        return f"{self.platform}.{self.metric_type}" + (f"@{self.valid_from.isoformat()}" if self.valid_from else "")


@total_ordering
@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month.

    >>> Month.parse("2015-03").previous()
    Month(year=2015, month=2)
    >>> str(Month(2015, 1).shifted(-13)), Month(2024, 2).days
    ('2013-12', 29)
    """

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1970 <= self.year <= 9998):
            raise InputError(f"month {self.year:04d}-{self.month:02d}: expected YYYY-MM, for example 2026-10")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`; raise `InputError` for anything else."""
        if not re.fullmatch(r"\d{4}-\d{2}", text, flags=re.ASCII):
            raise InputError(f"month {text!r}: expected YYYY-MM, for example 2026-10")
        return cls(int(text[:4]), int(text[5:]))

    @property
    def days(self) -> int:
        """Number of days, 28 to 31."""
        return calendar.monthrange(self.year, self.month)[1]

    @property
    def label(self) -> str:
        """The month in words, for example `March 2015`."""
        return f"{calendar.month_name[self.month]} {self.year}"

    def shifted(self, months: int) -> Month:
        """The month `months` later (negative: earlier)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    def previous(self) -> Month:
        """The month before."""
        return self.shifted(-1)

    def year_before(self) -> Month:
        """The same month a year before."""
        return self.shifted(-12)

    def following(self) -> Month:
        """The month after."""
        return self.shifted(1)

    def bounds(self, timezone: str = "UTC") -> tuple[datetime, datetime]:
        """First instant of the month and of the next one, in `timezone`, as aware UTC datetimes."""
        zone = zone_of(timezone)
        following = self.shifted(1)
        start = datetime(self.year, self.month, 1, tzinfo=zone)
        end = datetime(following.year, following.month, 1, tzinfo=zone)
        return start.astimezone(UTC), end.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def __lt__(self, other: Month) -> bool:
        return (self.year, self.month) < (other.year, other.month)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days from `first` to `last`, both included, where a month is not what is asked for.

    >>> span = Span.parse("2026-10-05--2026-10-18")
    >>> str(span), span.days, span.label, str(span.previous())
    ('2026-10-05--2026-10-18', 14, '5 October to 18 October 2026', '2026-09-21--2026-10-04')
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InputError(f"period {self}: ends before it begins")
        if not (self.first.year >= 1970 and self.last.year <= 9998 and self.days <= 400):
            raise InputError(f"period {self}: expected at most 400 days between 1970 and 9998")

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read `YYYY-MM-DD--YYYY-MM-DD`; raise `InputError` for anything else."""
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}--\d{4}-\d{2}-\d{2}", text, flags=re.ASCII):
            raise InputError(f"period {text!r}: expected YYYY-MM, or two days as in 2026-10-05--2026-10-18")
        try:
            return cls(date.fromisoformat(text[:10]), date.fromisoformat(text[12:]))
        except ValueError as exc:
            raise InputError(f"period {text!r}: {exc}; expected two days as in 2026-10-05--2026-10-18") from exc

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def label(self) -> str:
        """The days in words."""
        first, last = (f"{day.day} {calendar.month_name[day.month]}" for day in (self.first, self.last))
        year = "" if self.first.year == self.last.year else f" {self.first.year}"
        return f"{first}{year} to {last} {self.last.year}"

    def moved(self, days: int) -> Span:
        """The same number of days, so many days later (negative: earlier)."""
        return Span(self.first + timedelta(days=days), self.last + timedelta(days=days))

    def previous(self) -> Span:
        """As many days, just before."""
        return self.moved(-self.days)

    def year_before(self) -> Span:
        """The same weekdays 52 weeks before."""
        return self.moved(-364)

    def following(self) -> Span:
        """As many days, just after."""
        return self.moved(self.days)

    def bounds(self, timezone: str = "UTC") -> tuple[datetime, datetime]:
        """First instant of the first day and of the day after the last, in `timezone`, as aware UTC datetimes."""
        zone = zone_of(timezone)
        after = self.last + timedelta(days=1)
        start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (self.first, after))
        return start.astimezone(UTC), end.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.first.isoformat()}--{self.last.isoformat()}"


Period = Month | Span


def period_of(text: str) -> Period:
    """A calendar month, or a run of days; raise `InputError` for anything else."""
    return Span.parse(text) if "--" in text else Month.parse(text)


def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raise `InputError` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        hint = nearest(name, available_timezones(), cutoff=0.7)
        known = hint if hint.startswith("did you mean") else "expected an IANA name, for example Europe/Berlin"
        raise InputError(f"time zone {name!r}: {known}") from exc
