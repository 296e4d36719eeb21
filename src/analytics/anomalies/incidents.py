"""Events that belong together as one incident, and what may have caused it. Times are aware UTC."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from analytics.anomalies.events import Event, span
from analytics.model import SEVERITIES, SeriesKey, Severity

if TYPE_CHECKING:
    import pandas as pd

CauseKind = Literal["collector outage", "definition break", "content published", "others moving"]


@dataclass(frozen=True)
class Incident:
    """Events of one or several series that are one story."""

    incident_id: str
    members: tuple[tuple[SeriesKey, Event], ...]

    @property
    def start(self) -> datetime:
        """When the first event started."""
        return min(event.start for _, event in self.members)

    @property
    def end(self) -> datetime:
        """When the last event ended."""
        return max(event.end for _, event in self.members)

    @property
    def severity(self) -> Severity:
        """The worst of its events."""
        return max((event.severity for _, event in self.members), key=SEVERITIES.index)

    @property
    def is_open(self) -> bool:
        """Whether any event still goes on."""
        return any(event.is_open for _, event in self.members)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platforms concerned, by name."""
        return tuple(sorted({key.platform for key, _ in self.members}))

    @property
    def accounts(self) -> frozenset[tuple[str, str]]:
        """Platform and account of every series concerned."""
        return frozenset((key.platform, key.author_id) for key, _ in self.members)

    @property
    def title(self) -> str:
        """One line: the widest or worst event's reason, and how many more there are."""
        head = max(self.members, key=lambda m: (m[1].rule == "cross_platform", SEVERITIES.index(m[1].severity)))
        more = len(self.members) - 1
        return f"{head[0]}: {head[1].reason}" + (f" (and {more} more)" if more else "")


def group(
    events_by_series: Mapping[SeriesKey, Sequence[Event]],
    shared: Sequence[Event] = (),
    *,
    gap: timedelta = timedelta(hours=6),
    lag: timedelta = timedelta(hours=1),
) -> list[Incident]:
    """Incidents by start.

    Events of one series at most `gap` apart are one incident, whatever rule told them. So are events
    of one platform that start within `lag` of each other in the same direction, and the members
    of a cross-platform event of `shared`. An incident's id is made of its first series and start,
    so it stays the same while the incident grows.
    """
    members = sorted(
        ((key, event) for key, events in events_by_series.items() for event in events),
        key=lambda m: (m[1].start, str(m[0]), m[1].rule),
    )
    root = list(range(len(members)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in _links(members, shared, gap, lag):
        root[max(find(i), find(j))] = min(find(i), find(j))
    together: dict[int, list[tuple[SeriesKey, Event]]] = {}
    for i, member in enumerate(members):
        together.setdefault(find(i), []).append(member)
    return [Incident(_id(*parts[0]), tuple(parts)) for parts in together.values()]


def _links(
    members: Sequence[tuple[SeriesKey, Event]], shared: Sequence[Event], gap: timedelta, lag: timedelta
) -> Iterator[tuple[int, int]]:
    reach: dict[SeriesKey, tuple[int, datetime]] = {}
    last_start: dict[tuple[str, str], tuple[int, datetime]] = {}
    names: dict[tuple[str, str], int] = {}
    for i, (key, event) in enumerate(members):
        names.setdefault((str(key), event.start.isoformat()), i)
        if key in reach:
            before, until = reach[key]
            if event.start - until <= gap:
                yield before, i
                event_end = max(until, event.end)
            else:
                event_end = event.end
            reach[key] = i, event_end
        else:
            reach[key] = i, event.end
        side = key.platform, event.direction
        if side in last_start and event.start - last_start[side][1] <= lag:
            yield last_start[side][0], i
        last_start[side] = i, event.start
    for event in shared:
        listed = [names.get((m["series"], m["start"])) for m in event.details.get("members", ())]
        known = [i for i in listed if i is not None]
        yield from itertools.pairwise(known)


def _id(key: SeriesKey, event: Event) -> str:
    return hashlib.sha256(f"{key}|{event.start.isoformat()}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Cause:
    """Something that happened near the start and may explain it; a candidate, not a proof.

    `text` is a sentence; the rest are its parts, in another language: `about` is what the platform said, the new
    meaning, the title or the other incident's id, `seconds` how long the outage was or how long before the start it
    happened: below zero where the start is known by its day only.
    """

    kind: CauseKind
    at: datetime
    text: str
    platform: str = ""
    about: str = ""
    seconds: float = 0.0


def candidate_causes(
    incident: Incident,
    *,
    content: pd.DataFrame | None = None,
    breaks: pd.DataFrame | None = None,
    outages: pd.DataFrame | None = None,
    others: Iterable[Incident] = (),
    within: timedelta = timedelta(hours=24),
    step: timedelta = timedelta(0),
) -> list[Cause]:
    """What may have caused the incident, the most telling kind first, then the nearest in time.

    Args:
        content: `platform`, `account`, `published_at`, `title`; what the incident's own accounts published in the
            `within` before the start.
        breaks: `platform`, `metric_type`, `at`, `description`; changed definitions up to a day away.
        outages: `platform`, `account`, `start`, `end`, `reason`; the collector was ill during the incident.
        others: other incidents that start within `within` before this one; not those at the same time, or each
            would be the other's cause.
        step: how coarsely the start is known; what happened within it may have come before.
    """
    start, end = incident.start, incident.end
    causes: list[Cause] = []
    for row in _rows(outages, incident):
        if row["start"] <= end and row["end"] >= start - timedelta(hours=1):
            lasted = (row["end"] - row["start"]).total_seconds()
            text = f"{row['platform']}: {row['reason']} for {span(lasted)}"
            causes.append(Cause("collector outage", row["start"], text, row["platform"], row["reason"], lasted))
    metrics = {key.metric_type for key, _ in incident.members}
    for row in _rows(breaks, incident):
        if row["metric_type"] in metrics and abs(row["at"] - start) <= timedelta(days=1):
            text = f"{row['platform']} {row['metric_type']}: {row['description']}"
            causes.append(Cause("definition break", row["at"], text, row["platform"], row["description"]))
    for row in _rows(content, incident):
        ago = start - row["published_at"]
        if -step <= ago <= within:
            before = ago.total_seconds()
            text = f"{row['platform']}: {row['title']!r} published {_before(before)}"
            causes.append(Cause("content published", row["published_at"], text, row["platform"], row["title"], before))
    for other in others:
        ago = start - other.start
        if other.incident_id != incident.incident_id and -step < ago <= within and ago:
            about = other.incident_id
            causes.append(Cause("others moving", other.start, other.title, about=about, seconds=ago.total_seconds()))
    rank = ("collector outage", "definition break", "content published", "others moving")
    return sorted(causes, key=lambda c: (rank.index(c.kind), abs(c.at - start), c.text))


def _before(seconds: float) -> str:
    return f"{span(seconds)} before" if seconds >= 0 else "within its first step"


def _rows(frame: pd.DataFrame | None, incident: Incident) -> list[dict[str, Any]]:
    """Rows of the incident's platforms, and of its accounts where rows have one; times as aware datetimes."""
    if frame is None or frame.empty:
        return []
    told = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    if "account" in frame:
        return [row for row in told if (row["platform"], row["account"]) in incident.accounts]
    return [row for row in told if row["platform"] in incident.platforms]
