"""After an incident the level comes back: against a baseline that learned the incident that looks like a fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike

from analytics.anomalies.breaks import break_times
from analytics.anomalies.events import Event, Floats, Times, utc
from analytics.baselines.clock import as_times
from analytics.baselines.robust import quantiles

AFTER = timedelta(days=7)  # a level that held longer is a new one, and its end tells something
DAYS = 28  # before the incident that say what is usual at an hour
LEAST_DAYS = 7
QUARTILES = np.array([0.25, 0.75])
FENCE = 3.0  # interquartile ranges beyond the quartiles: the outer fences
DAY = np.timedelta64(86400, "s").astype("timedelta64[ns]")


def without_returns(
    events: Sequence[Event], times: ArrayLike, values: ArrayLike, *, breaks: Sequence[datetime | np.datetime64] = ()
) -> list[Event]:
    """The events, less those that only come back to what was usual before an event of the opposite direction.

    An event that begins within a week of such an end is measured by the same hours of the 28 days before the earlier
    one: while its mean lies within Tukey's outer fences of theirs (on the scale of roots, where nothing is negative)
    it is a return, and not told. One that goes on beyond them is an event of its own, confirmed when it left them.

    Args:
        events: of one series, by start.
        times, values: shape (n,), the readings they were found in, ascending, and as much before them as there is.
        breaks: when the metric's definition changed; across one nothing says what is usual.

    Whether and when an event is confirmed depends on readings up to `confirmed_at` only.
    """
    at, readings = as_times(times), np.asarray(values, dtype=float)
    kept: list[Event] = []
    seen: list[tuple[Event, datetime]] = []  # each with when the level it came back from was left
    for event in events:
        left = [since for earlier, since in seen if _led_astray(earlier, event)]
        told = _beyond(event, min(left), at, readings, break_times(breaks)) if left else event
        if told is not None:
            kept.append(told)
        seen.append((event, min(left) if told is None else event.start))
    return kept


def _led_astray(earlier: Event, event: Event) -> bool:
    """Whether the baseline that judged `event` knew the level of the earlier one."""
    before = earlier.start < event.start and earlier.confirmed_at <= event.confirmed_at
    after_it = earlier.direction != event.direction and event.start - earlier.end <= AFTER
    of_level = event.rule in ("statistical", "trend") or event.details.get("kind") == "missing rhythm"
    return before and after_it and of_level


def _beyond(event: Event, since: datetime, times: Times, values: Floats, breaks: Times) -> Event | None:
    """The event, confirmed where it left what was usual before `since`; None where it did not."""
    first, confirmed, last = (_instant(t) for t in (event.start, event.confirmed_at, event.end))
    inside = slice(np.searchsorted(times, first), np.searchsorted(times, last, side="right"))
    usual = _same_hours(times, values, times[inside], _instant(since))
    usual = usual[np.isfinite(usual).any(axis=1)]
    if len(usual) < LEAST_DAYS or any(_instant(since) - DAYS * DAY <= at <= last for at in breaks):
        return event
    theirs, mean = _means(usual), _means(values[None, inside])[0]
    if np.nanmin(theirs) >= 0 and np.nanmin(mean, initial=0.0) >= 0:
        theirs, mean = np.sqrt(theirs), np.sqrt(mean)
    low, high = quantiles(theirs.T, QUARTILES)
    room = FENCE * (high - low)
    outside = ~((mean >= low - room) & (mean <= high + room)) & (times[inside] >= confirmed)
    if not outside.any():
        return None
    left = times[inside][np.argmax(outside)]
    return event if left <= confirmed else replace(event, confirmed_at=utc(left))


def _same_hours(times: Times, values: Floats, wanted: Times, before: np.datetime64) -> Floats:
    """What was read at the same times of the days before, shape (days, n); NaN where nothing was, or not `before`."""
    step = np.median(np.diff(times)) if times.size > 1 else DAY
    found = np.full((2 * DAYS, wanted.size), np.nan)
    for day in range(found.shape[0]):
        asked = wanted - (day + 1) * DAY
        place = np.clip(np.searchsorted(times, asked - step / 2), 0, times.size - 1)
        right = (np.abs(times[place] - asked) <= step / 2) & (asked < before) & (asked >= before - DAYS * DAY)
        found[day, right] = values[place[right]]
    return found


def _means(rows: Floats) -> Floats:
    """Mean of each row up to each column, NaN left out."""
    known = np.isfinite(rows)
    total, count = np.cumsum(np.where(known, rows, 0.0), axis=1), np.cumsum(known, axis=1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _instant(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "ns")
