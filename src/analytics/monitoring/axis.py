"""From stored readings to amounts that add up, and to the axis (poll, hour or day) a series is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.baselines.rates import Rates, to_rate
from analytics.model import MetricDefinition

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


MIN_USUAL_COUNT = 5.0


MIN_FILLED_RATIO = 0.5


MIN_BUCKET_COVERAGE = 0.8


TOO_COARSE = ("a counter that moves on fewer than half of the days, as one the platform rounds, is not judged",)


COARSER = ((3600.0, "h"), (86400.0, "D"))


@dataclass(frozen=True)
class Amounts:
    """What a series brought, reading by reading: increases of a counter, counts of an interval, or levels.

    `times` (n,) UTC datetime64[ns]; `values` (n,) in the metric's unit, NaN where unknown; `step_s` the usual
    seconds between readings.
    """

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    step_s: float
    warnings: tuple[str, ...] = ()


def amounts_of(frame: pd.DataFrame, definition: MetricDefinition) -> tuple[Amounts, Rates]:
    """Stored readings as amounts that add up, and as rates that can be judged."""
    times = frame["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ns]")
    rates = to_rate(times, frame["value"].to_numpy(np.float64), data_type=definition.data_type)
    if definition.aggregation == "last":  # a level: its last reading is the figure, whatever it gained on the way
        level = to_rate(times, frame["value"].to_numpy(np.float64), data_type="gauge")
        return Amounts(level.times, level.values, level.step_s, rates.warnings), rates
    values = rates.increase if definition.data_type == "counter" else rates.values
    return Amounts(rates.times, values, rates.step_s, rates.warnings), rates


def judged_axis(
    rates: Rates, definition: MetricDefinition, timezone: str, *, before: np.datetime64 | None = None
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], float]:
    """Times, values and step to judge: the finest of poll, hour and day that is seldom empty.

    That is: a usual count of at least five, and something in at least half of the buckets. Below that no band
    means anything. Days are local ones; a bucket with less than 80 % of its readings is unknown. One jump must not
    make a slow series look like a busy one: what comes from `before` on has no say, and the largest hundredth of
    the counts is taken at the size of the next.
    """
    found = rates.times, rates.values, rates.step_s
    if definition.data_type != "counter" and definition.aggregation != "sum":
        return found
    for step_s, rule in COARSER:
        if _seldom_empty(found[1] if before is None else found[1][found[0] < before]) or rates.step_s >= step_s:
            break
        found = *_bucketed(rates, rule, timezone), step_s
    return found


def _seldom_empty(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    if not known.size:
        return False
    counts = np.abs(known)
    usual = np.minimum(counts, np.quantile(counts, 0.99, method="lower")).mean()
    return bool(usual >= MIN_USUAL_COUNT and (known != 0).mean() >= MIN_FILLED_RATIO)


def too_coarse(values: NDArray[np.float64], definition: MetricDefinition) -> bool:
    """Whether a counter moves on fewer than half of the days, as one that its platform rounds: not to be judged."""
    known = values[np.isfinite(values)]
    return definition.data_type == "counter" and known.size > 0 and float((known != 0).mean()) < MIN_FILLED_RATIO


def _bucketed(rates: Rates, rule: str, timezone: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    import pandas as pd

    local = pd.DatetimeIndex(rates.times).tz_localize("UTC").tz_convert(timezone)
    groups = pd.Series(rates.values, index=local).resample(rule)
    count = groups.count()
    starts = pd.DatetimeIndex(count.index)
    ends = pd.DatetimeIndex([*starts[1:], *starts[-1:].shift(1, freq=rule)])
    due = (ends - starts).total_seconds().to_numpy() / rates.step_s
    values = groups.mean().to_numpy(float) * due  # a few missing polls: their share is taken at the bucket's mean
    values[count.to_numpy(float) < MIN_BUCKET_COVERAGE * due] = np.nan
    return starts.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]"), values
