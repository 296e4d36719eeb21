"""Judge the newest readings of every series: what is normal, what is not, kept in the store with its incident.

Each series' model learns from the days before a fixed cut (the midnight before yesterday's end), so that all looks
within one day agree; what follows the cut is judged point by point with what came before it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.alerts import events as kept_events
from analytics.alerts import levels as kept_levels
from analytics.alerts.incidents import FORGOTTEN, Incident, grouped, merge
from analytics.breakouts import breakouts
from analytics.errors import InputError, StatisticsError
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring import definitions_of
from analytics.params import BaselineParams, Params, load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.anomalies import Event
    from analytics.baselines import Baseline
    from analytics.monitoring import Own
    from analytics.store import Store

RECENT = timedelta(days=2)  # at least this long a stretch is judged: the pattern rule compares whole days
KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
SEVERAL = 200  # series read at a time
EPISODE_GAP = timedelta(hours=1)
CROSS_HISTORY = timedelta(days=30)  # how often a platform stands out by itself


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


@dataclass(frozen=True)
class Detected:
    """What a look at everything brought."""

    at: datetime
    judged: int
    skipped: Mapping[str, int]
    events: tuple[Incident, ...]
    new: tuple[Incident, ...]
    closed: int
    baseline_rows: int
    seconds: Mapping[str, float] = field(default_factory=dict)


def detect(
    settings: Settings, store: Store, *, at: datetime | None = None, platforms: Sequence[str] | None = None
) -> Detected:
    """Judge every series that had a reading lately, up to `at` (None: now), and keep what was found.

    Looking twice changes nothing: an episode keeps its row, its incident and what people said about it.
    """
    from analytics.compute.engines import map_items

    now = at or datetime.now(UTC)
    params = load_params(settings.params_dir)
    spent: dict[str, float] = {}
    started = time.perf_counter()
    work = list(_work(store, params, now, platforms))
    spent["read"] = time.perf_counter() - started
    started = time.perf_counter()
    judged = map_items(settings, judge_recent, work)
    spent["judge"] = time.perf_counter() - started
    started = time.perf_counter()
    viral = breakouts(store, definitions_of(params), now - RECENT, now, platforms=platforms)
    spent["contents"] = time.perf_counter() - started
    started = time.perf_counter()
    done = _keep(store, judged, [incident_of(entry.key, entry.event) for entry in viral], now, spent)
    spent["write"] = time.perf_counter() - started
    return done


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

    from analytics import anomalies, baselines, monitoring

    cut = np.datetime64(work.cut.astimezone(UTC).replace(tzinfo=None), "ns")
    needed = np.timedelta64(round(work.min_history_days * 86400), "s")
    if cut - work.times[0] < needed:  # most series are posts of the last days
        return Judged(work.key, skipped="too little history")
    frame = pd.DataFrame({"time": pd.DatetimeIndex(work.times).tz_localize("UTC"), "value": work.readings})
    _, rates = monitoring.amounts_of(frame, work.definition)
    times, values, step_s = monitoring.judged_axis(rates, work.definition, work.timezone, before=cut)
    before, after = times < cut, times >= cut
    known = times[before & np.isfinite(values)]
    if known.size == 0 or cut - known[0] < needed:
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
            holidays=monitoring.holidays_over(work.own, times),
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


def _work(store: Store, params: Params, now: datetime, platforms: Sequence[str] | None) -> list[Work]:
    from analytics import monitoring

    known = monitoring.definitions_of(params)
    own = monitoring.own_of(store, params.baselines)
    levels = kept_levels.load(store)
    series = store.series(platforms=platforms)
    series = series[(series["last_time"] >= now - FORGOTTEN) & (series["first_time"] < now)]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    cut = midnight - (RECENT - timedelta(days=1))
    found: list[Work] = []
    for first in range(0, len(series), SEVERAL):
        part = series.iloc[first : first + SEVERAL]
        chosen = {key: monitoring.params_of(params.baselines, key) for key in _keys(part)}
        longest = max((entry.window_days for entry in chosen.values()), default=30)
        since = cut - timedelta(days=longest + 1)
        frame = store.read_series(part["series_id"].tolist(), since, now)
        groups = {int(str(name)): group for name, group in frame.groupby("series_id")}
        for series_id, *names in part[KEY_COLUMNS].to_numpy(object):
            key = SeriesKey(*map(str, names))
            readings = groups.get(int(series_id))
            if readings is None:
                continue
            found.append(
                Work(
                    key=key,
                    definition=monitoring.definition_for(key, known, now),
                    breaks=tuple(monitoring.break_time(d) for d in monitoring.breaks_between(key, known, since, now)),
                    times=readings["time"].dt.tz_localize(None).to_numpy("datetime64[ns]"),
                    readings=readings["value"].to_numpy(np.float64),
                    cut=cut,
                    at=now,
                    params=chosen[key],
                    own=own(key),
                    min_history_days=params.baselines.min_history_days,
                    timezone=chosen[key].clock or params.alerts.timezone,
                    level=levels[key].factor if key in levels else 1.0,
                )
            )
    return found


def _keys(series: pd.DataFrame) -> list[SeriesKey]:
    return [SeriesKey(*map(str, names)) for names in series[KEY_COLUMNS[1:]].to_numpy(object)]


def _keep(
    store: Store, judged: Sequence[Judged], viral: Sequence[Incident], now: datetime, spent: dict[str, float]
) -> Detected:
    since = now - RECENT - EPISODE_GAP
    month = kept_events.load(store, since=since - CROSS_HISTORY)
    data = [e for e in month if e.kind not in ("health", "threshold") and (e.is_open or e.start >= since)]
    shared = together(judged, month, since)
    merged = grouped(merge([*(incident_of(j.key, e) for j in judged for e in j.events), *viral, *shared], data), data)
    merged = joined(merged, {(event.series, event.start): event for event in shared})
    looked = {j.key for j in judged if not j.skipped}
    over = kept_events.closed(data, merged, looked)
    over += [
        replace(event, is_open=False, resolution="no longer judged")
        for event in kept_events.closed(data, merged, {e.series for e in data} - looked)
        if now - event.last > FORGOTTEN
    ]
    saved = kept_events.save(store, [*merged, *over], now=now)
    rows = save_baselines(store, judged)
    skipped: dict[str, int] = {}
    for entry in judged:
        if entry.skipped:
            skipped[entry.skipped] = skipped.get(entry.skipped, 0) + 1
    return Detected(
        at=now,
        judged=sum(not entry.skipped for entry in judged),
        skipped=skipped,
        events=tuple(saved),
        new=tuple(s for s, m in zip(saved, merged, strict=False) if m.anomaly_id is None),
        closed=len(over),
        baseline_rows=rows,
        seconds=spent,
    )


def together(judged: Sequence[Judged], before: Sequence[Incident], since: datetime) -> list[Incident]:
    """What several platforms did together since then, beyond coincidence; each under its first series' name.

    Args:
        before: events already kept; those of the 30 days before say how often each platform stands out by itself.
    """
    from analytics import anomalies

    by_series: dict[SeriesKey, list[Event]] = {entry.key: [] for entry in judged}
    for old in before:
        if old.kind in anomalies.SINGLE_SERIES_RULES and old.start < since:
            by_series.setdefault(old.series, []).append(event_of(old))
    for entry in judged:
        by_series[entry.key] += entry.events
    names = {str(key): key for key in by_series}
    found = []
    for event in anomalies.cross_platform(by_series):
        if event.start >= since:
            first = names[event.details["members"][0]["series"]]
            told = incident_of(first, event)
            extra = told.extra | {"members": [dict(member) for member in event.details["members"]]}
            found.append(replace(told, method="cross_platform", extra=extra))
    return found


def joined(events: Sequence[Incident], shared: Mapping[tuple[SeriesKey, datetime], Incident]) -> list[Incident]:
    """Events that platforms share in one incident: the earliest one's; an event told before keeps its own."""
    key_of: dict[tuple[str, str], str] = {}
    for event in sorted((e for e in events if (e.series, e.start) in shared), key=lambda e: e.start):
        for member in shared[event.series, event.start].extra["members"]:
            key_of.setdefault((member["series"], member["start"]), event.key)
    return [
        replace(event, key=key_of.get((str(event.series), event.start.isoformat()), event.key))
        if event.anomaly_id is None
        else event
        for event in events
    ]


