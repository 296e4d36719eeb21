"""From stored readings to what was normal and what was not, one series at a time.

Readings come in as frames, verdicts go out as dataclasses; nothing here reads a clock or draws. A
counter is turned into its increase per interval; every expectation uses earlier readings only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analytics import anomalies, baselines
from analytics.adapters import exports, registry
from analytics.adapters.base import definition_in_force
from analytics.anomalies.feedback import Judgement, Verdict, weigh
from analytics.baselines import Baseline
from analytics.baselines.rates import Rates, to_rate
from analytics.compute.cache import NOTHING, Kept
from analytics.model import MetricDefinition, SeriesKey
from analytics.params import BaselineParams, Baselines, Params, SeriesBaseline
from analytics.readings import readings_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.anomalies import Event, Rule
    from analytics.store import Store

KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
MIN_USUAL_COUNT = 5.0
MIN_FILLED_RATIO = 0.5
MIN_BUCKET_COVERAGE = 0.8
NEVER_DAYS = 1e6
TOO_COARSE = ("a counter that moves on fewer than half of the days, as one the platform rounds, is not judged",)
COARSER = ((3600.0, "h"), (86400.0, "D"))
WARM_UP = timedelta(days=3)  # a seasonal start needs a little more than the window itself


@dataclass(frozen=True)
class Watch:
    """How a series is judged; the defaults are the product's own algorithm over 30 days."""

    algorithm: str = "profile"
    window_days: int = 30
    timezone: str = "UTC"  # whose midnights begin days
    clock: str | None = None  # zone whose hours and weekdays the audience keeps; None: the same
    min_history_days: float = 7.0
    rules: tuple[Rule, ...] = ("statistical", "trend", "pattern")
    alerts_per_week: float = 1.0  # episodes of a size that come more often are a series' habit
    coverage: float | None = None  # None: the algorithm's own
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def as_named(self, entry: SeriesBaseline | None) -> Watch:
        """The same with what a series' own entry of params names; the rest stays as it is."""
        names = ("algorithm", "window_days", "coverage", "clock", "parameters")
        named = {name: getattr(entry, name) for name in names if entry is not None and name in entry.model_fields_set}
        return replace(self, **named)


@dataclass(frozen=True)
class Own:
    """What holds for one series only.

    Attributes:
        masked: stretches (start, end) not to learn from: of params, and of incidents somebody confirmed.
        holidays: countries, parts of them, or dates that behave like Sundays.
        direction: which side is worth telling.
        factor: thresholds are multiplied by this; what people rejected raises it.
        sentence: what feedback changed; '' for nothing.
    """

    masked: tuple[tuple[datetime, datetime], ...] = ()
    holidays: tuple[str, ...] = ()
    direction: Literal["both", "above", "below"] = "both"
    factor: float = 1.0
    sentence: str = ""


EVERY = Own()


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

    @property
    def label(self) -> str:
        """Account (or content), or the metric where there is none."""
        return " · ".join(part for part in (self.key.author_id, self.key.content_id) if part) or self.key.metric_type


def definitions_of(params: Params) -> dict[tuple[str, str], tuple[MetricDefinition, ...]]:
    """Dated meanings by platform and metric: the adapters' own, those of imported files only, then what params add."""
    known: dict[tuple[str, str], list[MetricDefinition]] = {}
    adapters = {name: entry.adapter for name, entry in params.platforms.items()}
    for definition in [*registry.definitions(), *registry.definitions(adapters)]:
        entries = known.setdefault((definition.platform, definition.metric_type), [])
        if definition not in entries:
            entries.append(definition)
    for definition in exports.definitions():
        known.setdefault((definition.platform, definition.metric_type), [definition])
    for platform, entry in params.platforms.items():
        for extra in entry.definitions:
            fields = extra.model_dump(exclude={"metric"})
            known.setdefault((platform, extra.metric), []).append(
                MetricDefinition(platform=platform, metric_type=extra.metric, **fields)
            )
    return {key: tuple(entries) for key, entries in known.items()}


def definition_for(
    key: SeriesKey, known: Mapping[tuple[str, str], tuple[MetricDefinition, ...]], at: datetime
) -> MetricDefinition:
    """What the metric meant at `at`; one that nobody defined is shown as a level in its own unit."""
    entries = known.get((key.platform, key.metric_type), ())
    if entries:
        return definition_in_force(entries, key.metric_type, at.date()) or entries[0]
    name = key.metric_type.replace("_", " ")
    return MetricDefinition(
        key.platform, key.metric_type, name.capitalize(), name, "gauge", "mean", "No definition: shown as a level."
    )


