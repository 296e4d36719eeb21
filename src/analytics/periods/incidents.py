"""Incidents as a report tells them: events that belong together, with what may have caused them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from analytics.anomalies import Cause, CrossSettings, Event, Incident, candidate_causes, cross_platform, group
from analytics.definitions import break_time
from analytics.model import SeriesKey
from analytics.monitoring.judge import MonitoredSeries
from analytics.periods.evidence import Accounts, outages, published

if TYPE_CHECKING:
    from analytics.store import Store

DAY_S = 86400.0
CAUSE_WITHIN = timedelta(hours=6)


@dataclass(frozen=True)
class ToldIncident:
    """One incident as a report tells it: its events, and what may have caused it."""

    incident: Incident
    causes: tuple[Cause, ...]

    @property
    def worst(self) -> tuple[SeriesKey, Event]:
        """The member furthest from its baseline; of equals the first."""
        return max(self.incident.members, key=lambda member: abs(member[1].deviation))

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """The series concerned, in order of their first event."""
        return tuple(dict.fromkeys(key for key, _ in self.incident.members))

    @property
    def duration_s(self) -> float:
        """From the first event's start to the last one's end, at least the longest event."""
        longest = max(event.duration_s for _, event in self.incident.members)
        return max(longest, (self.incident.end - self.incident.start).total_seconds())


def told_incidents(
    store: Store, series: Sequence[MonitoredSeries], ours: Accounts, start: datetime, end: datetime
) -> tuple[ToldIncident, ...]:
    """Events grouped in time and over series and platforms, each with its candidate causes; `ours`: all accounts."""
    content, ill = published(store, ours, start, end), outages(store, ours, start, end)
    by_series = {one.key: one.events for one in series}
    daily = {one.key for one in series if one.step_s >= DAY_S}
    incidents = group(by_series, [*cross_platform(by_series), *_of_one_day(by_series, daily)])
    precise = [incident for incident in incidents if incident.members[0][0] not in daily]
    breaks = pd.DataFrame(
        {"platform": d.platform, "metric_type": d.metric_type, "at": break_time(d), "description": d.description}
        for one in series
        for d in one.breaks
    )
    return tuple(
        ToldIncident(
            incident,
            tuple(
                candidate_causes(
                    incident,
                    content=content,
                    breaks=breaks,
                    outages=ill,
                    others=precise,
                    within=CAUSE_WITHIN,
                    step=timedelta(seconds=DAY_S if incident.members[0][0] in daily else 0),
                )
            ),
        )
        for incident in incidents
    )


def _of_one_day(events: Mapping[SeriesKey, Sequence[Event]], daily: set[SeriesKey]) -> list[Event]:
    """What several platforms did on one day, beyond coincidence, where some are read by the day only."""
    if not daily:
        return []
    names = {str(key) for key in daily}
    found = cross_platform(events, settings=CrossSettings(lag=timedelta(seconds=DAY_S)))
    return [event for event in found if any(m["series"] in names for m in event.details["members"])]
