"""What a baseline is, and what an algorithm must offer to make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from analytics.baselines.clock import Floats, Ints, Times

DEFAULT_COVERAGE = 0.95


@dataclass(frozen=True)
class Baseline:
    """What was to be expected at each time, and how far normal values stray from it.

    Attributes:
        times: shape (n,), datetime64[ns], UTC.
        expected: shape (n,), in the metric's own unit. NaN: too little history to say.
        lower, upper: shape (n,), the band that is meant to hold `coverage` of normal values.
        residual_scale: shape (n,), robust standard deviation of observed minus expected.
        coverage: share of normal values the band claims to hold, 0 to 1.
        sample_size: shape (n,), how many observed values the estimate rests on.
        algorithm, parameters: what made it, enough to make it again.
        warnings: plain sentences for the reader of a report.

    For a matrix of series every (n,) but `times` is (n_series, n).
    """

    times: Times
    expected: Floats
    lower: Floats
    upper: Floats
    residual_scale: Floats
    coverage: float
    sample_size: Ints
    algorithm: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def row(self, series: int) -> Baseline:
        """The baseline of one series of a matrix."""
        arrays = {name: getattr(self, name)[series] for name in ARRAYS}
        rest = (self.coverage, self.algorithm, self.parameters, self.warnings)
        return Baseline(self.times, coverage=rest[0], algorithm=rest[1], parameters=rest[2], warnings=rest[3], **arrays)


FOREVER = 10**9  # `stays` of a model that learns nothing between two fits
ARRAYS = ("expected", "lower", "upper", "residual_scale", "sample_size")


@dataclass(frozen=True)
class Bands:
    """An algorithm's answer for a block of times: every array of shape (n_series, n_times)."""

    expected: Floats
    lower: Floats
    upper: Floats
    residual_scale: Floats
    sample_size: Ints


@dataclass(frozen=True)
class Window:
    """What an algorithm may learn from: one regular grid, any number of series.

    Attributes:
        times: shape (n,), evenly spaced by `step_s`.
        values: shape (n_series, n); NaN where nothing was observed or the observation is masked.
        step_s: seconds between neighbours.
        timezone: the calendar that time of day and day of the week are read from.
        holidays: local days since 1970-01-01 that behave like no weekday.
    """

    times: Times
    values: Floats
    step_s: float
    timezone: str = "UTC"
    holidays: frozenset[int] = frozenset()


class Model(Protocol):
    """An algorithm after learning from one window.

    `predict` looks ahead from the end of the window. `follow` judges a block of points that
    comes after the window one by one, each with what was observed before it. An answer of
    `follow` holds for `stays` cells, counted from the block's first, before what was observed in
    the block can change it.
    """

    @property
    def stays(self) -> int:
        """Cells an answer of `follow` holds for."""

    def predict(self, times: Times) -> Bands:
        """Expected values and bands at `times`, shape (n,), all after the window."""

    def follow(self, times: Times, values: Floats) -> Bands:
        """The same for a block that follows the window directly; column i uses values[:, :i] only."""


def full_bands(expected: Floats, low: Floats, high: Floats, scale: Floats, size: Ints) -> Bands:
    """Bands from offsets below and above the expected value, stretched to its shape and made to hold it."""
    shape = expected.shape
    return Bands(
        expected,
        expected + np.minimum(low, 0.0),
        expected + np.maximum(high, 0.0),
        np.broadcast_to(scale, shape),
        np.broadcast_to(size, shape),
    )


def all_or_nothing(bands: Bands) -> Bands:
    """An expectation without a band is no baseline: there every number becomes NaN and the sample size 0."""
    known = np.isfinite(bands.expected) & np.isfinite(bands.lower) & np.isfinite(bands.upper)
    if known.all():
        return bands
    expected, lower, upper, scale = (np.where(known, getattr(bands, name), np.nan) for name in ARRAYS[:-1])
    return Bands(expected, lower, upper, scale, np.where(known, bands.sample_size, 0))
