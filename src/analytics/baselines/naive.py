"""Seasonal naive: the value one season ago. The yardstick every other algorithm is measured by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import Floats, Times
from analytics.baselines.layout import Shape, laid_out, local_cells
from analytics.baselines.model import Bands, Window, full_bands
from analytics.baselines.robust import quantiles
from analytics.errors import InputError

ONE_SIGMA = (0.158655, 0.841345)


@dataclass(frozen=True)
class NaiveModel:
    """The last known value of each slot, and quantiles of the differences from season to season.

    Attributes:
        held: shape (n_series, seasons, slots) in local time, the last season complete.
        errors: shape (4, n_series, 1): lower tail, minus and plus one sigma, upper tail.
    """

    window: Window
    shape: Shape
    slots: int
    held: Floats
    errors: Floats

    def predict(self, times: Times) -> Bands:
        """The last season again and again; the band does not widen with the distance."""
        cell = np.maximum(local_cells(self.window, times), 0)
        return self._bands(_carried(self.held)[:, -1, cell % self.slots])

    def follow(self, times: Times, values: Floats) -> Bands:
        """What was seen one season before each point, also when that lies in the block itself."""
        cell = local_cells(self.window, times)
        seasons = int(cell.max()) // self.slots + 1 if cell.size else 1
        laid = np.full((values.shape[0], seasons * self.slots), np.nan)
        laid[:, cell] = values
        joined = np.concatenate([self.held, laid.reshape(values.shape[0], seasons, self.slots)], axis=1)
        before = _carried(joined)[:, self.held.shape[1] - 1 : -1].reshape(values.shape[0], -1)
        return self._bands(before[:, cell])

    @property
    def stays(self) -> int:
        """Half a season: where clocks go forward a block reaches into its own next day."""
        return max(1, self.slots // 2)

    def _bands(self, expected: Floats) -> Bands:
        low, below, above, high = self.errors
        size = np.isfinite(self.window.values).sum(axis=1)[:, None]
        return full_bands(expected, low, high, (above - below) / 2, size)


def _carried(held: Floats) -> Floats:
    """Missing values replaced by the same slot of the season before, along axis 1."""
    if not np.isnan(held).any():
        return held
    index = np.where(np.isfinite(held), np.arange(held.shape[1])[None, :, None], 0)
    return np.asarray(np.take_along_axis(held, np.maximum.accumulate(index, axis=1), axis=1))


def seasonal_cells(window: Window, season_days: int) -> tuple[Floats, Shape, int]:
    """The window in local time as (n_series, seasons, slots) and the season in cells; a week for daily metrics.

    Raises:
        InputError: season_days is neither 1 nor 7.
    """
    if season_days not in (1, 7):
        raise InputError(f"season_days {season_days!r}: expected 1 or 7")
    cells, shape = laid_out(window)
    days = 7 if shape.per_day == 1 else season_days
    slots = days * shape.per_day
    missing = -cells.shape[1] % slots
    if missing:
        empty = np.full((cells.shape[0], missing), np.nan)
        cells = np.concatenate([empty, cells], axis=1)
    return cells.reshape(cells.shape[0], -1, slots), shape, slots


def fit_seasonal_naive(window: Window, *, coverage: float = 0.95, season_days: int = 1) -> NaiveModel:
    """Learn the spread of the differences from one season to the next.

    Args:
        window: at least two seasons, or the band is NaN.
        coverage: share of the differences between lower and upper.
        season_days: 1 or 7; daily metrics always have a week.
    References:
        Hyndman and Athanasopoulos (2021), *Forecasting: Principles and Practice*, 3rd ed., section 5.2.
    """
    held, shape, slots = seasonal_cells(window, season_days)
    difference = (held[:, 1:] - held[:, :-1]).reshape(held.shape[0], -1)
    shares = np.array([(1 - coverage) / 2, *ONE_SIGMA, (1 + coverage) / 2])
    errors = quantiles(difference, shares) if difference.shape[1] else np.full((shares.size, held.shape[0]), np.nan)
    return NaiveModel(window, shape, slots, held, errors[:, :, None])
