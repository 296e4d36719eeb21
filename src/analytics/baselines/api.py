"""Fitting one window, and the rolling baseline that reports draw and rules judge by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analytics.baselines.breaks import BreakPolicy, block_starts, quiet_days, without_breaks
from analytics.baselines.clock import DAY_S, Times, as_times
from analytics.baselines.grid import Grid, cells_of, checked, days_needed, holiday_numbers, known_days, mask_of, to_grid
from analytics.baselines.model import ARRAYS, Bands, Baseline, Model, Window, all_or_nothing
from analytics.baselines.registry import Entry, entry_of
from analytics.baselines.warn import warnings_of
from analytics.errors import InputError, InsufficientHistory

WINDOW_DAYS = 30.0
MIN_HISTORY_DAYS = 7.0
REFIT_DAYS = 1.0
FEWEST = 3  # observed values any band needs
TOGETHER = 16  # series worked on at once: their arrays fit the processor's cache


@dataclass(frozen=True)
class FittedBaseline:
    """An algorithm that has learned from one window of one series (or of a matrix of series)."""

    model: Model
    algorithm: str
    parameters: dict[str, Any]
    coverage: float
    single: bool
    warnings: tuple[str, ...]

    def predict(self, times: ArrayLike) -> Baseline:
        """What to expect at `times`, shape (n,), UTC, after the window."""
        at = as_times(times)
        return self._named(at, self.model.predict(at))

    def follow(self, times: ArrayLike, values: ArrayLike) -> Baseline:
        """The same for the points that follow the window, each judged with what was observed before it."""
        at = as_times(times)
        return self._named(at, self.model.follow(at, np.atleast_2d(np.asarray(values, dtype=float))))

    def _named(self, times: Times, bands: Bands) -> Baseline:
        bands = all_or_nothing(bands)
        arrays = {name: getattr(bands, name)[0] if self.single else getattr(bands, name) for name in ARRAYS}
        return Baseline(
            times,
            coverage=self.coverage,
            algorithm=self.algorithm,
            parameters=self.parameters,
            warnings=self.warnings,
            **arrays,
        )


def fit(
    algorithm: str,
    times: ArrayLike,
    values: ArrayLike,
    *,
    window_days: float = WINDOW_DAYS,
    timezone: str = "UTC",
    coverage: float | None = None,
    holidays: Iterable[Any] = (),
    masked: Any = (),
    step_s: float | None = None,
    **parameters: Any,
) -> FittedBaseline:
    """Learn what is normal from the last `window_days` of a series.

    Args:
        algorithm: a name in `ALGORITHMS`.
        times: shape (n,), UTC instants in any order.
        values: shape (n,), or (n_series, n) for many series observed at the same times; NaN is missing.
        window_days: how much of the end is used.
        timezone: IANA name; time of day and day of the week are read there.
        coverage: share of normal values the band is to hold; None: the algorithm's own.
        holidays: local dates that behave like Sundays.
        masked: flags, shape (n,), or (start, end) pairs: stretches not to learn from.
        step_s: the grid's step in seconds; None reads it off the times.
        parameters: the algorithm's own.
    Raises:
        InputError: unknown algorithm or parameter, shapes that differ, an infinite value.
        InsufficientHistory: fewer than three observed values.
    """
    entry = entry_of(algorithm)
    own = entry.parameters(parameters)
    share = _coverage(entry.coverage if coverage is None else coverage)
    at, y, order = checked(times, values)
    y = np.where(mask_of(at, masked, order), np.nan, y)
    grid = to_grid(at, y, step_s=step_s)
    window = _last_days(grid, grid.times.size, window_days, timezone, holiday_numbers(holidays))
    if window.values.size == 0 or np.isfinite(window.values).sum(axis=1).min() < FEWEST:
        raise InsufficientHistory(f"{algorithm}: fewer than {FEWEST} observed values in the last {window_days:g} days")
    model = entry.fit(window, coverage=share, **own)
    told = {"window_days": window_days, "timezone": timezone, "step_s": grid.step_s, **own}
    return FittedBaseline(model, algorithm, told, share, np.ndim(values) == 1, warnings_of(window))


def rolling(
    times: ArrayLike,
    values: ArrayLike,
    *,
    algorithm: str = "profile",
    window_days: float = WINDOW_DAYS,
    timezone: str = "UTC",
    masked: Any = None,
    refit_days: float = REFIT_DAYS,
    min_history_days: float = MIN_HISTORY_DAYS,
    coverage: float | None = None,
    holidays: Iterable[Any] = (),
    breaks: Iterable[Any] = (),
    break_policy: BreakPolicy = "restart",
    step_s: float | None = None,
    **parameters: Any,
) -> Baseline:
    """A baseline for every point that rests on earlier points only.

    The algorithm learns anew every `refit_days` from the `window_days` before; in between its level
    follows what is observed. Neither the judged point nor anything later is inside.

    Args:
        times, values, algorithm, window_days, timezone, coverage, holidays, masked, step_s, parameters: as for `fit`.
        refit_days: how often season and band are learned anew.
        min_history_days: no baseline (NaN) before this much history, nor where fewer days in the window are known.
        breaks: instants at which the metric changed its meaning.
        break_policy: `restart` forgets what lies before a break and is silent for `min_history_days`;
            `bridge` is silent for a day, then moves what lies before onto the new level.
    Returns:
        One row a point given, in the order given; NaN where there was too little history.
    """
    entry = entry_of(algorithm)
    own = entry.parameters(parameters)
    share = _coverage(entry.coverage if coverage is None else coverage)
    at, y, order = checked(times, values)
    grid = to_grid(at, np.where(mask_of(at, masked, order), np.nan, y), step_s=step_s)
    days = holiday_numbers(holidays)
    broken = cells_of(list(breaks), grid.times)
    needed = days_needed(quiet_days(break_policy, min_history_days) if broken else min_history_days, grid.step_s)
    blocks = _blocks(grid, broken, refit_days, min_history_days, break_policy)
    out = _nothing(grid.values.shape)
    for first in range(0, grid.values.shape[0], TOGETHER):
        rows = slice(first, first + TOGETHER)
        part = replace(grid, values=grid.values[rows])
        target = {name: array[rows] for name, array in out.items()}
        for start, stop in blocks:
            window = _last_days(part, start, window_days, timezone, days)
            window = without_breaks(window, start - window.times.size, broken, break_policy)
            _judge(entry, window, part, slice(start, stop), target, share, own, needed)
    told = {"window_days": window_days, "timezone": timezone, "refit_days": refit_days, "step_s": grid.step_s, **own}
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    arrays: dict[str, Any] = {
        name: _as_given(array[:, grid.cell][:, back], np.ndim(values) == 1) for name, array in out.items()
    }
    said = warnings_of(_last_days(grid, grid.times.size, window_days, timezone, days))
    return Baseline(as_times(times), coverage=share, algorithm=algorithm, parameters=told, warnings=said, **arrays)


def _judge(
    entry: Entry,
    window: Window,
    grid: Grid,
    block: slice,
    out: dict[str, Any],
    share: float,
    own: dict[str, Any],
    needed: int,
) -> None:
    """Write one block's bands into `out`; series with too little history keep their NaN.

    History is what the window holds: after a long gap or mask there is none, however old the series is.
    """
    enough = np.isfinite(window.values).sum(axis=1) >= FEWEST
    enough &= known_days(window.values, grid.step_s) >= needed
    if not enough.any():
        return
    if not enough.all():
        window = replace(window, values=window.values[enough])
    try:
        model = entry.fit(window, coverage=share, **own)
    except InsufficientHistory:
        return
    bands = all_or_nothing(model.follow(grid.times[block], grid.values[enough, block]))
    for name, array in out.items():
        array[enough, block] = getattr(bands, name)


def _blocks(grid: Grid, breaks: list[int], refit_days: float, min_days: float, policy: str) -> list[tuple[int, int]]:
    per_day = grid.per_day
    least = max(FEWEST, round(min_days * DAY_S / grid.step_s))
    quiet = max(FEWEST, round(quiet_days(policy, min_days) * DAY_S / grid.step_s))
    return block_starts(grid, breaks, max(1, round(refit_days * per_day)), least, quiet)


def _last_days(grid: Grid, end: int, days: float, timezone: str, holidays: frozenset[int]) -> Window:
    if not days > 0:
        raise InputError(f"window_days {days!r}: expected a positive number of days")
    return grid.window(max(0, end - max(1, round(days * DAY_S / grid.step_s))), end, timezone, holidays)


def _nothing(shape: tuple[int, ...]) -> dict[str, Any]:
    out: dict[str, Any] = {name: np.full(shape, np.nan) for name in ARRAYS}
    out["sample_size"] = np.zeros(shape, dtype=np.int64)
    return out


def _as_given(array: Any, single: bool) -> Any:
    return array[0] if single else array


def _coverage(share: float) -> float:
    if not 0 < share < 1:
        raise InputError(f"coverage {share!r}: expected a share between 0 and 1")
    return float(share)
