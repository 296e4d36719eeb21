"""The specification's baseline: seasonal decomposition, EWMA of the trend, two rolling standard deviations.

Made causal: the trend is the mean over the season that ends at a point, the EWMA is taken one
point before the judged one, season and deviation come from the window before the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import Floats, Ints, Times
from analytics.baselines.model import Bands, Window, full_bands
from analytics.baselines.season import Phase, phase_of
from analytics.errors import InputError

ALPHA = 0.3
SIGMA_COVERAGE = 0.954499736  # of a normal distribution within two standard deviations


def ewma(values: Floats, alpha: float = ALPHA) -> Floats:
    r"""Exponentially weighted moving average along the last axis.

    $$l_t = l_{t-1} + \alpha\,(x_t - l_{t-1}),\quad l_0 = x_0$$

    Args:
        values: shape (..., n). NaN leaves the level where it was; before the first value the result is NaN.
        alpha: weight of the newest value, above 0 to 1.
    Raises:
        InputError: alpha outside (0, 1].
    References:
        Roberts (1959), *Control Chart Tests Based on Geometric Moving Averages*.

    >>> ewma(np.array([10.0, 20.0, np.nan, 20.0]), alpha=0.5)
    array([10. , 15. , 15. , 17.5])
    """
    if not 0 < alpha <= 1:
        raise InputError(f"alpha {alpha!r}: expected above 0, up to 1")
    from scipy.signal import lfilter

    if values.shape[-1] == 0:
        return values.copy()
    if np.isfinite(values).all():
        start = (1 - alpha) * values[..., :1]
        return np.asarray(lfilter([alpha], [1.0, alpha - 1.0], values, axis=-1, zi=start)[0])
    if values.ndim > 1:
        return np.stack([ewma(row, alpha) for row in values])
    known = np.flatnonzero(np.isfinite(values))
    out = np.full(values.shape, np.nan)
    if known.size:
        out[known[0] :] = np.repeat(ewma(values[known], alpha), np.diff(np.append(known, values.size)))
    return out


def trailing_mean(values: Floats, season: int) -> Floats:
    """Mean over the season that ends at each point; as statsmodels' one-sided filter, the two ends of an even season
    count half each. NaN until a season is full, and where less than half of it was observed."""
    n = values.shape[-1]
    reach = season + 1 if season % 2 == 0 else season
    out = np.full(values.shape, np.nan)
    if n < reach:
        return out
    known = np.isfinite(values)
    total = _windowed(np.where(known, values, 0.0), season)
    if known.all():
        out[..., reach - 1 :] = total / season
        return out
    count = _windowed(known.astype(float), season)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[..., reach - 1 :] = np.where(count >= season / 2, total / count, np.nan)
    return out


def _windowed(values: Floats, season: int) -> Floats:
    """Sums over `season` columns; for an even season over one more, the two ends half each."""
    zero = np.zeros((*values.shape[:-1], 1))
    run = np.concatenate([zero, np.cumsum(values, axis=-1)], axis=-1)
    if season % 2:
        return np.asarray(run[..., season:] - run[..., :-season])
    inner = run[..., season:-1] - run[..., 1:-season]
    return np.asarray(inner + 0.5 * (values[..., season:] + values[..., :-season]))


def seasonal_means(detrended: Floats, slot: Ints, slots: int) -> Floats:
    """Mean of each slot minus the mean of those means, shape (n_series, slots); an unseen slot is 0."""
    known = np.isfinite(detrended)
    one_hot_sum = np.zeros((detrended.shape[0], slots))
    count = np.zeros_like(one_hot_sum)
    for row in range(detrended.shape[0]):
        seen = known[row]
        one_hot_sum[row] = np.bincount(slot[seen], detrended[row, seen], minlength=slots)
        count[row] = np.bincount(slot[seen], minlength=slots)
    means = np.divide(one_hot_sum, count, out=np.full_like(one_hot_sum, np.nan), where=count > 0)
    any_seen = (count > 0).any(axis=1, keepdims=True)
    centre = np.divide(
        np.nansum(means, axis=1, keepdims=True),
        (count > 0).sum(axis=1, keepdims=True),
        where=any_seen,
        out=np.zeros((detrended.shape[0], 1)),
    )
    return np.where(count > 0, means - centre, 0.0)


@dataclass(frozen=True)
class EwmaModel:
    """What `fit_ewma` learned."""

    window: Window
    season: Floats
    season_days: int
    level: Floats
    scale: Floats
    size: Ints
    alpha: float
    sigmas: float

    def predict(self, times: Times) -> Bands:
        """The last level plus the season: the band does not widen with the horizon."""
        level = np.broadcast_to(self.level[:, None], (self.level.size, times.size))
        return self._bands(level, phase_of(self.window, times))

    def follow(self, times: Times, values: Floats) -> Bands:
        """The level moves with the trend of what was observed before each point."""
        slots = self.season.shape[1]
        tail = min(self.window.values.shape[1], 2 * slots + 200)  # 0.7**200 of the older trend: nothing
        joined = np.concatenate([self.window.values[:, -tail:], values], axis=1)
        level = ewma(trailing_mean(joined, slots), self.alpha)[:, tail - 1 : -1]
        level = np.where(np.isfinite(level), level, self.level[:, None])
        return self._bands(level, phase_of(self.window, times))

    @property
    def stays(self) -> int:
        """The level moves with every cell."""
        return 1

    def _bands(self, level: Floats, phase: Phase) -> Bands:
        expected = level + self.season[:, phase.in_season(self.season_days)]
        reach = self.sigmas * self.scale[:, None]
        return full_bands(expected, -reach, reach, self.scale[:, None], self.size[:, None])


def fit_ewma(
    window: Window, *, coverage: float = SIGMA_COVERAGE, alpha: float = ALPHA, season_days: int = 1
) -> EwmaModel:
    """Decompose, smooth the trend, measure what is left.

    Args:
        window: at least two seasons; fewer, and season and deviation are those of what there is.
        coverage: two-sided normal coverage the band is built for; 0.9545 is two standard deviations.
        alpha: weight of the newest trend value.
        season_days: 1 or 7. The specification's code names a week; four weeks hold only four
            values for each of its slots, so the day is the default.
    Raises:
        InputError: season_days is neither 1 nor 7.
    """
    from scipy.stats import norm

    if season_days not in (1, 7):
        raise InputError(f"season_days {season_days!r}: expected 1 or 7")
    phase = phase_of(window, window.times)
    days = 7 if phase.per_day == 1 else season_days
    slots = phase.per_day * days
    y = window.values
    trend = trailing_mean(y, slots)
    detrended = y - trend
    slot = phase.in_season(days)
    season = seasonal_means(detrended, slot, slots)
    residual = detrended - season[:, slot]
    known = np.isfinite(residual)
    count = known.sum(axis=1)
    square = np.where(known, residual, 0.0)
    mean = square.sum(axis=1) / np.maximum(count, 1)
    scale = np.sqrt(np.where(known, (square - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count, 1))
    scale = np.where(count > 1, scale, np.nan)
    size = np.isfinite(y).sum(axis=1)
    return EwmaModel(
        window, season, days, ewma(trend, alpha)[:, -1], scale, size, alpha, float(norm.ppf((1 + coverage) / 2))
    )
