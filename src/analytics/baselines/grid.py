"""Observations at any times put on one even grid, so that algorithms see evenly spaced columns and NaN for gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.baselines.clock import DAY_S, NS_PER_S, Bools, Floats, Ints, Times, as_times, day_number, step_of
from analytics.baselines.model import Window
from analytics.errors import InputError

STEP_FROM = 201  # readings the step is read from: the first ones, so that later readings change nothing earlier
NEAR = 0.02  # a step this close to a usual one is meant to be it
MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440)
USUAL_STEPS_S = (1, 2, 5, 10, 15, 20, 30, *(60 * minutes for minutes in MINUTES))


@dataclass(frozen=True)
class Grid:
    """Series on an even grid, and the way back.

    Attributes:
        times: shape (n_cells,), even.
        values: shape (n_series, n_cells); NaN where nothing usable was observed.
        cell: shape (n_points,), the cell of each point given.
        step_s: seconds between cells.
    """

    times: Times
    values: Floats
    cell: Ints
    step_s: float

    @property
    def per_day(self) -> int:
        """Cells a day; 1 for daily and slower metrics."""
        return per_day(self.step_s)

    def window(self, start: int, stop: int, timezone: str, holidays: frozenset[int]) -> Window:
        """The cells [start, stop) to learn from."""
        return Window(self.times[start:stop], self.values[:, start:stop], self.step_s, timezone, holidays)


def per_day(step_s: float) -> int:
    """Cells a day; 1 for daily and slower metrics."""
    return max(1, round(DAY_S / step_s))


def known_days(values: Floats, step_s: float) -> Ints:
    """On how many of the days that end with the last column something is known; of slower series, how many values.

    Args:
        values: shape (n_series, n); NaN is missing.
        step_s: seconds between columns.

    >>> known_days(np.array([[1.0, np.nan, np.nan, np.nan, 5.0, np.nan]]), 43200.0)
    array([2])
    """
    slots = per_day(step_s)
    known = np.isfinite(values)
    padded = np.pad(known, ((0, 0), (-known.shape[1] % slots, 0)))
    counts: Ints = padded.reshape(known.shape[0], -1, slots).any(axis=2).sum(axis=1)
    return counts


def days_needed(min_history_days: float, step_s: float) -> int:
    """How many known days a band needs in its window; of slower series, how many values."""
    return max(1 if step_s < DAY_S else 3, round(min_history_days * DAY_S / max(step_s, DAY_S)))


def snapped(step_s: float) -> float:
    """A step that divides the day: the usual one it is near to, else the next finer one.

    Polls that jitter have a median interval a little off; a poll every seven hours is put on a
    grid of six, one cell in seven empty, so that every cell has a time of day.

    >>> snapped(301.2), snapped(420.0), snapped(7 * 3600.0), snapped(86400.0 * 7)
    (300.0, 400.0, 21600.0, 604800.0)
    """
    if not step_s > 0:
        raise InputError(f"step_s {step_s!r}: expected a positive number of seconds")
    usual = min(USUAL_STEPS_S, key=lambda usual: abs(usual / step_s - 1))
    if abs(usual / step_s - 1) <= NEAR:
        return float(usual)
    if step_s >= DAY_S:
        whole = step_s / DAY_S
        return float(DAY_S * (round(whole) if abs(round(whole) / whole - 1) <= NEAR else int(whole)))
    base = 3600 if step_s < 3600 else DAY_S
    return float(base / np.ceil(base / step_s))


def to_grid(times: Times, values: Floats, *, step_s: float | None = None) -> Grid:
    """Put points, shapes (n,) and (n_series, n) and in time order, onto a grid; of two in one cell the last counts."""
    if times.size == 0:
        return Grid(times, values, np.empty(0, dtype=np.int64), step_s or 300.0)
    step = snapped(step_s if step_s is not None else step_of(times[:STEP_FROM]))
    since = times.astype(np.int64) - times[:1].astype(np.int64)
    if np.all(np.diff(since) == round(step * NS_PER_S)):
        return Grid(times, values, np.arange(times.size), step)
    cell = np.rint(since / (step * NS_PER_S)).astype(np.int64)
    n = int(cell[-1]) + 1
    if n > 200 * times.size + 10_000:
        raise InputError(f"times span {n} steps of {step:.0f} s with {times.size} points: name the step with step_s")
    even = times[0] + np.rint(np.arange(n) * (step * NS_PER_S)).astype("timedelta64[ns]")
    if n == times.size and np.array_equal(cell, np.arange(n)):
        return Grid(even, values, cell, step)
    laid = np.full((values.shape[0], n), np.nan)
    laid[:, cell] = values
    return Grid(even, laid, cell, step)


def checked(times: Any, values: Any) -> tuple[Times, Floats, Ints]:
    """Times, values of shape (n_series, n) in time order, and the order: `values[..., order]` is sorted.

    Raises:
        InputError: shapes differ, or a value is infinite.
    """
    at = as_times(times)
    y = np.asarray(values, dtype=float)
    if at.ndim != 1 or y.ndim not in (1, 2) or y.shape[-1] != at.size:
        raise InputError(f"times {at.shape} and values {y.shape}: expected (n,) and (n,) or (n_series, n)")
    if np.isinf(y).any():
        raise InputError("values: infinite; a missing value is NaN")
    y = np.atleast_2d(y)
    order = np.arange(at.size)
    if at.size and np.any(at[1:] < at[:-1]):
        order = np.argsort(at, kind="stable")
        at, y = at[order], y[:, order]
    return at, y, order


def mask_of(times: Times, masked: Any, order: Ints) -> Bools:
    """True where a point must not be learned from; `masked` is flags, one a point as given, or (start, end) pairs."""
    if masked is None or len(masked) == 0:
        return np.zeros(times.size, dtype=bool)
    flags = np.asarray(masked) if isinstance(masked, np.ndarray) else None
    if flags is not None and flags.dtype == bool:
        if flags.shape != times.shape:
            raise InputError(f"masked {flags.shape}: expected one flag a point, {times.shape}, or (start, end) pairs")
        return np.asarray(flags[order])
    out = np.zeros(times.size, dtype=bool)
    for start, end in masked:
        first, last = as_times([start, end])
        out |= (times >= first) & (times < last)
    return out


def holiday_numbers(holidays: Iterable[Any]) -> frozenset[int]:
    """Calendar dates as local days since 1970-01-01."""
    return frozenset(day_number(day) for day in holidays)


def cells_of(spans: Sequence[Any], times: Times) -> list[int]:
    """First cell at or after each of the given instants, those inside the grid only, ascending."""
    at = np.searchsorted(times, as_times(list(spans))) if len(spans) else np.empty(0, dtype=np.int64)
    return sorted({int(k) for k in at if 0 < k < times.size})
