"""One call for yardsticks and notebooks: history in, a 95 % band for the coming steps out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analytics.baselines.api import fit
from analytics.baselines.clock import NS_PER_S, Floats, as_times

EVERYTHING_DAYS = 1e4


def fit_predict(history_ts: ArrayLike, history_values: ArrayLike, horizon: int) -> tuple[Floats, Floats, Floats]:
    """Median and 95 % band of the `horizon` steps after a history, by the `profile` algorithm.

    Args:
        history_ts: shape (n,), UTC or local instants without a zone.
        history_values: shape (n,); NaN is missing.
        horizon: steps ahead, at least 1.
    Returns:
        Mean (the median, which is what the band is built around), lower, upper; each of shape (horizon,).

    >>> at = np.datetime64("2026-03-01", "ns") + np.arange(28 * 24) * np.timedelta64(1, "h")
    >>> middle, lower, upper = fit_predict(at, 100 + 10 * np.sin(np.arange(672) * np.pi / 12), 3)
    >>> middle.round(1), bool(np.all((lower <= middle) & (middle <= upper)))
    (array([100. , 102.6, 105. ]), True)
    """
    at = as_times(history_ts)
    fitted = fit("profile", at, history_values, window_days=EVERYTHING_DAYS, coverage=0.95)
    step = np.timedelta64(round(fitted.parameters["step_s"] * NS_PER_S), "ns")
    band = fitted.predict(at[-1] + np.arange(1, horizon + 1) * step)
    return band.expected, band.lower, band.upper
