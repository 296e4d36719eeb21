"""The level that keeps one series' alerts to its budget, from its own past weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analytics.anomalies import Level, Settings, choose_levels
from analytics.errors import StatisticsError
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.watch import Own, Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray


HISTORY = timedelta(days=56)  # eight weeks, the first of which only teach the baseline


LEAST_WEEKS = 2.0  # of judged history: a level chosen on less says nothing about a week


@dataclass(frozen=True)
class Past:
    """One series' history; plain data, so that it can be sent to a worker."""

    key: SeriesKey
    definition: MetricDefinition
    breaks: tuple[MetricDefinition, ...]
    times: NDArray[np.datetime64]
    readings: NDArray[np.float64]
    until: datetime
    watch: Watch
    own: Own
    alerts_per_week: float


def level_of(past: Past) -> tuple[SeriesKey, Level | None]:
    """A series' level, or None on less than two judged weeks; pure, the same on every engine."""
    import pandas as pd

    from analytics.monitoring.judge import judge

    frame = pd.DataFrame({"time": pd.DatetimeIndex(past.times).tz_localize("UTC"), "value": past.readings})
    try:
        judged = judge(
            0,
            past.key,
            past.definition,
            frame,
            past.until - HISTORY,
            past.until,
            past.watch,
            breaks=past.breaks,
            own=past.own,
        )
    except StatisticsError:
        return past.key, None
    if not judged.is_judged:
        return past.key, None
    # as the newest readings are judged: an episode like others before it is told again
    told = Settings(direction=past.own.direction).scaled(past.own.factor).told_per_week(np.inf)
    (level,) = choose_levels(
        judged.times, judged.values, judged.baseline, alerts_per_week=past.alerts_per_week, settings=told
    )
    return past.key, level if level.history_weeks >= LEAST_WEEKS else None
