"""Tell people what was found, each thing once: thresholds, collectors' health, then every rule of `alerts.yaml`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from analytics.alerts import delivery, events, history, rules
from analytics.alerts.incidents import HEALTH, Incident, grouped, merge
from analytics.model import SeriesKey
from analytics.params import Alerts, Params, Platform, load_params
from analytics.settings import Settings, credential

if TYPE_CHECKING:
    from analytics.store import Store

TOLD_FOR = timedelta(days=2)  # an incident that began earlier is no news, unless it is still open
HISTORY = timedelta(days=60)

HEALTH_QUERY = """
SELECT platform, account,
       max(started_at) FILTER (WHERE outcome IN ('ok', 'partial')) AS last_good,
       max(started_at) AS last_try,
       min(started_at) AS first_try,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       (array_agg(error ORDER BY started_at DESC) FILTER (WHERE outcome = 'failed'))[1] AS error
FROM collections
WHERE method IN ('api', 'feed') AND started_at > :since AND started_at <= :now
GROUP BY platform, account
"""


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
    started = time.perf_counter()
    params = load_params(settings.params_dir)
    update(store, params, now)
    current = events.load(store, since=now - TOLD_FOR)
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


def update(store: Store, params: Params, now: datetime) -> list[Incident]:
    """Bring threshold and health incidents in line with the readings and collections; those that are over close."""
    found = [*thresholds(store, params.alerts, now), *ill_health(store, params, now)]
    kept = [e for e in events.load(store, since=now - TOLD_FOR) if e.kind in (HEALTH, rules.THRESHOLD)]
    ours = [event for event in kept if event.is_open]
    merged = grouped([_lasting(event) for event in merge(found, ours)])
    over = events.closed(ours, merged, {event.series for event in ours})
    return events.save(store, [*merged, *over], now=now)


def _lasting(event: Incident) -> Incident:
    """An open state lasts from when it was first seen until now."""
    if event.anomaly_id is None or event.end is None:
        return event
    return replace(event, duration_s=(event.end - event.start).total_seconds())


def thresholds(store: Store, alerts: Alerts, now: datetime) -> Iterator[Incident]:
    """Readings beyond a rule's limit."""
    for name, rule in alerts.rules.items():
        if rule.is_active and rule.condition == "threshold":
            minutes = rule.config.get("for_minutes", 60)
            since = now - timedelta(minutes=float(minutes))
            platforms = [rule.platform] if rule.platform else None
            series = store.series(platforms=platforms, metrics=[rule.metric] if rule.metric else None)
            series = series[series["last_time"] >= since]
            frame = store.read_series(series["series_id"].tolist(), since, now + timedelta(seconds=1))
            values = {int(str(key)): group for key, group in frame.groupby("series_id")}
            columns = ["series_id", "platform", "metric_type", "content_id", "author_id"]
            readings = []
            for series_id, *names in series[columns].to_numpy(object):
                group = values.get(int(series_id))
                if group is not None:
                    at = group["time"].iloc[-1].to_pydatetime()
                    readings.append(rules.Reading(SeriesKey(*map(str, names)), at, tuple(group["value"])))
            yield from rules.crossings(name, rule, readings)


def ill_health(store: Store, params: Params, now: datetime) -> list[Incident]:
    """Accounts whose collection has failed or been silent for several polls in a row."""
    with store.begin() as connection:
        tried = connection.execute(sa.text(HEALTH_QUERY), {"since": now - timedelta(days=2), "now": now}).mappings()
        known = {(row["platform"], row["account"]): dict(row) for row in tried}
    found = []
    for name, platform in params.platforms.items():
        if not platform.is_active:
            continue
        patience = patience_of(platform, params.alerts.silent_after_polls, now)
        for account in platform.accounts:
            row = known.get((name, account.id))
            if row and (problem := problem_of(row, patience, now)):
                since, reason, severity = problem
                found.append(
                    Incident(
                        start=since,
                        series=SeriesKey(name, "", "", account.id),
                        kind=HEALTH,
                        severity="high" if severity else "medium",
                        method="collections",
                        reason=reason,
                        end=now,
                        direction="silent",
                        is_open=True,
                    )
                )
    return found


def patience_of(platform: Platform, polls: float, now: datetime) -> timedelta:
    """How long a platform may be without a good round: some of its polls, at least ten minutes."""
    from cronsim import CronSim

    times = CronSim(platform.schedule, now)
    first = next(times)
    return max(timedelta(minutes=10), polls * (next(times) - first))


def problem_of(row: Mapping[str, Any], patience: timedelta, now: datetime) -> tuple[datetime, str, bool] | None:
    """Since when an account is ill, why, and whether it is refused (rather than silent); None where it is well."""
    good: datetime | None = row["last_good"]
    since = good or row["first_try"]
    if now - since < patience:
        return None
    minutes = (now - since).total_seconds() / 60
    if row["error"] and (good is None or row["last_try"] > good):
        return since, f"nothing collected for {minutes:.0f} minutes: {row['error']}", True
    return since, f"not asked for {minutes:.0f} minutes: is the runner up?", False
