"""What is normal: counters to rates, expected values and bands, measured skill.

The interface other rooms code against (all times datetime64[ns] or anything that converts, UTC):

- `to_rate(times, readings, *, data_type)` -> `Rates`: what each polling interval brought.
- `rolling(times, values, *, algorithm="profile", window_days=30, timezone="UTC", masked=None, ...)`
  -> `Baseline`: for every point what the earlier points let one expect. Reports draw it, rules judge by it.
  `expected`, `lower`, `upper`, `residual_scale` are NaN and `sample_size` is 0 during the warm-up.
  `values` of shape (n_series, n) give arrays of shape (n_series, n).
- `fit(algorithm, times, values, ...)` -> `FittedBaseline` with `.predict(times)` -> `Baseline`.
- `fit_predict(history_ts, history_values, horizon)` -> (median, lower, upper) of a 95 % band.
- `backtest(times, values, algorithms=..., horizon=..., origins=...)` -> `Backtest`: frames of scores and the
  algorithm to use.
- `Stream(step_s=300, ...)` with `.update(time, value)` -> `Verdict`: the same, one point at a time.
- `ALGORITHMS`: every algorithm by name.
- `local_calendar(times, timezone)`: seconds of the day, day of the week, local day.
- `breaks=` names instants at which a metric changed its meaning; `masked=` is flags (True: do not
  learn from this point) or (start, end) pairs; `holidays=` local dates.
"""

from __future__ import annotations

from analytics.baselines.api import FittedBaseline, fit, rolling
from analytics.baselines.backtest import Backtest, backtest
from analytics.baselines.clock import LocalCalendar, local_calendar
from analytics.baselines.forecast import fit_predict
from analytics.baselines.model import Baseline
from analytics.baselines.rates import Rates, to_rate
from analytics.baselines.registry import ALGORITHMS
from analytics.baselines.stream import Stream, Verdict

__all__ = [
    "ALGORITHMS",
    "Backtest",
    "Baseline",
    "FittedBaseline",
    "LocalCalendar",
    "Rates",
    "Stream",
    "Verdict",
    "backtest",
    "fit",
    "fit_predict",
    "local_calendar",
    "rolling",
    "to_rate",
]
