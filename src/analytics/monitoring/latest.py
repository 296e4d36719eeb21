"""Judge the newest readings of one series with a model of the days before."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.baselines.grid import days_needed, known_days
from analytics.errors import InputError, StatisticsError
from analytics.model import MetricDefinition, SeriesKey
from analytics.params.baselines import BaselineParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.anomalies import Event
    from analytics.baselines import Baseline
    from analytics.monitoring.watch import Own


@dataclass(frozen=True)
class Work:
    """One series to judge; plain data, so that it can be sent to a worker."""

    key: SeriesKey
    definition: MetricDefinition
    breaks: tuple[datetime, ...]
    times: NDArray[np.datetime64]
    readings: NDArray[np.float64]
    cut: datetime
    at: datetime
    params: BaselineParams
    own: Own
    min_history_days: float
    timezone: str = "UTC"
    level: float = 1.0  # thresholds times this keep the series' alerts to their budget


@dataclass(frozen=True)
class Judged:
    """What came of one series; `baseline` rows are those after the cut."""

    key: SeriesKey
    events: tuple[Event, ...] = ()
    baseline: Baseline | None = None
    skipped: str = ""


DAY_S = 86400.0


def judge_recent(work: Work) -> Judged:
    """Model from before the cut, verdict on what follows; pure, the same on every engine.

    A series whose parameters or data the algorithm cannot take is skipped with that reason, and stops no other.
    """
    try:
        return _judged(work)
    except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as exc:
        logging.getLogger(__name__).exception("series %s", work.key)
        return Judged(work.key, skipped=f"{work.params.algorithm} for {work.key}: {exc}"[:300])


def _judged(work: Work) -> Judged:
    import pandas as pd

    from analytics import anomalies, baselines
    from analytics.monitoring.axis import amounts_of, judged_axis
    from analytics.monitoring.days import day_zone_of
    from analytics.monitoring.watch import holidays_over

    cut = np.datetime64(work.cut.astimezone(UTC).replace(tzinfo=None), "ns")
    needed = np.timedelta64(round(work.min_history_days * 86400), "s")
    if cut - work.times[0] < needed:  # most series are posts of the last days
        return Judged(work.key, skipped="too little history")
    frame = pd.DataFrame({"time": pd.DatetimeIndex(work.times).tz_localize("UTC"), "value": work.readings})
    _, rates = amounts_of(frame, work.definition)
    times, values, step_s = judged_axis(rates, work.definition, work.timezone, before=cut)
    before, after = times < cut, times >= cut
    since = cut - np.timedelta64(round(work.params.window_days * 86400), "s")
    window = values[before & (times >= since)]
    if known_days(window[None, :], step_s)[0] < days_needed(work.min_history_days, step_s):
        return Judged(work.key, skipped="too little history")
    options: dict[str, Any] = dict(work.params.parameters)
    try:
        model = baselines.fit(
            work.params.algorithm,
            times[before],
            values[before],
            window_days=work.params.window_days,
            timezone=work.timezone,
            coverage=None if work.params.algorithm == "ewma" else work.params.coverage,
            masked=work.own.masked,
            holidays=holidays_over(work.own, times),
            step_s=step_s,
            **options,
        )
        recent = values[after]
        baseline = model.follow(times[after], recent)
    except StatisticsError as exc:
        return Judged(work.key, skipped=str(exc).split(":")[-1].strip())
    if recent.size and np.isnan(recent[-1]) and step_s > rates.step_s:
        so_far = np.nansum(rates.values[rates.times >= times[-1]])
        if so_far > baseline.upper[-1]:  # more than a whole hour or day brings: not to be waited out
            recent[-1] = so_far
    if step_s >= DAY_S and day_zone_of(frame["time"]):
        # a platform gives the running day's figure so far: low until it is over, and high at any time
        runs = times[after] + np.timedelta64(round(step_s), "s") > np.datetime64(
            work.at.astimezone(UTC).replace(tzinfo=None), "ns"
        )
        recent[runs & ~(recent > baseline.upper)] = np.nan
    breaks = [np.datetime64(b.astimezone(UTC).replace(tzinfo=None), "ns") for b in work.breaks]
    found = anomalies.detect(
        times[after],
        recent,
        baseline,
        settings=anomalies.Settings(direction=work.own.direction).scaled(work.own.factor * work.level),
        breaks=breaks,
        as_of=work.at,
    )
    found = anomalies.without_returns(found, times, np.concatenate([values[before], recent]), breaks=breaks)
    return Judged(work.key, tuple(found), baseline)
