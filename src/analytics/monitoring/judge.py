"""From stored readings to what was normal and what was not, one series at a time.

Readings come in as frames, verdicts go out as dataclasses; nothing here reads a clock or draws. A
counter is turned into its increase per interval; every expectation uses earlier readings only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics import anomalies, baselines
from analytics.baselines import Baseline
from analytics.compute.cache import NOTHING, Kept
from analytics.definitions import break_time, breaks_between, definition_for
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.axis import TOO_COARSE, Amounts, amounts_of, judged_axis, too_coarse
from analytics.monitoring.readings import readings_of
from analytics.monitoring.watch import EVERY, Own, Watch, entry_of, holidays_over, own_of
from analytics.params.baselines import Baselines

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.anomalies import Event
    from analytics.store import Store

KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
NEVER_DAYS = 1e6
WARM_UP = timedelta(days=3)  # a seasonal start needs a little more than the window itself


@dataclass(frozen=True)
class MonitoredSeries:
    """One series with its baseline and events.

    `amounts` adds up to a period's figure. `times`, `values` (n,) are what the baseline judges, one value a
    `step_s`: a slow series is judged by the hour or day, where single polls would be mostly zero.
    """

    series_id: int
    key: SeriesKey
    definition: MetricDefinition
    amounts: Amounts
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    step_s: float
    baseline: Baseline
    events: tuple[Event, ...]
    breaks: tuple[MetricDefinition, ...] = ()
    warnings: tuple[str, ...] = ()
    is_judged: bool = True
    feedback: str = ""
    watch: Watch = Watch()
    day_zone: str = ""  # whose calendar days the readings stand for; their dates hold in every zone

    @property
    def label(self) -> str:
        """Account (or content), or the metric where there is none."""
        return " · ".join(part for part in (self.key.author_id, self.key.content_id) if part) or self.key.metric_type


def monitor(
    store: Store,
    series: pd.DataFrame,
    start: datetime,
    end: datetime,
    watch: Watch,
    *,
    definitions: Mapping[tuple[str, str], tuple[MetricDefinition, ...]],
    baseline_params: Baselines | None = None,
    kept: Kept = NOTHING,
    progress: Callable[[int], None] | None = None,
) -> Iterator[MonitoredSeries]:
    """Judge each of `series` from `start` to `end`, learning from `window_days` before.

    Args:
        series: rows of `Store.series()`.
        baseline_params: what single series have of their own: algorithm, window, masks, holidays, direction.
        kept: verdicts on the same readings from a run before; by default none are used.
        progress: called with the number of series finished.
    """
    chosen = baseline_params or Baselines()
    own = own_of(store, chosen)
    for done, (series_id, *key_parts) in enumerate(series[KEY_COLUMNS].to_numpy(object), start=1):
        key = SeriesKey(*map(str, key_parts))
        named = replace(watch, clock=chosen.defaults.clock).as_named(entry_of(chosen, key))
        since = start - timedelta(days=named.window_days) - WARM_UP
        definition = definition_for(key, definitions, end)
        found = readings_of(store, int(series_id), definition, since, start, end, timezone=named.timezone)
        if len(found.frame):
            breaks = breaks_between(key, definitions, since, end)
            judged = kept.once(
                judge,
                int(series_id),
                key,
                definition,
                found.frame,
                start,
                end,
                named,
                breaks=breaks,
                own=own(key),
                day_zone=found.day_zone,
            )
            yield replace(judged, warnings=(*judged.warnings, found.warning)) if found.warning else judged
        if progress:
            progress(done)


def judge(
    series_id: int,
    key: SeriesKey,
    definition: MetricDefinition,
    frame: pd.DataFrame,
    start: datetime,
    end: datetime,
    watch: Watch,
    *,
    breaks: Sequence[MetricDefinition] = (),
    own: Own = EVERY,
    day_zone: str = "",
) -> MonitoredSeries:
    """Baseline and events of one series; events are those confirmed within `start` to `end`.

    Args:
        day_zone: whose calendar days the readings stand for; they lie at the midnights of `watch.timezone` then.

    Where the metric's meaning changes (`breaks`) the level is learned anew: that is no anomaly.
    """
    clock = watch.timezone if day_zone else watch.clock or watch.timezone
    broken = [break_time(definition, watch.timezone if day_zone else "UTC") for definition in breaks]
    amounts, rates = amounts_of(frame, definition)
    times, values, step_s = judged_axis(rates, definition, clock)
    coarse = too_coarse(values, definition)
    options: dict[str, Any] = dict(watch.parameters)
    if watch.coverage is not None:
        options["coverage"] = watch.coverage
    baseline = baselines.rolling(
        times,
        values,
        algorithm=watch.algorithm,
        window_days=watch.window_days,
        timezone=clock,
        min_history_days=NEVER_DAYS if coarse else watch.min_history_days,
        step_s=step_s,
        breaks=broken,
        masked=own.masked,
        holidays=holidays_over(own, times),
        **options,
    )
    chosen = anomalies.Settings(direction=own.direction).scaled(own.factor).told_per_week(watch.alerts_per_week)
    found = anomalies.detect(times, values, baseline, rules=watch.rules, settings=chosen, breaks=broken)
    events = anomalies.without_returns(found, times, values, breaks=broken)
    return MonitoredSeries(
        series_id=series_id,
        key=key,
        definition=definition,
        amounts=amounts,
        times=times,
        values=values,
        step_s=step_s,
        baseline=baseline,
        events=tuple(event for event in events if start <= event.confirmed_at < end),
        breaks=tuple(breaks),
        warnings=(*rates.warnings, *(TOO_COARSE if coarse else baseline.warnings)),
        feedback=own.sentence,
        is_judged=not coarse,
        watch=watch,
        day_zone=day_zone,
    )
