"""Prophet behind the common interface: quiet, seeded, the same band on every run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.baselines.clock import Floats, Times, utc_offset_s
from analytics.baselines.model import FOREVER, Bands, Window
from analytics.errors import InsufficientHistory

SAMPLES = 500
LOGGERS = ("prophet", "prophet.plot", "prophet.models", "cmdstanpy", "stan")


@dataclass(frozen=True)
class ProphetModel:
    """One fitted Prophet a series."""

    window: Window
    fitted: tuple[Any, ...]
    coverage: float
    seed: int

    def predict(self, times: Times) -> Bands:
        """Prophet's expectation and its sampled interval, from the same seed every time."""
        import pandas as pd
        from scipy.stats import norm

        rows = []
        for one in self.fitted:
            with _quiet(self.seed):
                seen = one.predict(pd.DataFrame({"ds": _local(self.window, times)}))
            rows.append([seen[name].to_numpy(dtype=float) for name in ("yhat", "yhat_lower", "yhat_upper")])
        expected, lower, upper = np.stack(rows, axis=1)
        scale = (upper - lower) / (2 * norm.ppf((1 + self.coverage) / 2))
        size = np.isfinite(self.window.values).sum(axis=1)[:, None]
        return Bands(expected, lower, upper, scale, np.broadcast_to(size, expected.shape))

    @property
    def stays(self) -> int:
        """Until the next fit."""
        return FOREVER

    def follow(self, times: Times, values: Floats) -> Bands:  # noqa: ARG002 - nothing is learned between two fits
        """As `predict`: between two fits nothing is learned."""
        return self.predict(times)


def fit_prophet(window: Window, *, coverage: float = 0.95, seed: int = 0, samples: int = SAMPLES) -> ProphetModel:
    """Fit one Prophet a series: daily and, from two weeks on, weekly season, no yearly one.

    Args:
        window: at least two days.
        coverage: Prophet's `interval_width`.
        seed: of the optimiser and of the sampled interval; without one the verdict changes from run to run.
        samples: drawn for the interval.
    Raises:
        InsufficientHistory: fewer than ten observed values in a series.
    References:
        Taylor and Letham (2018), *Forecasting at Scale*.
    """
    import pandas as pd

    known = np.isfinite(window.values)
    if known.sum(axis=1).min() < 10:
        raise InsufficientHistory(f"prophet: needs 10 observed values, got {known.sum(axis=1).min()}")
    days = window.values.shape[1] * window.step_s / 86400
    local = _local(window, window.times)
    fitted = []
    with _quiet(seed):
        from prophet import Prophet

        free = [pd.Timestamp(day, unit="D") for day in sorted(window.holidays)]
        holidays = pd.DataFrame({"ds": free, "holiday": "holiday"}) if free else None
        for row, seen in zip(window.values, known, strict=True):
            one = Prophet(
                interval_width=coverage,
                daily_seasonality=bool(window.step_s < 86400),
                weekly_seasonality=bool(days >= 14),
                yearly_seasonality=False,
                uncertainty_samples=samples,
                holidays=holidays,
            )
            one.fit(pd.DataFrame({"ds": local[seen], "y": row[seen]}), seed=seed)
            fitted.append(one)
    return ProphetModel(window, tuple(fitted), coverage, seed)


def _local(window: Window, times: Times) -> Times:
    return np.asarray(times + (utc_offset_s(times, window.timezone) * 10**9).astype("timedelta64[ns]"))


@contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Prophet's loggers silent, its deprecated calls unreported, numpy's global generator seeded and put back."""
    with warnings.catch_warnings():  # in a notebook its progress bars complain that there are no widgets
        warnings.simplefilter("ignore")
        from cmdstanpy.utils import get_logger

    loggers = [get_logger().manager.getLogger(name) for name in LOGGERS]
    before = [logger.disabled for logger in loggers]
    state = np.random.get_state()
    try:
        for logger in loggers:
            logger.disabled = True
        np.random.seed(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
