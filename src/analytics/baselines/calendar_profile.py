"""What the hour, the day of the week and the minute within the hour add: robust means drawn towards zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import Floats, Ints
from analytics.baselines.layout import Shape, block_means
from analytics.baselines.robust import MAD_TO_SIGMA, median, shrunk_means

WEEK = 7
CLIP = 4.0  # robust deviations beyond which a value no longer pulls the season
WEEK_CLIP = 6.0  # the same for hours of a weekday, whose usual is a median of four that already follows them
FEWEST_WEEK_DAYS = 14  # two of each weekday


@dataclass(frozen=True)
class Season:
    """What the calendar adds, on the scale of the errors.

    Attributes:
        centre: shape (n_series, 1).
        hour: shape (n_series, blocks), by block of the day counted from the end of the window.
        week: shape (n_series, blocks * 7), by block of the day and weekday.
        fine: shape (n_series, per_day), what repeats inside the blocks.
    """

    centre: Floats
    hour: Floats
    week: Floats
    fine: Floats

    def at(self, shape: Shape, block: Ints) -> Floats:
        """Season of blocks counted from the first of the window, shape (n_series, n), without the fine part."""
        column = block % shape.blocks
        return np.asarray(self.centre + self.hour[:, column] + self.week[:, column * 7 + shape.weekday(block)])


def learn_season(cells: Floats, shape: Shape) -> tuple[Season, Floats]:
    """The season, and what it leaves of every cell.

    Returns:
        The season; and residuals of shape (n_series, days * per_day), each from the season that
        the other days make, so that their spread is that of new days.
    """
    mean = block_means(cells, shape.inner)
    block = np.arange(shape.n_blocks)
    column = block % shape.blocks
    hour, hour_without = shrunk_means(_calm(mean, shape), column, shape.blocks)
    level = mean - hour_without
    centre = median(level)[:, None]
    level = level - centre
    week = np.zeros((cells.shape[0], shape.blocks * 7))
    if shape.days >= FEWEST_WEEK_DAYS:
        week, week_without = shrunk_means(_calm_week(level, shape), column * 7 + shape.weekday(block), shape.blocks * 7)
        level = level - week_without
    if shape.inner == 1:
        return Season(centre, hour, week, np.zeros_like(hour)), level
    cut = (cells.shape[0], shape.n_blocks, shape.inner)
    slope = _slope_inside(shape, hour)
    within = (cells.reshape(cut) - mean[:, :, None]).reshape(cells.shape[0], shape.days, -1) - slope[:, None, :]
    fine = _fine_season(within)
    rest = (within - fine[:, None, :]).reshape(cut) + level[:, :, None]
    return Season(centre, hour, week, fine + slope), rest.reshape(cells.shape)


def _calm(mean: Floats, shape: Shape) -> Floats:
    """Block means without their day's level, outliers drawn in to four robust deviations from the usual hour."""
    by_day = mean.reshape(mean.shape[0], shape.days, shape.blocks)
    if shape.blocks > 1:
        by_day = by_day - median(by_day)[:, :, None]
    usual = median(by_day, axis=1)[:, None, :]
    strayed = by_day - usual
    reach = CLIP * MAD_TO_SIGMA * median(np.abs(strayed).reshape(mean.shape[0], -1))[:, None, None]
    calm = (usual + np.clip(strayed, -reach, reach)).reshape(mean.shape)
    return np.asarray(calm - median(calm)[:, None])


def _calm_week(level: Floats, shape: Shape) -> Floats:
    """Levels of blocks; hours far from the usual of their weekday, and from the rest of their day, are drawn in.

    Four weeks hold each hour of a weekday four times: one outage of some hours would halve what is expected of it for
    a month. What a whole day shares stays, for that is its level; of metrics read once a day, days are drawn in.
    """
    weeks = -(-shape.days // WEEK)
    padded = np.full((level.shape[0], weeks * WEEK * shape.blocks), np.nan)
    padded[:, -level.shape[1] :] = level
    usual = median(padded.reshape(level.shape[0], weeks, -1), axis=1)
    strayed = (padded - np.tile(usual, weeks)).reshape(level.shape[0], weeks * WEEK, shape.blocks)
    shared = median(strayed)[:, :, None] if shape.blocks > 1 else 0.0
    own = strayed - shared
    reach = WEEK_CLIP * MAD_TO_SIGMA * median(np.abs(own).reshape(level.shape[0], -1))[:, None, None]
    calm = padded + (np.clip(own, -reach, reach) - own).reshape(padded.shape)
    return np.asarray(calm[:, -level.shape[1] :])


def _slope_inside(shape: Shape, hour: Floats) -> Floats:
    """How the hourly season runs inside each block, shape (n_series, per_day), mean zero per block."""
    rise = (np.roll(hour, -1, axis=1) - np.roll(hour, 1, axis=1)) / 2
    inside = (np.arange(shape.inner) + 0.5) / shape.inner - 0.5
    return np.asarray((rise[:, :, None] * inside).reshape(hour.shape[0], -1))


def _fine_season(within: Floats) -> Floats:
    """What repeats inside the blocks, shape (n_series, per_day), from deviations (n_series, days, per_day).

    One factor per series draws all of it towards zero: the share of the variance of the daily
    pattern that is more than the noise of a mean over so many days.
    """
    total = np.einsum("sdc->sc", within)
    if np.isnan(total).any():
        known = np.isfinite(within)
        count = known.sum(axis=1).astype(float)
        within = np.where(known, within, 0.0)
        total = within.sum(axis=1)
    else:
        count = np.full(total.shape, float(within.shape[1]))
    mean = total / np.maximum(count, 1.0)
    square = np.einsum("sdc,sdc->sc", within, within) / np.maximum(count, 1.0)
    noise = np.maximum(square - mean**2, 0.0) / np.maximum(count - 1.0, 1e-9)
    power = np.where(count > 1, mean**2, 0.0).mean(axis=1)
    excess = np.maximum(power - np.where(count > 1, noise, 0.0).mean(axis=1), 0.0)
    share = np.divide(excess, power, out=np.zeros_like(power), where=power > 0)
    return np.asarray(np.where(count > 1, mean, 0.0) * share[:, None])
