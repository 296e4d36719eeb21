"""A metric that changed its meaning: what came before is forgotten, or moved onto the level of what came after."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from analytics.baselines.clock import DAY_S, Floats
from analytics.baselines.grid import Grid, per_day
from analytics.baselines.model import Window
from analytics.baselines.robust import median, nan_mean
from analytics.errors import InputError

BreakPolicy = Literal["restart", "bridge"]
BRIDGE_FROM_DAYS = 1.0  # a full day after the break, so that every hour is compared with the same hour
COMPARED_DAYS = 7


def quiet_days(policy: str, min_history_days: float) -> float:
    """Days after a break without a verdict."""
    if policy not in ("restart", "bridge"):
        raise InputError(f"break_policy {policy!r}: expected restart or bridge")
    return min_history_days if policy == "restart" else min(BRIDGE_FROM_DAYS, min_history_days)


def without_breaks(window: Window, first: int, breaks: list[int], policy: str) -> Window:
    """The window, whose first cell is `first`, with the breaks that lie inside it dealt with."""
    inside = [k - first for k in breaks if first < k < first + window.times.size]
    if not inside:
        return window
    if policy == "restart":
        return replace(window, times=window.times[inside[-1] :], values=window.values[:, inside[-1] :])
    values = window.values
    reach = COMPARED_DAYS * max(1, round(DAY_S / window.step_s)) if window.step_s < DAY_S else COMPARED_DAYS
    for end, at in zip([*inside[1:], window.times.size], inside, strict=True):
        values = bridged(values, at, per_day(window.step_s), before=reach, after=min(reach, end - at))
    return replace(window, values=values)


def bridged(values: Floats, at: int, slots: int, *, before: int, after: int) -> Floats:
    """Columns before `at` moved onto the level of those after it.

    Values that cannot be negative are multiplied by the median, over the hours of the day, of the
    mean after divided by the mean before; others are moved by the median difference.

    Args:
        values: shape (n_series, n); NaN is missing.
        at: first column of the new meaning.
        slots: columns a day.
        before, after: columns compared on either side, at most.
    Returns:
        A new array of the same shape.

    >>> bridged(np.array([[10.0, 20.0, 10.0, 20.0, 30.0, 60.0]]), 4, 2, before=4, after=2)
    array([[30., 60., 30., 60., 30., 60.]])
    """
    hours = 24 if slots % 24 == 0 else slots
    old = _by_hour(values[:, max(0, at - before) : at], slots, hours, start=max(0, at - before))
    new = _by_hour(values[:, at : at + after], slots, hours, start=at)
    out = values.copy()
    signed = np.fmin.reduce(values, axis=1) < 0
    shift = np.nan_to_num(median(new - old))
    ratio = median(np.divide(new, old, out=np.full_like(new, np.nan), where=old > 0))
    ratio = np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)
    out[:, :at] = np.where(signed[:, None], out[:, :at] + shift[:, None], out[:, :at] * ratio[:, None])
    return out


def _by_hour(values: Floats, slots: int, hours: int, *, start: int) -> Floats:
    """Mean of each hour of the day, shape (n_series, hours)."""
    hour = (np.arange(start, start + values.shape[1]) % slots) * hours // slots
    columns = [values[:, hour == h] for h in range(hours)]
    return np.stack([nan_mean(c) if c.shape[1] else np.full(values.shape[0], np.nan) for c in columns], axis=1)


def block_starts(grid: Grid, breaks: list[int], block: int, least: int, quiet: int) -> list[tuple[int, int]]:
    """(first cell, end) of every block that is judged: after the warm-up, and some time after each break."""
    n = grid.times.size
    out = []
    for begin, end in zip([0, *breaks], [*breaks, n], strict=True):
        wait = least if begin == 0 else quiet
        first = max(begin + wait, least)
        out += [(k, min(k + block, end)) for k in range(first, end, block)]
    return out
