"""Read landed answers again with the parsers of today, and write only what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from analytics.adapters.base import Adapter, naming_faults
from analytics.adapters.http import json_of
from analytics.adapters.registry import load_adapter
from analytics.errors import InputError, MalformedResponse
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collecting.collect import require_platform
from analytics.model import Observation, SeriesKey
from analytics.params.files import Params, load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Collection, Store

Point = tuple[SeriesKey, datetime]
Given = tuple[datetime, str, Observation]  # when it was answered, for which account, and what


@dataclass(frozen=True, slots=True)
class Replayed:
    """What parsing landed answers again brought; `unread` names the answers and values that still cannot be read."""

    answers: int = 0
    written: int = 0
    corrected: int = 0
    duplicate: int = 0
    unread: tuple[str, ...] = field(default=())


def replay(
    settings: Settings,
    store: Store,
    platform: str,
    *,
    since: date,
    until: date | None = None,
    params: Params | None = None,
) -> Replayed:
    """Parse a platform's landed answers again and write what differs, all or nothing; nobody is asked anything.

    A point that answers of the interval give gets the value of the newest answer that gives it, also of one that came
    after the interval: a day's figure grows until it is final. What another source said later stays.

    Raises:
        InputError: the platform is not in params, or nothing was landed since then.
    """
    known = (params or load_params(settings.params_dir)).platforms
    require_platform(platform, known)
    adapter, metrics = load_adapter(known[platform].adapter), known[platform].metrics
    newest: dict[Point, Given] = {}
    answers, unread = 0, []
    for landed in Landing(settings.landing_dir).read(platform, since=since):
        is_meant = until is None or landed.observed_at.astimezone(UTC).date() <= until
        try:
            observations = [o for o in parsed(adapter, landed) if _is_asked(o, metrics)]
        except MalformedResponse as exc:
            unread += [str(exc)] if is_meant else []
            continue
        if is_meant:
            answers += 1
            unread += [f"{platform} {o.fault}" for o in observations if o.fault]
        for observation in observations:
            point = (observation.key, observation.observed_at)
            if observation.value is None or observation.fault or not (is_meant or point in newest):
                continue
            if point not in newest or landed.observed_at >= newest[point][0]:
                newest[point] = (landed.observed_at, landed.account, observation)
    if not answers and not unread:
        raise InputError(f"{platform}: no answers landed since {since}; raw answers are kept for a limited time")
    results = store.write_all(_collections(platform, newest.values()))
    return Replayed(
        answers,
        sum(result.written for result in results),
        sum(result.corrected for result in results),
        sum(result.duplicate for result in results),
        tuple(unread),
    )


def _collections(platform: str, given: Iterable[Given]) -> Iterator[tuple[list[Observation], Collection]]:
    """What each account's answers of one round gave, oldest first."""
    from analytics.store import Collection

    rounds: dict[tuple[datetime, str], list[Observation]] = {}
    for at, account, observation in given:
        rounds.setdefault((at, account), []).append(observation)
    for (at, account), observations in sorted(rounds.items(), key=lambda entry: entry[0]):
        yield observations, Collection(platform, "replay", account, "landed answers", as_of=at)


def parsed(adapter: Adapter, landed: Landed) -> list[Observation]:
    """The readings in a landed answer, and its faults, by the adapter's parser as it is today."""
    parser = getattr(adapter, landed.parser, None) if landed.parser.startswith("parse_") else None
    payload, fault = (adapter.VENDOR.read or json_of)(landed.raw)
    if parser is None or fault:
        raise MalformedResponse(landed.platform, landed.call, fault or f"no parser {landed.parser!r} any more")
    observations: list[Observation] = parser(payload, account=landed.account, observed_at=landed.observed_at)
    named = naming_faults(observations, landed.call)
    return [replace(observation, platform=landed.platform) for observation in named]


def _is_asked(observation: Observation, metrics: Sequence[str]) -> bool:
    return not metrics or not observation.metric_type or observation.metric_type in metrics
