"""A window cut into days, hours and cells of local time, and the scale on which its errors are of one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import DAY_S, NS_PER_S, Floats, Ints, Times, utc_offset_s
from analytics.baselines.grid import per_day
from analytics.baselines.model import Window
from analytics.baselines.robust import median, quantiles
from analytics.errors import InputError

OFFSET_SHARE = 0.3  # of the typical value; from 0.1 to 1 the measured skill is the same
STEADY = 1.5  # largest usual value over the smallest below which a logarithm changes nothing
HOURS = 24
SUNDAY = 6


@dataclass(frozen=True)
class Shape:
    """How a window is cut: `days` x `blocks` (hours) x `inner` cells, ending at the window's end.

    Attributes:
        per_day: cells a day.
        blocks: blocks a day: 24, or the cells a day if those are not hours.
        inner: cells a block.
        days: whole days held; cells before the first observation are NaN.
        end_local: local time of the end of the window, seconds since 1970.
        step_s: seconds a cell.
        free_days: local days that count as Sundays.
    """

    per_day: int
    blocks: int
    inner: int
    days: int
    end_local: int
    step_s: float
    free_days: frozenset[int]

    @property
    def n_blocks(self) -> int:
        """Blocks in the window."""
        return self.days * self.blocks

    def weekday(self, block: Ints) -> Ints:
        """Weekday on which the middle of a block falls, 0 Monday; block 0 is the first of the window."""
        middle = (block - self.n_blocks + 0.5) * (self.inner * self.step_s)
        day = np.floor_divide(self.end_local + middle, DAY_S).astype(np.int64)
        weekday = (day + 3) % 7
        if self.free_days:
            weekday = np.where(np.isin(day, list(self.free_days)), SUNDAY, weekday)
        return np.asarray(weekday)


def local_cells(window: Window, times: Times) -> Ints:
    """Cells of local time from the end of the window: 0 is the first after it, negative inside."""
    last = window.times[-1:]
    since = (times.astype(np.int64) - last.astype(np.int64)) / NS_PER_S
    moved = utc_offset_s(times, window.timezone) - utc_offset_s(last, window.timezone)
    return np.rint((since + moved) / window.step_s).astype(np.int64) - 1


def laid_out(window: Window) -> tuple[Floats, Shape]:
    """Values of shape (n_series, days * per_day) in local time.

    Where clocks go forward an hour stays empty; where they go back the second pass of the hour counts.
    """
    m = per_day(window.step_s)
    blocks = HOURS if m % HOURS == 0 else m
    n = window.times.size
    days = -(-n // m)
    offset = utc_offset_s(window.times, window.timezone)
    end = int(window.times[-1].astype(np.int64) // NS_PER_S + offset[-1] + window.step_s)
    shape = Shape(m, blocks, m // blocks, days, end, window.step_s, window.holidays)
    constant = bool((offset == offset[-1]).all())
    if constant and n == days * m:
        return window.values, shape
    laid = np.full((window.values.shape[0], days * m), np.nan)
    cell = days * m + (np.arange(n) - n if constant else local_cells(window, window.times))
    laid[:, cell[cell >= 0]] = window.values[:, cell >= 0]
    return laid, shape


def block_means(values: Floats, inner: int) -> Floats:
    """Means of `inner` neighbouring columns, NaN left out; NaN where all are.

    >>> block_means(np.array([[1.0, 3.0, np.nan, 5.0, np.nan, np.nan]]), 2)
    array([[ 2.,  5., nan]])
    """
    if inner == 1:
        return values
    cut = values.reshape(values.shape[0], -1, inner)
    mean = np.einsum("sbi->sb", cut) / inner
    if np.isnan(mean).any():
        known = np.isfinite(cut)
        count = known.sum(axis=2)
        total = np.where(known, cut, 0.0).sum(axis=2)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.asarray(mean)


@dataclass(frozen=True)
class Scale:
    """Log scale for what cannot be negative, the plain one otherwise.

    Attributes:
        offset: shape (n_series, 1), added before the logarithm; NaN: plain.
    """

    offset: Floats

    def forth(self, values: Floats) -> Floats:
        """To the scale on which errors are of one size; a first negative value counts as zero on a log scale."""
        logs = np.isfinite(self.offset)
        if logs.all():
            return np.asarray(np.log(np.maximum(values, 0.0) + self.offset))
        scaled = np.log(np.maximum(values, 0.0) + np.where(logs, self.offset, 1.0))
        return np.where(logs, scaled, values)

    def back(self, scaled: Floats) -> Floats:
        """To the metric's own unit; a log scale never goes below zero."""
        logs = np.isfinite(self.offset)
        if logs.all():
            return np.asarray(np.maximum(np.exp(scaled) - self.offset, 0.0))
        return np.where(logs, np.maximum(np.exp(np.where(logs, scaled, 0.0)) - self.offset, 0.0), scaled)


def scale_of(values: Floats, inner: int, transform: str) -> Scale:
    """Choose each series' scale: the log with a third of the typical value added, unless values are negative or steady.

    A level that hardly changes for its size, such as followers, has errors of one size as it is, and
    grows by a number a day rather than by a share. Typical is the median of the hourly means; where
    that is zero, the mean of those that are not.

    Raises:
        InputError: an unknown transform, or `log` for values below zero.
    """
    if transform not in ("auto", "log", "none"):
        raise InputError(f"transform {transform!r}: expected auto, log or none")
    lowest = np.fmin.reduce(values, axis=1)
    if transform == "log" and lowest.min() < 0:
        raise InputError(f"transform 'log': the values hold {lowest.min():g}, which is negative")
    coarse = block_means(values, inner)
    typical = median(coarse)
    if not (typical > 0).all():
        positive = coarse > 0
        mean = np.where(positive, coarse, 0.0).sum(axis=1) / np.maximum(positive.sum(axis=1), 1)
        typical = np.where(typical > 0, typical, np.where(mean > 0, mean, 1.0))
    plain = (lowest < 0) | (transform == "none")
    if transform == "auto":
        low, high = quantiles(coarse, np.array([0.05, 0.95]))
        plain = plain | (high < STEADY * low)
    return Scale(np.where(plain, np.nan, OFFSET_SHARE * typical)[:, None])
