"""Seasonal-trend decomposition by loess: STL with one season, MSTL with day and week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import Floats, Times
from analytics.baselines.ewma import ALPHA, ewma
from analytics.baselines.layout import Shape, laid_out, local_cells
from analytics.baselines.model import FOREVER, Bands, Window, full_bands
from analytics.baselines.robust import median, quantiles
from analytics.errors import InsufficientHistory

ONE_SIGMA = (0.158655, 0.841345)
JUMP_SHARE = 0.1  # loess is evaluated at a tenth of its span and interpolated, as in R's stl


@dataclass(frozen=True)
class LoessModel:
    """Last level, last cycle of each season, and how far a day-old decomposition was off.

    Attributes:
        level: shape (n_series, 1).
        cycles: one array (n_series, period) a season, ending at the end of the window.
        errors: shape (4, n_series, 1): lower tail, minus and plus one sigma, upper tail.
    """

    window: Window
    shape: Shape
    level: Floats
    cycles: tuple[Floats, ...]
    errors: Floats

    def predict(self, times: Times) -> Bands:
        """The last level plus the last cycle of each season."""
        cell = np.maximum(local_cells(self.window, times), 0)
        expected = np.broadcast_to(self.level, (self.level.shape[0], cell.size)).copy()
        for cycle in self.cycles:
            expected += cycle[:, cell % cycle.shape[1]]
        low, below, above, high = self.errors
        size = np.isfinite(self.window.values).sum(axis=1)[:, None]
        return full_bands(expected, low, high, (above - below) / 2, size)

    @property
    def stays(self) -> int:
        """Until the next fit."""
        return FOREVER

    def follow(self, times: Times, values: Floats) -> Bands:  # noqa: ARG002 - the level waits for the next fit
        """As `predict`: between two fits nothing is learned."""
        return self.predict(times)


def fit_stl(window: Window, *, coverage: float = 0.95, alpha: float = ALPHA, robust: bool = False) -> LoessModel:
    """STL with the daily season (weekly for daily metrics); the level is the EWMA of its trend.

    Args:
        window: at least two seasons.
        coverage: share of the errors between lower and upper. The errors are those of the
            trend a day ago and each season one cycle ago, wider than the remainder, which has seen
            its own point.
        alpha: weight of the newest trend value.
        robust: STL's own outlier weights; several times slower.
    Raises:
        InsufficientHistory: fewer than two seasons.
    References:
        Cleveland, Cleveland, McRae and Terpenning (1990), *STL: A Seasonal-Trend Decomposition*.
    """
    return _fit(window, coverage, alpha, robust, weekly=False)


def fit_mstl(window: Window, *, coverage: float = 0.95, alpha: float = ALPHA, robust: bool = False) -> LoessModel:
    """MSTL with day and week; with less than two weeks the day alone. Arguments and errors as `fit_stl`.

    References:
        Bandara, Hyndman and Bergmeir (2021), *MSTL: A Seasonal-Trend Decomposition Algorithm for
        Time Series with Multiple Seasonal Patterns*.
    """
    return _fit(window, coverage, alpha, robust, weekly=True)


def _fit(window: Window, coverage: float, alpha: float, robust: bool, *, weekly: bool) -> LoessModel:
    cells, shape = laid_out(window)
    wanted = [7] if shape.per_day == 1 else [shape.per_day, *([7 * shape.per_day] if weekly else [])]
    known = np.isfinite(cells).any(axis=0)
    cells = cells[:, int(np.argmax(known)) :]
    periods = [p for p in wanted if 2 * p < cells.shape[1] + (p == wanted[0])]
    if not periods:
        raise InsufficientHistory(f"a season of {wanted[0]} steps needs {2 * wanted[0]}, got {cells.shape[1]}")
    parts = [_decompose(_filled(row, periods[0]), periods, robust) for row in cells]
    trend = np.stack([part[0] for part in parts])
    seasons = [np.stack([part[1][k] for part in parts]) for k in range(len(periods))]
    longest = periods[-1]
    said = trend[:, longest - periods[0] : -periods[0]].copy()
    for season, p in zip(seasons, periods, strict=True):
        said += season[:, longest - p : -p]
    shares = np.array([(1 - coverage) / 2, *ONE_SIGMA, (1 + coverage) / 2])
    errors = quantiles(cells[:, longest:] - said, shares)[:, :, None]
    cycles = tuple(season[:, -p:] for season, p in zip(seasons, periods, strict=True))
    return LoessModel(window, shape, ewma(trend, alpha)[:, -1:], cycles, errors)


def _filled(row: Floats, period: int) -> Floats:
    """Gaps filled with the slot's median moved by a line through the neighbours: loess takes no missing values."""
    missing = np.isnan(row)
    if not missing.any():
        return row
    if missing.all():
        return np.zeros_like(row)
    padded = np.concatenate([row, np.full(-row.size % period, np.nan)]).reshape(-1, period)
    usual = median(padded, axis=0)
    usual = np.where(np.isfinite(usual), usual, np.nanmedian(row))
    season = np.tile(usual, padded.shape[0])[: row.size]
    at = np.arange(row.size)
    return np.where(missing, season + np.interp(at, at[~missing], (row - season)[~missing]), row)


def _decompose(row: Floats, periods: Sequence[int], robust: bool) -> tuple[Floats, list[Floats]]:
    """Trend and one array a season."""
    from statsmodels.tsa.seasonal import MSTL, STL

    trend_span = int(np.ceil(1.5 * periods[-1] / (1 - 1.5 / 7))) | 1
    jumps = {
        "trend_jump": max(1, int(JUMP_SHARE * trend_span)),
        "low_pass_jump": max(1, int(JUMP_SHARE * periods[0])),
        "robust": robust,
    }
    if len(periods) == 1:
        found = STL(row, period=periods[0], seasonal=7, **jumps).fit()
        return np.asarray(found.trend), [np.asarray(found.seasonal)]
    found = MSTL(row, periods=tuple(periods), stl_kwargs=jumps).fit()
    seasonal = np.asarray(found.seasonal).reshape(row.size, -1)
    return np.asarray(found.trend), [seasonal[:, k] for k in range(len(periods))]
