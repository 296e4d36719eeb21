"""Read landed answers again with the parsers of today, and write only what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from analytics.adapters.base import Adapter, naming_faults
from analytics.adapters.http import json_of
from analytics.adapters.registry import load_adapter
from analytics.errors import InputError, MalformedResponse
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collecting.collect import require_platform
from analytics.model import Observation
from analytics.params.files import Params, load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Store


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
    """Parse a platform's landed answers again and write what differs; nobody is asked anything.

    Raises:
        InputError: the platform is not in params, or nothing was landed since then.
    """
    from analytics.store import Collection

    known = (params or load_params(settings.params_dir)).platforms
    require_platform(platform, known)
    adapter, metrics = load_adapter(known[platform].adapter), known[platform].metrics
    total, unread = Replayed(), []
    for landed in Landing(settings.landing_dir).read(platform, since=since, until=until):
        try:
            found = parsed(adapter, landed)
        except MalformedResponse as exc:
            unread.append(str(exc))
            continue
        unread += [f"{platform} {o.fault}" for o in found if o.fault and _is_asked(o, metrics)]
        observations = [o for o in found if not o.fault and _is_asked(o, metrics)]
        collection = Collection(
            platform, "replay", landed.account, landed.call, landed.api_version or None, landed.rate_limit_remaining
        )
        result = store.write(observations, collection)
        total = Replayed(
            total.answers + 1,
            total.written + result.written,
            total.corrected + result.corrected,
            total.duplicate + result.duplicate,
        )
    if not total.answers and not unread:
        raise InputError(f"{platform}: no answers landed since {since}; raw answers are kept for a limited time")
    return replace(total, unread=tuple(unread))


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
