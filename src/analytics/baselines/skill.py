"""Scores of bands and forecasts, each from its published definition."""

from __future__ import annotations

import numpy as np

from analytics.baselines.clock import Floats


def winkler(observed: Floats, lower: Floats, upper: Floats, coverage: float = 0.95) -> Floats:
    r"""Interval score of each observation: the band's width plus a penalty for what falls outside; lower is better.

    $$W = (u - l) + \frac{2}{\alpha}(l - y)\,1[y < l] + \frac{2}{\alpha}(y - u)\,1[y > u]$$

    Args:
        observed, lower, upper: shape (n,), the metric's unit; NaN stays NaN.
        coverage: 1 - alpha of the band.
    References:
        Winkler (1972); Gneiting and Raftery (2007), *Strictly Proper Scoring Rules*, section 6.2.

    >>> winkler(np.array([5.0, 0.0]), np.array([1.0, 1.0]), np.array([9.0, 9.0]), coverage=0.8)
    array([ 8., 18.])
    """
    penalty = 2.0 / (1.0 - coverage)
    outside = np.maximum(lower - observed, 0.0) + np.maximum(observed - upper, 0.0)
    return np.asarray((upper - lower) + penalty * outside)


def mase(observed: Floats, expected: Floats, history: Floats, season: int) -> float:
    r"""Mean absolute scaled error: 1 is as good as repeating the last season within the history; lower is better.

    Args:
        observed, expected: shape (n,); NaN is left out.
        history: shape (m,), what came before.
        season: steps a season.
    Returns:
        NaN where the history is shorter than a season or repeats itself exactly.
    References:
        Hyndman and Koehler (2006), *Another look at measures of forecast accuracy*.

    >>> mase(np.array([4.0, 8.0]), np.array([5.0, 6.0]), np.array([1.0, 2.0, 3.0, 4.0]), season=1)
    1.5
    """
    if history.size <= season:
        return float("nan")
    steps = np.abs(history[season:] - history[:-season])
    steps, errors = steps[np.isfinite(steps)], np.abs(observed - expected)
    errors = errors[np.isfinite(errors)]
    scale = steps.mean() if steps.size else 0.0
    return float(errors.mean() / scale) if scale > 0 and errors.size else float("nan")
