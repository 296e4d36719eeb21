"""Keep alerts to their budget: choose each series' level from its own past, and say what was expected and seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analytics.alerts import events as kept_events
from analytics.alerts import levels as kept_levels
from analytics.anomalies import SINGLE_SERIES_RULES, Level, seen_per_week
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.days import day_zone_of
from analytics.monitoring.levels import HISTORY, LEAST_WEEKS, Past, level_of
from analytics.monitoring.watch import Own, Watch
from analytics.params.files import Params, load_params
from analytics.settings import Settings as Installation

if TYPE_CHECKING:
    import pandas as pd

    from analytics.store import Store

KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]
FORGOTTEN = timedelta(days=7)  # a series without a reading for this long keeps the level it has
SEVERAL = 200  # series read at a time
WORTH = 100  # series from which starting workers pays: each is judged over eight weeks


@dataclass(frozen=True)
class Budgeted:
    """What a series' alerts may be, were expected to be and were; rates a week, None where nothing is known yet."""

    key: SeriesKey
    level: Level | None
    seen_per_week: float

    def row(self) -> dict[str, str]:
        """As a table shows it."""
        level = self.level
        return {
            "series": str(self.key),
            "thresholds": f"{100 * level.factor:.0f} %" if level else "100 %",
            "budget a week": f"{level.budget_per_week:g}" if level else "",
            "expected a week": f"{level.expected_per_week:.1f}" if level else "not known yet",
            "seen a week": f"{self.seen_per_week:.1f}",
            "note": "" if level is None or level.kept else "over budget even at the highest level",
        }


def choose(installation: Installation, store: Store, *, at: datetime | None = None) -> Mapping[SeriesKey, Level]:
    """Choose and keep the level of every series with at least two judged weeks before `at` (None: now).

    Only whole days before `at` are looked at, and what is chosen holds for what comes after it. A series with less
    history keeps to 100 %.
    """
    from analytics.compute.engines import map_items

    now = at or datetime.now(UTC)
    chosen: dict[SeriesKey, Level] = {}
    for part in _past(store, load_params(installation.params_dir), now):
        chosen |= {key: level for key, level in map_items(installation, level_of, part, worth=WORTH) if level}
    kept_levels.save(store, chosen, at=now)
    return chosen


def budgeted(store: Store, *, at: datetime | None = None, days: float = 28) -> list[Budgeted]:
    """Each series' level beside the alerts a week really seen in the days before `at`; the loudest first."""
    now = at or datetime.now(UTC)
    since = now - timedelta(days=days)
    levels = kept_levels.load(store)
    told: dict[SeriesKey, list[datetime]] = {}
    for event in kept_events.load(store, since=since):
        if event.kind in SINGLE_SERIES_RULES:
            confirmed = event.extra.get("confirmed_at")
            told.setdefault(event.series, []).append(datetime.fromisoformat(confirmed) if confirmed else event.start)
    found = [
        Budgeted(key, levels.get(key), seen_per_week(told.get(key, ()), since, now))
        for key in sorted({*levels, *told}, key=str)
    ]
    return sorted(found, key=lambda entry: -entry.seen_per_week)


def said(found: Sequence[Budgeted]) -> str:
    """All series in one sentence."""
    levels = [entry.level for entry in found if entry.level]
    if not levels:
        return "No series has two judged weeks yet: all are judged at 100 %."
    expected = sum(level.expected_per_week for level in levels)
    seen = sum(entry.seen_per_week for entry in found if entry.level)
    budget = sum(level.budget_per_week for level in levels)
    return f"{len(levels)} series: {budget:.1f} alerts a week allowed in all, {expected:.1f} expected, {seen:.1f} seen."


def _past(store: Store, params: Params, now: datetime) -> Iterator[list[Past]]:
    """The history of every series that is old enough, some hundred at a time: eight weeks of all would fill memory."""
    from analytics.definitions import definitions_of
    from analytics.monitoring.watch import own_of

    until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    known = definitions_of(params)
    own = own_of(store, params.baselines)
    series = store.series()
    since_enough = until - timedelta(weeks=LEAST_WEEKS)
    series = series[(series["last_time"] >= until - FORGOTTEN) & (series["first_time"] <= since_enough)]
    for first in range(0, len(series), SEVERAL):
        part = series.iloc[first : first + SEVERAL]
        frame = store.read_series(part["series_id"].tolist(), until - HISTORY, until)
        groups = {int(str(name)): group for name, group in frame.groupby("series_id")}
        yield [
            _one(SeriesKey(*map(str, names)), groups[int(series_id)], params, known, own, until)
            for series_id, *names in part[KEY_COLUMNS].to_numpy(object)
            if int(series_id) in groups
        ]


def _one(
    key: SeriesKey,
    frame: pd.DataFrame,
    params: Params,
    known: Mapping[tuple[str, str], tuple[MetricDefinition, ...]],
    own: Callable[[SeriesKey], Own],
    until: datetime,
) -> Past:
    from analytics.definitions import breaks_between, definition_for
    from analytics.monitoring.watch import params_of

    chosen = params_of(params.baselines, key)
    watch = Watch(
        algorithm=chosen.algorithm,
        window_days=chosen.window_days,
        timezone=day_zone_of(frame["time"]) or chosen.clock or params.alerts.timezone,
        min_history_days=params.baselines.min_history_days,
        rules=(),  # events are counted at every level by `choose_levels`
        coverage=None if chosen.algorithm == "ewma" else chosen.coverage,
        parameters=chosen.parameters,
    )
    return Past(
        key=key,
        definition=definition_for(key, known, until),
        breaks=breaks_between(key, known, until - HISTORY, until),
        times=frame["time"].dt.tz_localize(None).to_numpy("datetime64[ns]"),
        readings=frame["value"].to_numpy(np.float64),
        until=until,
        watch=watch,
        own=own(key),
        alerts_per_week=params.baselines.alerts_per_week,
    )
