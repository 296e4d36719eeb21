"""Readings beside their baseline, on one matrix: what every rule judges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from analytics.anomalies.episodes import Clock
from analytics.anomalies.events import Floats, Times
from analytics.baselines.clock import as_times
from analytics.baselines.model import Baseline
from analytics.errors import InputError

DEGENERATE = 1e-6  # a scale below this share of the expected value is that of a line without noise, …
FLAT_SCALE = 0.01  # … which is then taken to be good to one per cent
COUNT = 1.0  # whole numbers are never known better than to one
BAND_SIGMAS = 2.0  # the edge of the band is called two deviations, whatever its shape


@dataclass(frozen=True)
class Residuals:
    """One row a series, columns in time order, each time once; NaN where there is nothing to judge.

    Attributes:
        times: shape (n,), datetime64[ns].
        clock: steps and what each reading covers.
        values, expected, lower, upper, scale: shape (m, n), in the metric's own unit.
    """

    times: Times
    clock: Clock
    values: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    scale: Floats

    def band_distance(self, sign: int) -> Floats:
        """How far each reading lies towards `sign`, 2 at the edge of the band, shape (m, n).

        Empirical bands are wider on one side: counts have more room above than below. Measuring
        each side by its own half keeps one threshold for both.
        """
        edge = self.upper if sign > 0 else self.lower
        half = sign * (edge - self.expected)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(half > 0, BAND_SIGMAS * sign * (self.values - self.expected) / half, np.nan)


def residuals(times: ArrayLike, values: ArrayLike, baseline: Baseline) -> Residuals:
    """Put readings and baseline in time order, side by side.

    Args:
        times: shape (n,), UTC, any order; of readings with the same time the last one given counts.
        values: shape (n,), or (m, n) for series that share their times. NaN: missing.
        baseline: on the same times, arrays of the shape of `values`.
    Raises:
        InputError: shapes differ, or the baseline is for other times.
    """
    at = as_times(times)
    matrix = np.atleast_2d(np.asarray(values, dtype=float))
    if matrix.ndim != 2 or matrix.shape[1] != at.size:
        raise InputError(f"anomalies: {at.size} times but values of shape {np.shape(values)}")
    theirs = as_times(baseline.times)
    if theirs.shape != at.shape or (theirs != at).any():
        raise InputError(f"anomalies: the baseline is for {theirs.size} other times than the {at.size} readings")
    columns = [np.asarray(getattr(baseline, name), dtype=float) for name in ("expected", "lower", "upper")]
    columns.append(np.asarray(baseline.residual_scale, dtype=float))
    for column in columns:
        if column.shape not in {(at.size,), matrix.shape}:
            raise InputError(f"anomalies: values of shape {matrix.shape} but a baseline of shape {column.shape}")
    arrays = [matrix, *(np.broadcast_to(np.atleast_2d(c), matrix.shape) for c in columns)]
    if (np.diff(at.astype(np.int64)) <= 0).any():
        order = np.argsort(at, kind="stable")
        order = order[np.r_[np.diff(at[order].astype(np.int64)) > 0, True]]
        at, arrays = at[order], [a[:, order] for a in arrays]
    return _never_below_one(_never_flat(Residuals(at, Clock.of(at), *arrays)))


def _never_below_one(readings: Residuals) -> Residuals:
    """The same, but counts are taken to be good to one: two a day instead of one is no incident.

    Counts are those of whose values so far that are not 0 most are whole; after gaps some are shares of a count.
    """
    values = readings.values
    told = np.isfinite(values) & (values != 0)
    whole = told & (values == np.rint(values))
    counts = 2 * np.cumsum(whole, axis=1, dtype=np.int32) > np.cumsum(told, axis=1, dtype=np.int32)
    if not counts.any():
        return readings
    room = BAND_SIGMAS * COUNT
    return replace(
        readings,
        scale=np.where(counts, np.maximum(readings.scale, COUNT), readings.scale),
        lower=np.where(counts, np.minimum(readings.lower, readings.expected - room), readings.lower),
        upper=np.where(counts, np.maximum(readings.upper, readings.expected + room), readings.upper),
    )


def _never_flat(readings: Residuals) -> Residuals:
    """The same where there is noise; a line without any is taken to be good to one per cent.

    Of the expected value or the largest reading before; where both are 0 there is nothing to measure by.
    """
    level = np.abs(readings.expected)
    with np.errstate(invalid="ignore"):
        flat = readings.scale <= DEGENERATE * level
    if not flat.any():
        return readings
    largest = np.maximum.accumulate(np.abs(np.nan_to_num(readings.values)), axis=1)
    before = np.concatenate([np.zeros((largest.shape[0], 1)), largest[:, :-1]], axis=1)
    scale = FLAT_SCALE * np.maximum(level, before)
    scale = np.where(flat, np.where(scale > 0, scale, np.nan), readings.scale)
    lower = np.where(flat, np.fmin(readings.lower, readings.expected - BAND_SIGMAS * scale), readings.lower)
    upper = np.where(flat, np.fmax(readings.upper, readings.expected + BAND_SIGMAS * scale), readings.upper)
    return replace(readings, lower=lower, upper=upper, scale=scale)
