"""A change of a metric's definition is a break, never an anomaly: the baseline is moved to the new level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from analytics.anomalies.events import Floats, Times
from analytics.anomalies.residuals import Residuals
from analytics.baselines.clock import as_times

DAY = np.timedelta64(86400, "s")
MIN_READINGS = 5  # a daily metric is compared over five days, the others over one: the time of day cancels out
AGREE = 0.08  # in logs: days that differ by less …
AGREE_DAYS = 3  # … and are this many are at one level
PATIENCE_DAYS = 14  # by then the series is judged again, whatever it does
BRIDGE_DAYS = 35  # by then a 30-day window holds the new meaning only
LOOKBACK = 7  # blocks


def break_times(breaks: Sequence[datetime | np.datetime64] | None) -> Times:
    """Dated changes, ascending, datetime64[ns]."""
    listed = [] if breaks is None else list(breaks)
    return np.sort(as_times(listed)) if listed else np.empty(0, dtype="datetime64[ns]")


def bridge(readings: Residuals, breaks: Times) -> Residuals:
    """The same readings with the baseline at the level of the metric's new meaning.

    A baseline that restarts at the break says nothing at first and is left as it is. Any other
    may take days to follow, or never does. So nothing is judged until the ratio of medians,
    observed to expected, has been the same three days running (within 8 %, at most 14 days); from then
    on, up to 35 days after the break, the expected value is multiplied by the median ratio of at most
    seven days since. Band and scale follow, but shrink with the root only: fewer counts are relatively
    noisier. Where a ratio makes no sense (levels at or below 0) the difference of medians is added
    instead. Nothing later than the day before is looked at.
    """
    if not breaks.size or not readings.times.size:
        return readings
    moved = {name: getattr(readings, name).copy() for name in ("expected", "lower", "upper", "scale")}
    for first, end in _stretches(readings.times, breaks):
        for row in range(readings.values.shape[0]):
            _bridge_row(readings, moved, row, first, end)
    return replace(readings, **moved)


def _bridge_row(readings: Residuals, moved: dict[str, Floats], row: int, first: int, end: int) -> None:
    """Move one series' baseline between two columns, in place of the copies."""
    changes: list[tuple[float, float]] = []
    settled = None
    blocks = list(_days(readings.times, first, end))
    for k, (start, stop) in enumerate(blocks):
        cut = slice(start, stop)
        if k == 0 and np.isnan(readings.expected[row, cut]).mean() > 0.5:
            return
        if settled is None and (
            _agree(changes) or readings.times[start] - readings.times[first] >= PATIENCE_DAYS * DAY
        ):
            settled = max(0, k - AGREE_DAYS)
        if settled is None:
            for array in moved.values():
                array[row, cut] = np.nan
        else:
            _move(moved, row, cut, *_typical(changes[settled:][-LOOKBACK:]))
        changes.append(_change(readings.values[row, cut], readings.expected[row, cut]))


def _move(moved: dict[str, Floats], row: int, cut: slice, ratio: float, shift: float) -> None:
    old, width = moved["expected"][row, cut].copy(), max(ratio, ratio**0.5)
    new = old * ratio + shift
    moved["expected"][row, cut] = new
    for edge in ("lower", "upper"):
        moved[edge][row, cut] = new + (moved[edge][row, cut] - old) * width
    moved["scale"][row, cut] *= width


def _agree(changes: list[tuple[float, float]]) -> bool:
    """Whether the last days stand at one level; without a ratio enough days are enough."""
    recent = [ratio for ratio, _ in changes[-AGREE_DAYS:]]
    return len(recent) == AGREE_DAYS and math.log(max(recent) / min(recent)) <= AGREE


def _typical(changes: list[tuple[float, float]]) -> tuple[float, float]:
    if not changes:
        return 1.0, 0.0
    return float(np.median([ratio for ratio, _ in changes])), float(np.median([shift for _, shift in changes]))


def _stretches(times: Times, breaks: Times) -> Iterator[tuple[int, int]]:
    """First and past-last column that each break governs."""
    until = np.minimum(breaks + BRIDGE_DAYS * DAY, np.r_[breaks[1:], breaks[-1] + BRIDGE_DAYS * DAY])
    for start, stop in zip(np.searchsorted(times, breaks), np.searchsorted(times, until), strict=True):
        if start < stop:
            yield int(start), int(stop)


def _days(times: Times, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch cut into days counted from its first reading, or into five readings where that is longer."""
    per_day = np.searchsorted(times, times[first] + DAY) - first
    if per_day >= MIN_READINGS:
        day = (times[first:end] - times[first]) // DAY
        starts = first + np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    else:
        starts = np.arange(first, end, MIN_READINGS)
    yield from zip(starts.tolist(), [*starts[1:].tolist(), end], strict=True)


def _change(observed: Floats, expected: Floats) -> tuple[float, float]:
    """Ratio and shift that bring the expected level to the observed one; 1 and 0 where nothing is known."""
    known = np.isfinite(observed) & np.isfinite(expected)
    if not known.any():
        return 1.0, 0.0
    now, before = float(np.median(observed[known])), float(np.median(expected[known]))
    return (now / before, 0.0) if now > 0 and before > 0 else (1.0, now - before)