def event_of(kept: Incident) -> Event:
    """A kept event as the rules know it, as far as it is kept."""
    from analytics.anomalies import Event

    confirmed = kept.extra.get("confirmed_at")
    return Event(
        rule=kept.kind,  # type: ignore[arg-type]  # the caller has chosen events of rules
        start=kept.start,
        end=kept.last,
        confirmed_at=datetime.fromisoformat(confirmed) if confirmed else kept.start,
        duration_s=kept.duration_s,
        direction="below" if kept.direction == "below" else "above",
        severity=kept.severity,
        peak_at=kept.start,
        observed=_known(kept.observed),
        expected=_known(kept.expected),
        deviation=_known(kept.deviation),
        relative_deviation=float("nan"),
        excess=float("nan"),
        detection_method=kept.method,
        reason=kept.reason,
        is_open=kept.is_open,
        details={"kind": kept.extra.get("pattern")},
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def incident_of(key: SeriesKey, event: Event) -> Incident:
    """A rule's event as it is kept."""
    return Incident(
        start=event.start,
        series=key,
        kind=event.rule,
        severity=event.severity,
        observed=_finite(event.observed),
        expected=_finite(event.expected),
        deviation=_finite(event.deviation),
        duration_s=event.duration_s,
        method=event.detection_method,
        reason=event.reason,
        end=event.end,
        direction=event.direction,
        is_open=event.is_open,
        extra={
            "confirmed_at": event.confirmed_at.isoformat(),
            "excess": _finite(event.excess),
            "pattern": event.details.get("kind"),
        },
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def save_baselines(store: Store, judged: Sequence[Judged]) -> int:
    """Add what was expected at each whole hour since the last one kept (slower series: each reading); rows added."""
    import sqlalchemy as sa

    from analytics.store.journal import save_baselines as save
    from analytics.store.tables_config import baseline_history as table

    columns = (table.c.platform, table.c.metric_type, table.c.author_id, table.c.content_id)
    with store.begin() as connection:
        newest = sa.select(*columns, sa.func.max(table.c.time)).group_by(*columns)
        recent = newest.where(table.c.time >= sa.func.now() - sa.text("interval '60 days'"))
        last = {tuple(row[:4]): row[4] for row in connection.execute(recent)}
        rows = [row for entry in judged for row in _baseline_rows(entry, last)]
        return save(connection, rows) if rows else 0


def _baseline_rows(entry: Judged, last: Mapping[tuple[Any, ...], datetime]) -> list[dict[str, Any]]:
    if entry.baseline is None:
        return []
    key, base = entry.key, entry.baseline
    whole = base.times.astype("datetime64[h]").astype("datetime64[ns]") == base.times
    usable = whole & np.isfinite(base.expected) & np.isfinite(base.lower) & np.isfinite(base.upper)
    known = last.get((key.platform, key.metric_type, key.author_id, key.content_id))
    if known is not None:
        usable &= base.times > np.datetime64(known.astimezone(UTC).replace(tzinfo=None), "ns")
    told = {name: value for name, value in base.parameters.items() if isinstance(value, str | int | float | bool)}
    return [
        {
            "time": base.times[i].astype("datetime64[us]").item().replace(tzinfo=UTC),
            "platform": key.platform,
            "metric_type": key.metric_type,
            "content_id": key.content_id,
            "author_id": key.author_id,
            "baseline_value": float(base.expected[i]),
            "upper_bound": float(base.upper[i]),
            "lower_bound": float(base.lower[i]),
            "std_deviation": _finite(base.residual_scale[i]),
            "sample_size": int(base.sample_size[i]),
            "confidence": base.coverage,
            "algorithm": base.algorithm,
            "parameters": told,
        }
        for i in np.flatnonzero(usable)
    ]
