"""Read landed answers again with the parsers of today, and write only what differs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from analytics.adapters.base import Adapter
from analytics.adapters.http import json_of
from analytics.adapters.registry import load_adapter
from analytics.errors import InputError, MalformedResponse
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collect import require_platform
from analytics.model import Observation
from analytics.params import Params, load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Store


@dataclass(frozen=True, slots=True)
class Replayed:
    """What parsing landed answers again brought."""

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
            observations = [o for o in parsed(adapter, landed) if not metrics or o.metric_type in metrics]
        except MalformedResponse as exc:
            unread.append(str(exc))
            continue
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
    """The readings in a landed answer, by the adapter's parser as it is today."""
    parser = getattr(adapter, landed.parser, None) if landed.parser.startswith("parse_") else None
    payload, fault = (adapter.VENDOR.read or json_of)(landed.raw)
    if parser is None or fault:
        raise MalformedResponse(landed.platform, landed.call, fault or f"no parser {landed.parser!r} any more")
    observations: list[Observation] = parser(payload, account=landed.account, observed_at=landed.observed_at)
    return [replace(observation, platform=landed.platform) for observation in observations]
