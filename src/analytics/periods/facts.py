"""A month's figures for one series: totals, days, coverage, and comparisons that say what they adjust for.

Pure: arrays and frames in, dataclasses out. A day's amount is what the metric's aggregation makes of
it: the sum of increases or counts, the last reading of a level, the mean of the rest.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.model import Aggregation, Period
from analytics.wording import formats
from analytics.wording.sentences import counted

FULL_DAY_COVERAGE = 0.8
MIN_FULL_DAYS = 14
Lack = Literal["", "days", "earlier days", "a beginning", "one meaning"]


@dataclass(frozen=True)
class MonthFacts:
    """One series in one month.

    `days` has one row a local day that has begun: `amount` (NaN where nothing was read) and `coverage_ratio` (readings
    present, of those of a whole day). `total` is the month's figure in the metric's unit: a sum over the readings
    there are (not scaled up), or the last level. `coverage_ratio` is the share of the readings due by `until`, which
    is when the month ends, or how far a month that still runs can have been read; `whole_days` are over by then.
    `level_before` is the last level of the day before the month, NaN where that was not read.
    """

    month: Period
    aggregation: Aggregation
    days: pd.DataFrame
    total: float
    coverage_ratio: float
    until: datetime
    whole_days: int
    level_before: float = float("nan")

    @property
    def full_days(self) -> pd.DataFrame:
        """Days with at least 80 % of their readings."""
        return self.days[self.days["coverage_ratio"] >= FULL_DAY_COVERAGE]

    @property
    def movement(self) -> pd.Series:
        """What each full day brought: its amount, or for a level its change on the day before."""
        amounts = self.days["amount"].where(self.days["coverage_ratio"] >= FULL_DAY_COVERAGE)
        if self.aggregation == "last":
            amounts = amounts - amounts.shift(fill_value=self.level_before)
        return amounts.dropna()

    @property
    def per_day(self) -> float:
        """Mean movement of a full day; NaN where there is none."""
        return float(self.movement.mean()) if len(self.movement) else float("nan")


@dataclass(frozen=True)
class Comparison:
    """This month against another one; `refusal` says why there is no figure, `lacks` what would be needed for one.

    `change_ratio` compares mean full days; `adjusted_change_ratio` compares the same weekdays, so that a
    month with five Saturdays is not called a fall. Both are relative to the other month (0.1: a tenth more). Of a level
    both compare how it stood at the end. `weekdays` are the other month's means, None of a level.
    """

    other: Period
    change_ratio: float = float("nan")
    adjusted_change_ratio: float = float("nan")
    refusal: str = ""
    weekdays: pd.Series | None = field(default=None, compare=False, repr=False)
    lacks: Lack = ""


def month_facts(
    times: NDArray[np.datetime64],
    values: NDArray[np.float64],
    *,
    month: Period,
    timezone: str,
    aggregation: Aggregation,
    step_s: float,
    reached: datetime | None = None,
) -> MonthFacts:
    """Fold readings into days and the month.

    Args:
        times: shape (n,), UTC, datetime64[ns], within or beyond the month.
        values: shape (n,), amounts per interval (or levels), NaN where nothing is known.
        month: the calendar month in `timezone`.
        timezone: IANA name; days begin at its midnight.
        aggregation: how readings make a day.
        step_s: usual seconds between readings, from which the readings due are counted.
        reached: how far the data reach at all; later readings are not due yet. None: beyond the month.
    """
    start, end = month.bounds(timezone)
    until = end if reached is None or not is_running(month, timezone, reached, step_s) else max(reached, start)
    inside = within(times, start, end)
    local = pd.DatetimeIndex(times[inside]).tz_localize("UTC").tz_convert(timezone)
    frame = pd.DataFrame({"day": local.normalize(), "amount": values[inside]})
    midnights = pd.date_range(pd.Timestamp(start).tz_convert(timezone), periods=month.days + 1, freq="D")
    whole = np.diff(midnights.as_unit("ns").asi8) / 1e9 / step_s
    begun = midnights[:-1][midnights[:-1] <= pd.Timestamp(until)]
    days = pd.DataFrame({"amount": _folded(frame, aggregation)}).reindex(begun)
    count = frame.groupby("day")["amount"].count().reindex(begun).fillna(0).to_numpy(float)
    days["coverage_ratio"] = np.minimum(count / whole[: len(begun)], 1.0)
    known = frame["amount"].dropna()
    total = float("nan") if known.empty else _total(known, aggregation)
    yesterday = values[within(times, start - timedelta(days=1), start) & np.isfinite(values)]
    before = float(yesterday[-1]) if yesterday.size else float("nan")
    late = until if until == end else until - timedelta(seconds=step_s)  # by one step no reading is late yet
    due = np.clip((late - begun).total_seconds().to_numpy() / step_s, 0.0, whole[: len(begun)])
    share = float(np.minimum(count, due).sum() / due.sum()) if due.any() else float(count.any())
    return MonthFacts(
        month, aggregation, days, total, share, until, int((midnights[1:] <= pd.Timestamp(until)).sum()), before
    )


def is_running(month: Period, timezone: str, reached: datetime, step_s: float) -> bool:
    """Whether data read every `step_s` that reach so far leave the month unfinished."""
    return reached + timedelta(seconds=step_s) < month.bounds(timezone)[1]


def first_reading(times: NDArray[np.datetime64], values: NDArray[np.float64]) -> datetime | None:
    """When the first known of `values` was read; None where none is known."""
    known = times[np.isfinite(values)]
    return pd.Timestamp(known[0], tz="UTC").to_pydatetime() if known.size else None


def received_ratio(facts: MonthFacts, since: datetime | None) -> float:
    """Share of the readings due that were received; of a new account, of those due since its first."""
    if since is None:
        return facts.coverage_ratio
    start, end = facts.days.index[0], facts.until
    return float(min(1.0, facts.coverage_ratio * ((end - start) / (end - since)))) if end > since else 1.0


def within(times: NDArray[np.datetime64], start: datetime, end: datetime) -> NDArray[np.bool_]:
    """Which of the UTC `times` (n,) lie from `start` up to, not including, `end` (both aware)."""
    first, last = (np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "ns") for at in (start, end))
    found: NDArray[np.bool_] = (times >= first) & (times < last)
    return found


def _folded(frame: pd.DataFrame, aggregation: Aggregation) -> pd.Series:
    groups = frame.groupby("day")["amount"]
    if aggregation in ("increase", "sum"):
        return groups.sum(min_count=1)
    return groups.last() if aggregation == "last" else groups.mean()


def _total(known: pd.Series, aggregation: Aggregation) -> float:
    if aggregation in ("increase", "sum"):
        return float(known.sum())
    return float(known.iloc[-1]) if aggregation == "last" else float(known.mean())


def compare(this: MonthFacts, other: MonthFacts) -> Comparison:
    """Change from `other` to `this`, or the reason why there is none to state."""
    for facts in (this, other):
        full, over = len(facts.full_days), facts.whole_days
        if full < max(1, min(MIN_FULL_DAYS, (over + 1) // 2)):
            few = counted(
                full,
                "{period} has {n} full day of {days}",
                "{period} has {n} full days of {days}",
                period=formats.period(facts.month),
                days=over,
            )
            return Comparison(other.month, refusal=few, lacks="days" if facts is this else "earlier days")
    if this.aggregation == "last":
        ratio = _ratio(this.total, other.total)
        return Comparison(other.month, ratio, ratio)
    ours, theirs = weekday_means(this), weekday_means(other)
    both = ours.index.intersection(theirs.index)
    adjusted = _ratio(float(ours[both].mean()), float(theirs[both].mean()))
    return Comparison(other.month, _ratio(this.per_day, other.per_day), adjusted, weekdays=theirs)


def change_without(this: MonthFacts, against: Comparison, days: Collection[date]) -> float:
    """The adjusted change as it would be without some days of `this`; NaN where nothing is left to compare."""
    if against.weekdays is None:
        return float("nan")
    ours = weekday_means(this, without=days)
    both = ours.index.intersection(against.weekdays.index)
    return _ratio(float(ours[both].mean()), float(against.weekdays[both].mean()))


def weekday_shape(facts: MonthFacts) -> pd.Series:
    """Median movement of each weekday's full days over the median of all: 1 is an ordinary day.

    Medians, so that one viral Friday is not taken for the shape of a week. Empty where the median is not positive.
    """
    moved = facts.movement
    if not len(moved) or not moved.median() > 0:
        return pd.Series(dtype=float)
    return moved.groupby(pd.DatetimeIndex(moved.index).day_of_week).median() / moved.median()


def weekday_means(facts: MonthFacts, *, without: Collection[date] = ()) -> pd.Series:
    """Mean movement of a full day by weekday (0 is Monday), `without` some days."""
    moved = facts.movement
    moved = moved[[day not in without for day in pd.DatetimeIndex(moved.index).date]]
    return moved.groupby(pd.DatetimeIndex(moved.index).day_of_week).mean()


def _ratio(this: float, other: float) -> float:
    return this / other - 1 if other > 0 else float("nan")
