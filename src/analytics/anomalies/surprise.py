"""How surprising a size is against the series' own past, on one scale for all series.

Everything here is causal: entry i is computed from entries 0..i, and the reference from 0..i-1.
"""

from __future__ import annotations

import numpy as np

from analytics.anomalies.events import Bools, Floats, Ints

MEMORY = 8640  # readings a reference looks back: 30 days of 5 minutes
WARM_UP = 100  # readings before anything may be called surprising
TAIL_PRIOR = 0.3  # mean log excess of a tail of which nothing is known yet …
TAIL_WEIGHT = 20  # … and how many excesses that guess is worth
EXCESS_CAP = 5.0  # one monster may not teach that monsters are common
MOST_SLOTS = 1440  # a minute is fine enough to compare days by
ENVELOPE_CAP = 30.0  # usual deviations one reading may claim


def rolling_mean(x: Floats, width: int) -> Floats:
    """Mean of the last `width` entries (fewer at the start), shape (n,).

    >>> rolling_mean(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    array([1. , 1.5, 2.5, 3.5])
    """
    total = np.r_[0.0, np.cumsum(x)]
    end = np.arange(1, x.size + 1)
    start = np.maximum(0, end - width)
    return np.asarray((total[end] - total[start]) / (end - start))


def past_quantile(x: Floats, q: float, memory: int = MEMORY) -> Floats:
    """Quantile of at most `memory` earlier entries, shape (n,); NaN for the first twenty."""
    import pandas as pd

    return pd.Series(x).rolling(memory, min_periods=20).quantile(q).shift(1).to_numpy(dtype=float)


def past_median(x: Floats, memory: int = MEMORY) -> Floats:
    """Median of at most `memory` earlier entries, shape (n,); the first entry is its own."""
    import pandas as pd

    median = pd.Series(x).rolling(memory, min_periods=1).median().shift(1).to_numpy(dtype=float, copy=True)
    median[:1] = x[:1]
    return median


def tail_surprise(size: Floats, q: float, *, negligible: Floats | float = 0.0) -> Floats:
    r"""Minus the log of how often the past went as far beyond its own `q` quantile.

    $$s_i = \ln(x_i / u_i) / h_i, \quad u = \text{past quantile}, \quad h = \text{mean past } \ln(x / u) > 0$$

    A tail that falls off as a power has exponentially distributed log excesses with mean `h`
    (Hill's estimator), so `s` is the excess in units of what is usual: on the same scale for a
    quiet gauge and for bursty mentions, whatever the metric's unit.

    Args:
        size: shape (n,), not negative; larger is stranger.
        q: quantile the tail starts at.
        negligible: sizes up to this are rounding, not deviation.
    Returns:
        Shape (n,), 0 inside the bulk and during the first hundred readings.
    References:
        Hill (1975), Annals of Statistics 3(5): mean log excess as the tail index.
    """
    reference = past_quantile(size, q)
    usable = np.isfinite(reference) & (reference > negligible)
    excess = np.zeros(size.size)
    excess[usable] = np.maximum(np.log(np.maximum(size[usable], 1e-300) / reference[usable]), 0.0)
    mean = _mean_before(np.minimum(excess, EXCESS_CAP * TAIL_PRIOR), excess > 0, TAIL_PRIOR, TAIL_WEIGHT)
    surprise = excess / mean
    surprise[:WARM_UP] = 0.0
    return surprise


def beyond_usual(excess: Floats, *, prior: float = 0.5, weight: float = 5.0) -> Floats:
    """Each positive excess in units of the mean of the earlier positive ones, shape (n,)."""
    return np.asarray(excess / _mean_before(excess, excess > 0, prior, weight))


def _mean_before(x: Floats, counted: Bools, prior: float, weight: float) -> Floats:
    """Mean of the counted entries before each entry, shrunk towards `prior`."""
    total = np.r_[0.0, np.cumsum(np.where(counted, x, 0.0))[:-1]]
    count = np.r_[0.0, np.cumsum(counted)[:-1]]
    return np.asarray((total + prior * weight) / (count + weight))


class DayGrid:
    """Earlier days side by side: what the same time of day brought before.

    Times that step back (a clock change) are read as standing still, so that no row learns
    from a later one; of rows in one slot of one day the last counts for the days after.
    """

    def __init__(self, seconds: Floats) -> None:
        at = np.maximum.accumulate(seconds)
        steps = np.diff(seconds[:21])
        step_s = float(np.median(steps[steps > 0])) if (steps > 0).any() else 300.0
        self.slots = min(max(1, round(86400 / step_s)), MOST_SLOTS)
        days = np.floor(at / 86400).astype(np.int64)
        self.day: Ints = np.unique(days, return_inverse=True)[1].reshape(-1)
        self.slot: Ints = np.minimum((at % 86400) / 86400 * self.slots, self.slots - 1).astype(np.int64)
        self.n_days = int(self.day[-1]) + 1 if self.day.size else 0

    def _spread(self, x: Floats) -> Floats:
        grid = np.full((self.n_days, self.slots), np.nan)
        grid[self.day, self.slot] = x
        return grid

    def _neighbours(self, minutes: float) -> range:
        reach = round(self.slots * minutes / 1440)
        return range(-reach, reach + 1)

    def median_before(self, x: Floats, *, days: int = 21, minutes: float = 15) -> Floats:
        """Median of earlier days within some minutes of the same time of day; NaN if there is none."""
        grid = self._spread(x)
        around = np.stack([np.roll(grid, shift, axis=1) for shift in self._neighbours(minutes)])
        expected = np.full(grid.shape, np.nan)
        for day in range(1, self.n_days):
            window = around[:, max(0, day - days) : day]
            expected[day] = column_median(window.reshape(-1, self.slots))
        return np.asarray(expected[self.day, self.slot])

    def outside_before(self, x: Floats, *, days: int = 28, minutes: float = 30) -> Floats:
        """How far each entry lies outside the range of earlier days around the same time of day."""
        grid = self._spread(x)
        top, bottom = np.where(np.isnan(grid), -np.inf, grid), np.where(np.isnan(grid), np.inf, grid)
        high = np.max([np.roll(top, shift, axis=1) for shift in self._neighbours(minutes)], axis=0)
        low = np.min([np.roll(bottom, shift, axis=1) for shift in self._neighbours(minutes)], axis=0)
        upper, lower = np.full(grid.shape, np.inf), np.full(grid.shape, -np.inf)
        for day in range(1, self.n_days):
            upper[day] = high[max(0, day - days) : day].max(axis=0)
            lower[day] = low[max(0, day - days) : day].min(axis=0)
        known = np.isfinite(upper) & np.isfinite(lower)  # a slot never seen before has no range
        upper, lower = np.where(known, upper, np.inf), np.where(known, lower, -np.inf)
        at = self.day, self.slot
        return np.asarray(np.maximum(np.maximum(x - upper[at], lower[at] - x), 0.0))


def column_median(rows: Floats) -> Floats:
    """Median of every column without its NaN, shape (columns,); NaN for a column of nothing else.

    >>> column_median(np.array([[1.0, np.nan], [4.0, np.nan], [np.nan, np.nan]]))
    array([2.5, nan])
    """
    ordered = np.sort(rows, axis=0)  # NaN last
    count = np.isfinite(ordered).sum(axis=0)
    column = np.arange(rows.shape[1])
    middle = ordered[np.maximum(count - 1, 0) // 2, column] + ordered[np.maximum(count, 0) // 2 % len(rows), column]
    return np.where(count > 0, middle / 2, np.nan)