def breaks_between(
    key: SeriesKey, known: Mapping[tuple[str, str], tuple[MetricDefinition, ...]], start: datetime, end: datetime
) -> tuple[MetricDefinition, ...]:
    """Meanings that came into force after `start` and before `end`, by date: breaks, never anomalies."""
    dated = [d for d in known.get((key.platform, key.metric_type), ()) if d.valid_from]
    return tuple(sorted((d for d in dated if start < break_time(d) < end), key=break_time))


def break_time(definition: MetricDefinition) -> datetime:
    """Midnight UTC of the day a meaning came into force."""
    first = definition.valid_from or date.min
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


def own_of(store: Store, chosen: Baselines) -> Callable[[SeriesKey], Own]:
    """What params and people's verdicts say about each series; asks the store once."""
    from analytics.store import remarks

    with store.begin() as connection:
        verdicts = remarks.select(connection, kinds=("confirmed", "rejected"))
    given: dict[SeriesKey, list[Judgement]] = {}
    for said in verdicts:
        verdict: Verdict = "confirmed" if said.kind == "confirmed" else "rejected"
        given.setdefault(said.series, []).append(Judgement(said.incident, verdict, said.start, said.end))

    def own(key: SeriesKey) -> Own:
        entry = params_of(chosen, key)
        feedback = weigh(given.get(key, ()))
        masks = tuple((m.start, m.end) for m in entry.masked) if isinstance(entry, SeriesBaseline) else ()
        return Own(
            masked=masks + feedback.masked,
            holidays=entry.holidays,
            direction=entry.direction if isinstance(entry, SeriesBaseline) else "both",
            factor=feedback.sensitivity.factor,
            sentence=feedback.sentence,
        )

    return own


def params_of(chosen: Baselines, key: SeriesKey) -> BaselineParams:
    """How params want a series judged: what its own entry names, and the defaults for the rest."""
    own = entry_of(chosen, key)
    if own is None:
        return chosen.defaults
    rest = [name for name in BaselineParams.model_fields if name not in own.model_fields_set]
    return own.model_copy(update={name: getattr(chosen.defaults, name) for name in rest})


def entry_of(chosen: Baselines, key: SeriesKey) -> SeriesBaseline | None:
    """A series' own entry in params; None where it has none."""
    own = (entry for entry in chosen.series if (entry.platform, entry.metric) == (key.platform, key.metric_type))
    return next(own, None)


@lru_cache(maxsize=64)
def holiday_dates(codes: tuple[str, ...], first_year: int, last_year: int) -> frozenset[date]:
    """Days off by the codes of params, over whole years.

    >>> date(2026, 10, 3) in holiday_dates(("DE",), 2026, 2026)
    True
    """
    from holidays import country_holidays

    years = range(first_year, last_year + 1)
    days = {date.fromisoformat(code) for code in codes if code[:1].isdigit()}
    for code in codes:
        if not code[:1].isdigit():
            country, _, part = code.partition("-")
            days |= set(country_holidays(country, subdiv=part or None, years=years))
    return frozenset(days)


def holidays_over(own: Own, times: NDArray[np.datetime64]) -> frozenset[date]:
    """A series' days off over the years of its readings; none where nothing was named."""
    if not own.holidays or not times.size:
        return frozenset()
    first, last = (int(str(at)[:4]) for at in (times[0], times[-1]))
    return holiday_dates(own.holidays, first, last + 1)


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
        found = readings_of(store, int(series_id), definition, since, start, end)
        if len(found.frame):
            breaks = breaks_between(key, definitions, since, end)
            judged = kept.once(
                judge, int(series_id), key, definition, found.frame, start, end, named, breaks=breaks, own=own(key)
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
) -> MonitoredSeries:
    """Baseline and events of one series; events are those confirmed within `start` to `end`.

    Where the metric's meaning changes (`breaks`) the level is learned anew: that is no anomaly.
    """
    broken = [break_time(definition) for definition in breaks]
    amounts, rates = amounts_of(frame, definition)
    clock = watch.clock or watch.timezone
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
    )


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
