"""Judge the newest readings of every series: what is normal, what is not, kept in the store with its incident.

Each series' model learns from the days before a fixed cut (the midnight before yesterday's end), so that all looks
within one day agree; what follows the cut is judged point by point with what came before it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.alerts import events as kept_events
from analytics.alerts import levels as kept_levels
from analytics.alerts.episodes import CROSS_HISTORY, EPISODE_GAP, _finite, incident_of, joined, together
from analytics.alerts.incidents import FORGOTTEN, Incident, grouped, merge
from analytics.definitions import definitions_of
from analytics.model import SeriesKey
from analytics.monitoring.breakouts import breakouts
from analytics.monitoring.days import day_zone_of
from analytics.monitoring.latest import Judged, Work, judge_recent
from analytics.params.files import Params, load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from analytics.store import Store

RECENT = timedelta(days=2)  # at least this long a stretch is judged: the pattern rule compares whole days
KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
SEVERAL = 200  # series read at a time


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
    if at is None:
        store.set_future_aside()
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


def _work(store: Store, params: Params, now: datetime, platforms: Sequence[str] | None) -> list[Work]:
    from analytics.definitions import break_time, breaks_between, definition_for, definitions_of
    from analytics.monitoring.watch import own_of, params_of

    known = definitions_of(params)
    own = own_of(store, params.baselines)
    levels = kept_levels.load(store)
    series = store.series(platforms=platforms)
    series = series[(series["last_time"] >= now - FORGOTTEN) & (series["first_time"] < now)]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    cut = midnight - (RECENT - timedelta(days=1))
    found: list[Work] = []
    for first in range(0, len(series), SEVERAL):
        part = series.iloc[first : first + SEVERAL]
        chosen = {key: params_of(params.baselines, key) for key in _keys(part)}
        longest = max((entry.window_days for entry in chosen.values()), default=30)
        since = cut - timedelta(days=longest + 1)
        frame = store.read_series(part["series_id"].tolist(), since, now)
        groups = {int(str(name)): group for name, group in frame.groupby("series_id")}
        for series_id, *names in part[KEY_COLUMNS].to_numpy(object):
            key = SeriesKey(*map(str, names))
            readings = groups.get(int(series_id))
            if readings is None:
                continue
            day_zone = day_zone_of(readings["time"])
            clock = day_zone or chosen[key].clock or params.alerts.timezone
            found.append(
                Work(
                    key=key,
                    definition=definition_for(key, known, now),
                    breaks=tuple(break_time(d, day_zone or "UTC") for d in breaks_between(key, known, since, now)),
                    times=readings["time"].dt.tz_localize(None).to_numpy("datetime64[ns]"),
                    readings=readings["value"].to_numpy(np.float64),
                    cut=cut,
                    at=now,
                    params=chosen[key],
                    own=own(key),
                    min_history_days=params.baselines.min_history_days,
                    timezone=clock,
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
