"""Which incident is told to whom, and when: pure decisions over incidents, params and what was told before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal

from analytics.alerts.incidents import HEALTH, Incident, mutes, worst
from analytics.model import SEVERITIES, SeriesKey, Severity, zone_of
from analytics.params.alerts import AlertRule, Alerts

TREND_KINDS = ("trend",)
ANOMALY_KINDS = ("statistical", "pattern", "cross_platform", "trend", HEALTH)
THRESHOLD = "threshold"
SENDING = "sending"  # claimed, and its channel has not answered yet
JUST_OVER = timedelta(hours=2)
UNANSWERED = timedelta(minutes=4)  # longer than a channel may take; then whoever claimed the message is dead


@dataclass(frozen=True)
class Notice:
    """One message to one channel about one incident; `suppressed` says why it is noted and not sent."""

    rule: str
    channel: str
    key: str
    severity: Severity
    events: tuple[Incident, ...]
    stage: Literal["first", "worse", "again", "escalated"] = "first"
    suppressed: str = ""

    @property
    def told_as(self) -> str:
        """Under which name the history keeps it: each stage of each severity, and the end of each snooze, once."""
        until = snoozed_until(self.events)
        return {
            "first": self.key,
            "worse": f"{self.key}!{self.severity}",
            "again": f"{self.key}!{until:%Y%m%d-%H%M%S}" if until else self.key,
            "escalated": f"{self.key}!escalated",
        }[self.stage]


@dataclass(frozen=True)
class Told:
    """A line of the history."""

    key: str
    rule: str
    channel: str
    status: str
    at: datetime
    severity: Severity = "low"


def due(
    alerts: Alerts,
    incidents: Sequence[Incident],
    told: Iterable[Told],
    now: datetime,
    accounts: Mapping[str, Collection[str]] = {},
) -> list[Notice]:
    """What is to be told now; nothing that was told (or noted as suppressed) before.

    An incident is told once a rule and channel while it is open or just over, again when it becomes worse or a snooze
    ends, and to `escalate_to` when nobody has acknowledged it for `escalate_after_minutes`. Snoozed, acknowledged,
    muted and rejected incidents are silent, quiet hours let only critical ones through (the rest waits for the
    morning), and a collector's ill health mutes the data it explains, for as long as it explains them.

    Args:
        accounts: by platform, those that are collected.
    """
    lines = list(told)
    history = {(entry.key, entry.rule, entry.channel): entry for entry in lines if is_told(entry, now)}
    heard = {place: entry for place, entry in history.items() if entry.status != "suppressed"}
    tried = {(entry.key, entry.rule, entry.channel) for entry in lines if not is_told(entry, now)}
    health = [event for event in incidents if event.kind == HEALTH]
    notices: list[Notice] = []
    for name, rule in alerts.rules.items():
        if not rule.is_active:
            continue
        for key, events in by_key(event for event in incidents if matches(name, rule, event)).items():
            causes = [mutes(health, event, accounts.get(event.series.platform, ()), now=now) for event in events]
            cause = causes[0] if all(causes) else None
            for notice in _stages(name, rule, key, events, history if cause else heard, now):
                if notice.stage == "first" and not (
                    (key, name, notice.channel) in tried or is_news(alerts, events, now)
                ):
                    continue
                if cause:
                    notices.append(replace(notice, suppressed=f"explained by {cause.key}: {cause.reason}"))
                elif not is_quiet(alerts, now) or notice.severity == "critical":
                    notices.append(notice)
    return notices


def is_news(alerts: Alerts, events: Sequence[Incident], now: datetime) -> bool:
    """Whether an incident nobody has heard of is worth it: open, over for two hours at most, or over in the night."""
    ended = max(max(event.last, event.confirmed_at or event.last) for event in events)
    lately = now - JUST_OVER
    return (
        any(event.is_open for event in events)
        or ended >= lately
        or (is_quiet(alerts, ended) and is_quiet(alerts, lately) and now - ended < timedelta(days=1))
    )


def snoozed_until(events: Iterable[Incident]) -> datetime | None:
    """Until when an incident is to be left alone."""
    return max((event.snoozed_until for event in events if event.snoozed_until), default=None)


def is_told(entry: Told, now: datetime) -> bool:
    """Whether a line of the history stands for a message that came, is noted as suppressed, or is under way."""
    return entry.status != "failed" and not (entry.status == SENDING and now - entry.at >= UNANSWERED)


def by_key(events: Iterable[Incident]) -> dict[str, tuple[Incident, ...]]:
    """Events by incident, the worst first."""
    found: dict[str, list[Incident]] = {}
    for event in events:
        found.setdefault(event.key, []).append(event)
    order = SEVERITIES.index
    return {key: tuple(sorted(group, key=lambda e: -order(e.severity))) for key, group in found.items()}


def matches(name: str, rule: AlertRule, event: Incident) -> bool:
    """Whether an event is what a rule asks for: platform, metric, kind, and at least its severity."""
    if rule.condition == "threshold":
        return event.kind == THRESHOLD and event.method == threshold_method(name)
    kinds = TREND_KINDS if rule.condition == "trend" else ANOMALY_KINDS
    return (
        event.kind in kinds
        and rule.platform in (None, event.series.platform)
        and (rule.metric in (None, event.series.metric_type) or event.kind == HEALTH)
        and SEVERITIES.index(event.severity) >= SEVERITIES.index(rule.severity)
    )


def _stages(
    name: str,
    rule: AlertRule,
    key: str,
    events: tuple[Incident, ...],
    history: Mapping[tuple[str, str, str], Told],
    now: datetime,
) -> Iterator[Notice]:
    severity, until = worst(events), snoozed_until(events)
    if any(e.acknowledged_by or e.is_muted for e in events) or (until and until > now):
        return
    is_open = any(event.is_open for event in events)
    first_told: list[datetime] = []
    for channel in rule.channels:
        before = history.get((key, name, channel))
        if before is None:
            yield Notice(name, channel, key, severity, events)
            continue
        first_told.append(before.at)
        worse = Notice(name, channel, key, severity, events, "worse")
        heard = [t.severity for (k, r, c), t in history.items() if k.split("!")[0] == key and (r, c) == (name, channel)]
        if all(SEVERITIES.index(severity) > SEVERITIES.index(h) for h in heard):
            yield worse
        elif until and is_open and before.at < until:
            again = Notice(name, channel, key, severity, events, "again")
            if (again.told_as, name, channel) not in history:
                yield again
    patience = rule.escalate_after_minutes
    if patience and is_open and first_told and now - min(first_told) >= timedelta(minutes=patience):
        for channel in rule.escalate_to:
            notice = Notice(name, channel, key, severity, events, "escalated")
            if (notice.told_as, name, channel) not in history:
                yield notice


def is_quiet(alerts: Alerts, now: datetime) -> bool:
    """Whether `now` lies within the quiet hours, which may span midnight."""
    if alerts.quiet_hours is None:
        return False
    begin, end = (time.fromisoformat(text) for text in alerts.quiet_hours)
    clock = now.astimezone(zone_of(alerts.timezone)).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


@dataclass(frozen=True)
class Reading:
    """A series' newest reading with those before it within the rule's time, oldest first.

    `usual` is the series' own interval; None where one reading is all there is.
    """

    series: SeriesKey
    at: datetime
    values: tuple[float, ...]
    usual: timedelta | None = None
    watched: timedelta = timedelta(minutes=60)

    def is_fresh(self, now: datetime) -> bool:
        """Whether it says how things are: it lies in the rule's time, or the next one is not long overdue."""
        wait = timedelta(days=1) if self.usual is None else 2 * self.usual
        return now - self.at <= max(self.watched, wait)


def crossing(name: str, rule: AlertRule, reading: Reading) -> Incident | None:
    """What a rule's limit has to say where every reading of its time is beyond it."""
    side = side_of(rule, reading.values)
    limit = rule.config.above if side == "above" else rule.config.below
    if side is None or limit is None:
        return None
    return Incident(
        start=reading.at,
        series=reading.series,
        kind=THRESHOLD,
        severity=rule.severity,
        observed=reading.values[-1],
        expected=limit,
        method=threshold_method(name),
        reason=f"{reading.values[-1]:g} is {side} the limit of {limit:g}",
        end=reading.at,
        direction=side,
        is_open=True,
    )


def side_of(rule: AlertRule, values: Sequence[float]) -> Literal["above", "below"] | None:
    """On which side of the rule's limits all values are; None: within them, on both, or there is none."""
    above, below = rule.config.above, rule.config.below
    if values and above is not None and all(value > above for value in values):
        return "above"
    return "below" if values and below is not None and all(value < below for value in values) else None


def threshold_method(name: str) -> str:
    """What marks a threshold incident as a rule's own."""
    return f"{THRESHOLD}:{name}"
