"""A change of a metric's definition is a break, never an anomaly: the baseline is moved to the new level."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from analytics.anomalies.events import Floats, Times
from analytics.anomalies.residuals import Residuals
from analytics.baselines.clock import as_times

DAY = np.timedelta64(86400, "s")
SETTLE_DAYS = 1  # a whole day, so that the time of day cancels out of the comparison
MIN_READINGS = 5  # for daily metrics: five days
BRIDGE_DAYS = 35  # by then a 30-day window holds the new meaning only
LOOKBACK_DAYS = 7


def break_times(breaks: Sequence[datetime | np.datetime64] | None) -> Times:
    """Dated changes, ascending, datetime64[ns]."""
    listed = [] if breaks is None else list(breaks)
    return np.sort(as_times(listed)) if listed else np.empty(0, dtype="datetime64[ns]")


def bridge(readings: Residuals, breaks: Times) -> Residuals:
    """The same readings with the baseline at the level of the metric's new meaning.

    After a break nothing is judged for a day (and five readings). Then the expected value is
    multiplied by the ratio of medians, observed to expected, over at most the last seven days since
    the break, renewed daily, for 35 days. Band and scale follow, but shrink with the root only:
    fewer counts are relatively noisier. A baseline that restarted at the break by
    itself has ratio 1 and stays as it is. Where a ratio makes no sense (levels at or below 0) the
    difference of medians is added instead. Nothing later than the day before is looked at.
    """
    if not breaks.size or not readings.times.size:
        return readings
    moved = {name: getattr(readings, name).copy() for name in ("expected", "lower", "upper", "scale")}
    for first, end in _stretches(readings.times, breaks):
        for start, stop in _days(readings.times, first, end):
            if readings.times[start] - readings.times[first] < SETTLE_DAYS * DAY or start - first < MIN_READINGS:
                for array in moved.values():
                    array[:, start:stop] = np.nan
                continue
            since = max(first, int(np.searchsorted(readings.times, readings.times[start] - LOOKBACK_DAYS * DAY)))
            ratio, shift = _change(readings.values[:, since:start], readings.expected[:, since:start])
            width = np.maximum(ratio, np.sqrt(ratio))
            old = readings.expected[:, start:stop]
            moved["expected"][:, start:stop] = new = old * ratio + shift
            for edge in ("lower", "upper"):
                moved[edge][:, start:stop] = new + (moved[edge][:, start:stop] - old) * width
            moved["scale"][:, start:stop] *= width
    return replace(readings, **moved)


def _stretches(times: Times, breaks: Times) -> Iterator[tuple[int, int]]:
    """First and past-last column that each break governs."""
    until = np.minimum(breaks + BRIDGE_DAYS * DAY, np.r_[breaks[1:], breaks[-1] + BRIDGE_DAYS * DAY])
    for start, stop in zip(np.searchsorted(times, breaks), np.searchsorted(times, until), strict=True):
        if start < stop:
            yield int(start), int(stop)


def _days(times: Times, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch cut into days counted from its first reading."""
    day = (times[first:end] - times[first]) // DAY
    starts = first + np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    yield from zip(starts.tolist(), [*starts[1:].tolist(), end], strict=True)


def _change(observed: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Ratio and shift, shape (m, 1), that bring the expected level to the observed one."""
    known = np.isfinite(observed) & np.isfinite(expected)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # an all-missing row has no median: NaN is the answer
        now = np.nanmedian(np.where(known, observed, np.nan), axis=1, keepdims=True)
        before = np.nanmedian(np.where(known, expected, np.nan), axis=1, keepdims=True)
        ratio = now / before
    proportional = (now > 0) & (before > 0)
    return np.where(proportional, ratio, 1.0), np.where(proportional, 0.0, now - before)
