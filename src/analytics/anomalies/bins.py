"""Readings gathered into quarter-hour bins, and the noise of a mean over several of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.anomalies.episodes import Clock
from analytics.anomalies.events import Floats, Ints, Times
from analytics.anomalies.residuals import Residuals

BIN_S = 900.0
DAY_S = 86400.0
MAD_TO_SIGMA = 1.4826
NOISE_DAYS = 14
NOISE_MIN = 24  # fewest means a noise is estimated from


@dataclass(frozen=True)
class Bins:
    """Means over bins that hold at least one reading; slower series have one bin a reading.

    Attributes:
        first, last: shape (b,), columns of a bin's first and last reading; it is judged at its last.
        times: shape (b,), of the last readings.
        clock: of the bins.
        observed, expected, scale: shape (m, b), over the readings with both a value and a baseline.
        readings: shape (m, b), how many those are.
    """

    first: Ints
    last: Ints
    times: Times
    clock: Clock
    observed: Floats
    expected: Floats
    scale: Floats
    readings: Floats

    @classmethod
    def of(cls, readings: Residuals, width_s: float = BIN_S) -> Bins:
        """Gather the columns into bins of `width_s` on the clock."""
        bin_of = np.floor(readings.clock.seconds / width_s)
        first = np.flatnonzero(np.r_[True, bin_of[1:] != bin_of[:-1]])
        last = np.r_[first[1:], readings.times.size] - 1
        ends_s = (bin_of[-1] + 1) * width_s
        if first.size > 1 and readings.clock.seconds[-1] + readings.clock.step_s[-1] < ends_s:
            first, last = first[:-1], last[:-1]  # more readings are due: half a bin would be judged twice
        known = np.isfinite(readings.values) & np.isfinite(readings.expected) & np.isfinite(readings.scale)
        count = np.add.reduceat(known[:, : last[-1] + 1], first, axis=1, dtype=float)
        with np.errstate(invalid="ignore"):
            observed, expected, scale = (
                np.add.reduceat(np.where(known, a, 0.0)[:, : last[-1] + 1], first, axis=1) / count
                for a in (readings.values, readings.expected, readings.scale)
            )
        times = readings.times[last]
        return cls(first, last, times, Clock.of(times), observed, expected, scale, count)

    @property
    def width_s(self) -> float:
        """Typical distance of two bins."""
        return float(np.median(self.clock.step_s)) if self.times.size else BIN_S

    def trailing(self, values: Floats, span_s: float) -> Floats:
        """Mean over the bins of the last `span_s`, this one included; NaN where one of them is missing."""
        start = np.searchsorted(self.clock.seconds, self.clock.seconds - span_s + 1e-6)
        return windowed_sum(values, start) / (np.arange(values.shape[1]) + 1 - start)


def windowed_sum(values: Floats, start: Ints) -> Floats:
    """Sum of columns start[i]..i of every row, shape of `values`; NaN where one of them is NaN.

    >>> windowed_sum(np.array([[1.0, 2.0, np.nan, 4.0, 5.0]]), np.array([0, 0, 1, 2, 3]))
    array([[ 1.,  3., nan, nan,  9.]])
    """
    missing = np.isnan(values)
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(np.where(missing, 0.0, values), axis=1, out=total[:, 1:])
    summed = total[:, 1:] - total[:, start]
    if missing.any():
        holes = np.zeros(total.shape, dtype=np.int64)
        np.cumsum(missing, axis=1, out=holes[:, 1:])
        summed[holes[:, 1:] > holes[:, start]] = np.nan
    return summed


def noise_before(deviation: Floats, seconds: Floats, *, days: int = NOISE_DAYS) -> Floats:
    """Robust standard deviation around 0 of the days before each column's day, shape of `deviation`.

    From the median absolute deviation of at most `days` days (and at least 24 columns: a daily
    metric looks further back); NaN before there are 24. The day judged is not in its own noise, and
    an episode of less than half the days does not widen it.
    """
    day = np.floor(seconds / DAY_S)
    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    noise = np.full(deviation.shape, np.nan)
    size = np.abs(deviation)
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), day.size], strict=True):
        since = min(int(np.searchsorted(day, day[start] - days)), max(0, start - NOISE_MIN))
        if start - since >= NOISE_MIN:
            noise[:, start:end] = MAD_TO_SIGMA * row_median(size[:, since:start])[:, None]
    return noise


def row_median(rows: Floats) -> Floats:
    """Median of every row without its NaN, shape (m,); NaN for a row of nothing else.

    >>> row_median(np.array([[3.0, 1.0, np.nan], [np.nan, np.nan, np.nan]]))
    array([ 2., nan])
    """
    if np.isfinite(rows).all():
        return np.asarray(np.median(rows, axis=1))
    ordered = np.sort(rows, axis=1)  # NaN last
    count = np.isfinite(ordered).sum(axis=1)
    row = np.arange(rows.shape[0])
    lower, upper = ordered[row, np.maximum(count - 1, 0) // 2], ordered[row, np.minimum(count // 2, rows.shape[1] - 1)]
    return np.where(count > 0, (lower + upper) / 2, np.nan)
