"""What each metric means, and since when: the adapters' definitions, those of exports, then what params add."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from analytics.adapters import exports, registry
from analytics.adapters.base import definition_in_force
from analytics.model import MetricDefinition, SeriesKey
from analytics.params.files import Params

if TYPE_CHECKING:
    pass


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


def break_time(definition: MetricDefinition, zone: str = "UTC") -> datetime:
    """Midnight of the day a meaning came into force: UTC, or of the zone that a series' days are told in."""
    return datetime.combine(definition.valid_from or date.min, time(), UTC if zone == "UTC" else ZoneInfo(zone))
