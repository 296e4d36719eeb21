"""One score in [0, 1] for every reading, online: how much it should interest somebody now.

Three questions are asked of every reading and answered in the series' own terms. Is the mean of the
last 1 to 48 readings further from the usual level, or from the usual level at this time of day,
than the past went (tail surprise)? Does it leave the range of the earlier days around this time
(envelope)? Do far readings come more often than they used to (clusters)?
The answers are added, compared with their own past, and each episode is announced once.
No unit, level, step or file has a setting; `FLAG_LEVEL` is the product's own threshold.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from analytics.anomalies.events import Floats
from analytics.anomalies.surprise import (
    ENVELOPE_CAP,
    WARM_UP,
    DayGrid,
    beyond_usual,
    past_median,
    past_quantile,
    rolling_mean,
    tail_surprise,
)
from analytics.baselines.clock import as_times
from analytics.errors import InputError

FLAG_LEVEL = 0.5
HALF_SCORE = 0.69  # announced surprise that scores 0.5, so that one level fits all kinds of series
WIDTHS = (1, 3, 6, 12, 24, 48)  # readings a mean is taken over: a spike to half a day of 15-minute polls
ENVELOPE_WIDTHS = (1, 3, 6, 12)
TAILS = (0.9, 0.98)  # shoulder and far tail
CLUSTER_WIDTHS = (24, 48, 96)  # readings far ones are counted in
FAR = 0.95  # quantile of the distance from the level beyond which a reading is far
RARE = 0.99  # the combined surprise is compared with its own top hundredth
ROUNDING = 1e-9  # deviations below this share of the largest value seen are arithmetic

MEMORY_SHARE = 0.04  # an announcement is remembered for a twenty-fifth of the history …
MEMORY_MIN = 30.0  # … at least this many readings
PATIENCE_S = 900.0  # an announcement waits this long while surprise still rises
STEP_UP = 1.5  # told again while remembered only if this many times larger
ALIKE = 0.75  # an earlier announcement of at least this share of the size was one like it
HABIT = 0.95  # how much having seen the like before takes away


def score(timestamps: ArrayLike, values: ArrayLike) -> Floats:
    """Anomaly score of every reading of one series.

    Args:
        timestamps: shape (n,), naive or UTC, in the order the readings came; repeated or backward
            times are taken as they are.
        values: shape (n,), any unit. NaN scores 0 and is passed over.
    Returns:
        Shape (n,), 0 to 1. Entry i depends on rows 0..i only. Most are 0: an episode is announced at
        the reading that makes it clear (at most a quarter of an hour on), again only if it grows.
        0.5 is the level to alert at.
        The first two days are compared with next to nothing: leave their alarms out.
    Raises:
        InputError: the shapes differ.

    >>> at = np.datetime64("2026-03-02", "ns") + np.arange(3 * 288) * np.timedelta64(5, "m")
    >>> values = 100 + np.random.default_rng(0).normal(0, 5, at.size)
    >>> values[700:720] += 80
    >>> flagged = np.flatnonzero(score(at, values) >= FLAG_LEVEL)
    >>> flagged[flagged > 2 * 288]
    array([702])
    """
    at, observed = as_times(timestamps), np.asarray(values, dtype=float)
    if at.shape != observed.shape or observed.ndim != 1:
        raise InputError(f"anomalies: {at.size} times but values of shape {observed.shape}")
    known = np.isfinite(observed)
    result = np.zeros(observed.size)
    if known.sum() > WARM_UP:
        seconds = np.maximum.accumulate(at[known].astype(np.int64) / 1e9)
        announced = announce(surprise(seconds, observed[known]), seconds)
        result[known] = announced / (announced + HALF_SCORE)
    return result


def surprise(seconds: Floats, values: Floats) -> Floats:
    """Combined surprise of every reading before announcing, shape (n,), not negative."""
    negligible = ROUNDING * np.maximum.accumulate(np.abs(values))
    grid = DayGrid(seconds)
    from_level = values - past_median(values)
    seasonal = grid.median_before(values)
    from_season = np.where(np.isfinite(seasonal), values - seasonal, 0.0)
    sizes = [np.abs(rolling_mean(r, width)) for r in (from_level, from_season) for width in WIDTHS]
    tails = [tail_surprise(size, q, negligible=negligible) for size in sizes for q in TAILS]
    leaves = [_envelope(grid, values, from_season, width, negligible) for width in ENVELOPE_WIDTHS]
    crowded = [tail_surprise(share, q) for share in _far_shares(np.abs(from_level), negligible) for q in TAILS]
    # the crowd counts half as much as either of the others: it is the later witness
    both = 0.8 * (np.mean(tails, axis=0) + (leaves[0] + np.mean(leaves, axis=0)) / 2 + np.mean(crowded, axis=0) / 2)
    return np.asarray((both + tail_surprise(both, RARE)) / 2)


def _far_shares(distance: Floats, negligible: Floats) -> list[Floats]:
    """Share of the last 24, 48 and 96 readings further from the level than 19 in 20 of the past were."""
    usual = np.nan_to_num(past_quantile(distance, FAR), nan=np.inf)
    far = (distance > np.maximum(usual, negligible)).astype(float)
    return [rolling_mean(far, width) for width in CLUSTER_WIDTHS]


def _envelope(grid: DayGrid, values: Floats, from_season: Floats, width: int, negligible: Floats) -> Floats:
    """Log distance outside the range of earlier days, in units of what such distances were."""
    outside = grid.outside_before(rolling_mean(values, width))
    size = np.abs(rolling_mean(from_season, width))
    usual = past_quantile(size, 0.9)
    # nine readings in ten at rest: only more than the largest so far is news
    largest = np.r_[0.0, np.maximum.accumulate(size)[:-1]]
    scale = np.where(usual > negligible, usual, np.maximum(largest, np.maximum(negligible, 1e-300)))
    outside = np.where(outside > negligible, outside, 0.0)
    excess = np.log1p(np.minimum(outside / scale, ENVELOPE_CAP))
    excess[:WARM_UP] = 0.0
    return beyond_usual(excess)


def announce(surprises: Floats, seconds: Floats) -> Floats:
    """Surprise at the readings that announce an episode, 0 at all others, shape (n,).

    A reading starts an episode if it is 1.5 times what is remembered of the announcement before, which
    fades exponentially. While surprise still rises the announcement waits, at most a quarter of an
    hour: one of the full size instead of three on the way up; slower series do not wait. It counts less
    the more announcements of at least three quarters of its size there were: the tenth nightly spike is no news.

    Args:
        surprises: shape (n,), not negative.
        seconds: shape (n,), ascending times of the readings.
    """
    announced = np.zeros(surprises.size)
    fading = np.exp(-1.0 / np.maximum(MEMORY_MIN, MEMORY_SHARE * np.arange(surprises.size))).tolist()
    at = seconds.tolist()
    remembered = rising = since = 0.0
    earlier: list[float] = []
    for i, size in enumerate(surprises.tolist()):
        remembered *= fading[i]
        told = 0.0
        if rising:
            if size <= rising or at[i] - since >= PATIENCE_S:
                told = max(rising, size)
            rising = max(rising, size)
        elif size > STEP_UP * remembered:
            if i and at[i] - at[i - 1] >= PATIENCE_S:
                told = size
            else:
                rising, since = size, at[i]
        if told:
            announced[i] = told * _news(told, earlier, i)
            remembered, rising = told, 0.0
            earlier.append(told)
    return announced


def _news(size: float, earlier: list[float], readings: int) -> float:
    """Share of an announcement that is news, 0 to 1, given how many like it the history has seen."""
    alike = sum(before >= ALIKE * size for before in earlier)
    chances = min(1 / MEMORY_SHARE, readings / MEMORY_MIN)  # how many announcements the history has room for
    rarity = math.log(chances / (alike + 0.5)) / math.log(2 / MEMORY_SHARE)
    return max(0.0, 1 - HABIT * (1 - rarity))
