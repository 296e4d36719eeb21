"""From stored readings to what was normal and what was not, one series at a time.

Readings come in as frames, verdicts go out as dataclasses; nothing here reads a clock or draws. A
counter is turned into its increase per interval; every expectation uses earlier readings only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics import anomalies, baselines
from analytics.adapters import registry
from analytics.baselines import Baseline
from analytics.baselines.rates import to_rate
from analytics.model import MetricDefinition, SeriesKey
from analytics.params import Params

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.anomalies import Event, Rule
    from analytics.store import Store

KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
WARM_UP = timedelta(days=3)  # a seasonal start needs a little more than the window itself


@dataclass(frozen=True)
class Watch:
    """How a series is judged; the defaults are the specification's algorithm over 30 days."""

    algorithm: str = "ewma"
    window_days: int = 30
    timezone: str = "UTC"
    min_history_days: float = 7.0
    rules: tuple[Rule, ...] = ("statistical",)
    coverage: float | None = None  # None: the algorithm's own, 2 sigma for ewma
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MonitoredSeries:
    """One series with its baseline and events.

    `times` (n,) UTC datetime64[ns]; `values` (n,) what the baseline judges (for counters the increase per
    `step_s`, NaN after a gap); `amounts` (n,) what adds up to a period's figure (for counters the whole
    increase, also over a gap); `readings` (n,) as the platform gave them.
    """

    series_id: int
    key: SeriesKey
    definition: MetricDefinition
    step_s: float
    times: NDArray[np.datetime64]
    readings: NDArray[np.float64]
    values: NDArray[np.float64]
    amounts: NDArray[np.float64]
    baseline: Baseline
    events: tuple[Event, ...]
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Account (or content) and metric, for a heading."""
        return " · ".join(part for part in (self.key.author_id, self.key.content_id) if part) or self.key.metric_type


def definitions_of(params: Params) -> dict[tuple[str, str], tuple[MetricDefinition, ...]]:
    """Dated meanings by platform and metric: the adapters' own, then those that params add."""
    known: dict[tuple[str, str], list[MetricDefinition]] = {}
    adapters = {name: entry.adapter for name, entry in params.platforms.items()}
    for definition in [*registry.definitions(), *registry.definitions(adapters)]:
        entries = known.setdefault((definition.platform, definition.metric_type), [])
        if definition not in entries:
            entries.append(definition)
    for platform, entry in params.platforms.items():
        for extra in entry.definitions:
            fields = extra.model_dump(exclude={"metric"})
            known.setdefault((platform, extra.metric), []).append(
                MetricDefinition(platform=platform, metric_type=extra.metric, **fields)
            )
    return {key: tuple(entries) for key, entries in known.items()}


def definition_for(key: SeriesKey, known: Mapping[tuple[str, str], tuple[MetricDefinition, ...]]) -> MetricDefinition:
    """The newest meaning of a series' metric; one nobody defined is shown as a level in its own unit."""
    entries = known.get((key.platform, key.metric_type))
    if entries:
        return entries[-1]
    name = key.metric_type.replace("_", " ")
    return MetricDefinition(
        key.platform, key.metric_type, name.capitalize(), name, "gauge", "mean", "No definition: shown as a level."
    )


def monitor(
    store: Store,
    series: pd.DataFrame,
    start: datetime,
    end: datetime,
    watch: Watch,
    *,
    definitions: Mapping[tuple[str, str], tuple[MetricDefinition, ...]],
    progress: Callable[[int], None] | None = None,
) -> Iterator[MonitoredSeries]:
    """Judge each of `series` from `start` to `end`, learning from `window_days` before.

    Args:
        series: rows of `Store.series()`.
        progress: called with the number of series finished.
    """
    since = start - timedelta(days=watch.window_days) - WARM_UP
    for done, (series_id, *key_parts) in enumerate(series[KEY_COLUMNS].to_numpy(object), start=1):
        key = SeriesKey(*map(str, key_parts))
        frame = store.read_series([int(series_id)], since, end)
        if len(frame):
            yield judge(int(series_id), key, definition_for(key, definitions), frame, start, end, watch)
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
) -> MonitoredSeries:
    """Baseline and events of one series; events are those confirmed within `start` to `end`."""
    times = frame["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ns]")
    readings = frame["value"].to_numpy(np.float64)
    rates = to_rate(times, readings, data_type=definition.data_type)
    options: dict[str, Any] = dict(watch.parameters)
    if watch.coverage is not None:
        options["coverage"] = watch.coverage
    baseline = baselines.rolling(
        rates.times,
        rates.values,
        algorithm=watch.algorithm,
        window_days=watch.window_days,
        timezone=watch.timezone,
        min_history_days=watch.min_history_days,
        **options,
    )
    events = anomalies.detect(rates.times, rates.values, baseline, rules=watch.rules)
    return MonitoredSeries(
        series_id=series_id,
        key=key,
        definition=definition,
        step_s=rates.step_s,
        times=rates.times,
        readings=_readings_at(rates.times, times, readings),
        values=rates.values,
        amounts=rates.increase if definition.data_type == "counter" else rates.values,
        baseline=baseline,
        events=tuple(event for event in events if start <= event.confirmed_at < end),
        warnings=(*rates.warnings, *baseline.warnings),
    )


def _readings_at(
    wanted: NDArray[np.datetime64], times: NDArray[np.datetime64], readings: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Stored readings are unique and in time order; rates may only have dropped some."""
    return readings if wanted.size == times.size else readings[np.searchsorted(times, wanted)]
