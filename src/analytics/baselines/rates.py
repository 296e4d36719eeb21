"""Readings to rates: what a counter gained between two polls, over the interval that truly passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analytics.baselines.clock import Bools, Floats, Times, as_times, step_of
from analytics.errors import InputError
from analytics.model import DataType

RESET_SHARE = 0.1  # a counter that keeps a tenth or less of its reading was restarted, not corrected
RESET_MIN = 20.0  # below this a fall to zero may be a few withdrawn likes
MAX_GAP_STEPS = 3.0  # longer than three polls: the interval's average says nothing about one poll


@dataclass(frozen=True)
class Rates:
    """One row a reading, in time order, each time once.

    Attributes:
        times: shape (n,), datetime64[ns], UTC; the end of the interval.
        values: shape (n,), what a baseline judges: for counters the increase per `step_s`, for
            gauges the reading. NaN: unknown (first reading, withheld reading, after a gap).
        increase: shape (n,), the increase over the whole interval, in the metric's unit, also
            after a gap, so that increases add up to a total; NaN for gauges.
        interval_s: shape (n,), seconds since the reading before; NaN for the first.
        resets: shape (n,), true where the counter was seen to start again.
        step_s: the typical polling interval.
        warnings: plain sentences.
    """

    times: Times
    values: Floats
    increase: Floats
    interval_s: Floats
    resets: Bools
    step_s: float
    warnings: tuple[str, ...] = ()

    @property
    def per_hour(self) -> Floats:
        """Increase per hour, shape (n,)."""
        return self.values * (3600.0 / self.step_s)


def to_rate(
    times: ArrayLike,
    values: ArrayLike,
    *,
    data_type: DataType = "counter",
    step_s: float | None = None,
    max_gap_steps: float = MAX_GAP_STEPS,
) -> Rates:
    """Turn readings into what each interval brought.

    A counter's step down is a fact and stays negative (likes withdrawn, spam purged), unless
    the counter fell to a tenth or less of a reading of at least 20: then it was restarted and
    what it shows is what it gained since. If a later step brings it back to where it was,
    the low reading was a fault of the source and the increase is counted from the old level.
    After a gap longer than `max_gap_steps` polls the rate is unknown, so a 40-minute gap is
    no spike in the five minutes that follow; `increase` keeps the amount.

    Args:
        times: shape (n,), UTC; any order. Of readings with the same time the last one given counts.
        values: shape (n,). NaN is a withheld reading: the next interval starts at the reading before it.
        data_type: `counter` is differenced; `gauge` and `histogram` values pass through.
        step_s: the unit of time of the rate; None takes the median interval.
        max_gap_steps: see above.
    Raises:
        InputError: shapes differ, a time is missing, or `step_s` is not positive.

    >>> at = np.datetime64("2026-03-01T00:00") + np.array([0, 5, 10, 50, 55]) * np.timedelta64(1, "m")
    >>> to_rate(at, [100, 110, 108, 180, 191]).values
    array([nan, 10., -2., nan, 11.])
    """
    at, reading = _in_order(as_times(times), np.asarray(values, dtype=float))
    step = step_of(at) if step_s is None else float(step_s)
    if not step > 0:
        raise InputError(f"step_s {step_s!r}: expected a positive number of seconds")
    if data_type != "counter":
        unknown = np.full(at.size, np.nan)
        interval = np.concatenate([[np.nan], np.diff(at).astype(float) / 1e9])[: at.size]
        return Rates(at, reading, unknown, interval, np.zeros(at.size, dtype=bool), step)
    increase, interval, resets = _increases(at, reading)
    with np.errstate(invalid="ignore"):
        usable = interval <= max_gap_steps * step
    rate = np.where(usable, increase * step / interval, np.nan)
    return Rates(at, rate, increase, interval, resets, step, _said(resets, interval, usable))


def _in_order(times: Times, values: Floats) -> tuple[Times, Floats]:
    """Sorted by time, each time once: the last one given."""
    if times.shape != values.shape or times.ndim != 1:
        raise InputError(f"times {times.shape} and values {values.shape}: expected one value a time")
    if times.size and np.all(times[1:] > times[:-1]):
        return times, values
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    last = np.append(times[1:] != times[:-1], True)[: times.size]
    return times[last], values[last]


def _increases(times: Times, readings: Floats) -> tuple[Floats, Floats, Bools]:
    """Increase, seconds and reset flag since the last known reading."""
    n = readings.size
    increase, interval = np.full(n, np.nan), np.full(n, np.nan)
    resets = np.zeros(n, dtype=bool)
    known = np.flatnonzero(np.isfinite(readings))
    level, at = readings[known], times[known]
    gained = np.diff(level)
    interval[known[1:]] = np.diff(at).astype(float) / 1e9
    restarted = (level[:-1] >= RESET_MIN) & (level[1:] >= 0) & (level[1:] <= RESET_SHARE * level[:-1])
    gained[restarted] = level[1:][restarted]
    for first in np.flatnonzero(restarted):
        back = _return_of(level, int(first))
        if back is not None:
            gained[first] = 0.0
            gained[back] = level[back + 1] - level[first]
    increase[known[1:]] = gained
    resets[known[1:]] = restarted
    return increase, interval, resets


def _return_of(level: Floats, first: int) -> int | None:
    """Index of the step, among the twelve after the fall, that takes a counter back to its old reading at once."""
    after = level[first + 1 : first + 14]
    jumps = (after[1:] >= level[first]) & (after[:-1] <= RESET_SHARE * level[first])
    return first + 1 + int(np.argmax(jumps)) if jumps.any() else None


def _said(resets: Bools, interval: Floats, usable: Bools) -> tuple[str, ...]:
    said = []
    if resets.any():
        said.append(f"the counter started again {int(resets.sum())} time(s)")
    gaps = np.isfinite(interval) & ~usable
    if gaps.any():
        said.append(
            f"{int(gaps.sum())} gap(s), the longest {np.nanmax(interval) / 3600:.1f} h: no rate is given for them"
        )
    return tuple(said)
