"""Tell people what was found, each thing once: thresholds, collectors' health, then every rule of `alerts.yaml`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.alerts import delivery, events, history, rules
from analytics.alerts.incidents import FORGOTTEN, HEALTH, Incident, grouped, merge
from analytics.jobs.collecting import collectors
from analytics.jobs.collecting.collectors import ill_health
from analytics.model import SeriesKey
from analytics.params.alerts import AlertRule, Alerts
from analytics.params.files import Params, load_params
from analytics.settings import Settings, credential

if TYPE_CHECKING:
    from analytics.store import Store

TOLD_FOR = timedelta(days=2)  # an incident that began earlier is no news, unless it is still open
HISTORY = timedelta(days=60)
OURS = (HEALTH, rules.THRESHOLD)  # kinds of incidents that are made here
KEY_COLUMNS = ["series_id", "platform", "metric_type", "content_id", "author_id"]


@dataclass(frozen=True)
class Alerted:
    """What was told; `seconds` from the start of the look to the last channel's answer."""

    sent: tuple[delivery.Delivery, ...]
    failed: tuple[delivery.Delivery, ...]
    suppressed: int
    open_incidents: int
    seconds: float


def alert(settings: Settings, store: Store, *, at: datetime | None = None) -> Alerted:
    """One look: update threshold and health incidents, then deliver what is due."""
    now = at or datetime.now(UTC)
    if at is None:
        store.set_future_aside()
    started = time.perf_counter()
    params = load_params(settings.params_dir)
    update(store, params, now, changed_at=collectors.changed_at(settings.params_dir))
    lately = events.load(store, since=now - TOLD_FOR)
    health = events.load(store, since=now - HISTORY, kinds=(HEALTH,))  # what it explains may have begun late in it
    current = [*lately, *(event for event in health if event.start < now - TOLD_FOR and not event.is_open)]
    accounts = {name: [account.id for account in platform.accounts] for name, platform in params.platforms.items()}
    notices = rules.due(params.alerts, current, history.load(store, since=now - HISTORY), now, accounts)
    claimed = history.claim(store, notices, now=now)
    quiet = [notice for notice in claimed if notice.suppressed]
    answers = delivery.send_all([n for n in claimed if not n.suppressed], params.alerts.channels, credential)
    lost = tuple(answer for answer in answers if answer.error)
    history.answered(store, answers, now=now + timedelta(seconds=time.perf_counter() - started))
    return Alerted(
        sent=tuple(answer for answer in answers if not answer.error),
        failed=lost,
        suppressed=len(quiet),
        open_incidents=len({event.key for event in current if event.is_open}),
        seconds=time.perf_counter() - started,
    )


def update(store: Store, params: Params, now: datetime, *, changed_at: datetime | None = None) -> list[Incident]:
    """Bring threshold and health incidents in line with the readings and collections; those that are over close.

    A threshold closes on a reading that is back, not between two readings. What somebody resolved while it lasts opens
    again, as a new incident.
    """
    crossed = thresholds(store, params.alerts, now)
    found = [*crossed.found, *ill_health(store, params, now, changed_at=changed_at)]
    ours = events.load(store, since=now, open_only=True, kinds=OURS)
    merged = [_lasting(event) for event in merge(found, ours, is_same=_is_same)]
    seen = {event.anomaly_id for event in merged}
    over = [
        replace(event, is_open=False, resolution=_why_over(event, params, crossed))
        for event in ours
        if event.anomaly_id not in seen and (event.method, event.series) not in crossed.undecided
    ]
    return events.save(store, [*grouped(_anew(store, merged, now)), *over], now=now)


def _is_same(old: Incident, new: Incident) -> bool:
    """A state that lasts is one, however long ago it was last seen."""
    return (old.same, old.method) == (new.same, new.method)


def _anew(store: Store, merged: list[Incident], now: datetime) -> list[Incident]:
    """States that opened, with a start of their own where they had been closed and never ended."""
    opened = [event.start for event in merged if event.anomaly_id is None]
    closed = events.load(store, since=min(opened), kinds=OURS) if opened else []
    taken = {(old.same, old.method, old.start) for old in closed}
    return [
        replace(new, start=now) if new.anomaly_id is None and (new.same, new.method, new.start) in taken else new
        for new in merged
    ]


def _why_over(event: Incident, params: Params, crossed: Crossed) -> str:
    platform = params.platforms.get(event.series.platform)
    collected = platform and platform.is_active and event.series.author_id in {a.id for a in platform.accounts}
    is_back = collected if event.kind == HEALTH else (event.method, event.series) in crossed.back
    return "back to normal" if is_back else "no longer watched"


def _lasting(event: Incident) -> Incident:
    """An open state lasts from when it was first seen until now."""
    if event.anomaly_id is None or event.end is None:
        return event
    return replace(event, duration_s=(event.end - event.start).total_seconds())


@dataclass(frozen=True)
class Crossed:
    """Readings beyond a rule's limit; by rule and series, those that are back, and those nothing new is known of."""

    found: list[Incident] = field(default_factory=list)
    back: set[tuple[str, SeriesKey]] = field(default_factory=set)
    undecided: set[tuple[str, SeriesKey]] = field(default_factory=set)


def thresholds(store: Store, alerts: Alerts, now: datetime) -> Crossed:
    """Every series of every threshold rule, as its newest readings are."""
    crossed = Crossed()
    for name, rule in alerts.rules.items():
        if rule.is_active and rule.condition == "threshold":
            for reading in _readings(store, rule, now):
                place = rules.threshold_method(name), reading.series
                event = rules.crossing(name, rule, reading)
                if event and reading.is_fresh(now):
                    crossed.found.append(event)
                elif event or rules.side_of(rule, reading.values[-1:]):
                    crossed.undecided.add(place)
                else:
                    crossed.back.add(place)
    return crossed


def _readings(store: Store, rule: AlertRule, now: datetime) -> Iterator[rules.Reading]:
    """The newest readings of each series a rule asks for; a series may be read less often than the rule's time."""
    watched = timedelta(minutes=rule.config.for_minutes)
    platforms = [rule.platform] if rule.platform else None
    series = store.series(platforms=platforms, metrics=[rule.metric] if rule.metric else None)
    series = series[series["last_time"] >= now - max(FORGOTTEN, watched)]
    is_recent = series["last_time"] >= now - watched
    for part, since in ((series[is_recent], now - watched), (series[~is_recent], now - max(FORGOTTEN, watched))):
        frame = store.read_series(part["series_id"].tolist(), since, now + timedelta(seconds=1))
        groups = {int(str(key)): group for key, group in frame.groupby("series_id")}
        for series_id, *names in part[KEY_COLUMNS].to_numpy(object):
            group = groups.get(int(series_id))
            if group is not None:
                at = group["time"].iloc[-1]
                yield rules.Reading(
                    series=SeriesKey(*map(str, names)),
                    at=at.to_pydatetime(),
                    values=tuple(group["value"][group["time"] >= at - watched]),
                    usual=timedelta(seconds=float(group["time"].diff().dt.total_seconds().median()))
                    if len(group) > 1
                    else None,
                    watched=watched,
                )
