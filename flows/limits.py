"""Limits that all workers share, kept by the Prefect server: calls to a platform, reports made at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.exceptions import ObjectNotFound

from analytics.errors import TransientSourceError
from analytics.params.files import Params

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

# Reports made at once: fewer than a runner has slots, so that platforms are asked whatever the reports do.
LANES = 2


def limit_name(platform: str) -> str:
    """Name of a platform's limit."""
    return f"calls-{platform}"


def wanted(params: Params) -> dict[str, tuple[int, float]]:
    """Slots and slots returned a second, by name.

    A platform with `calls_per_second` gets a bucket that refills at that rate; `burst` calls may come at once.
    """
    return {
        limit_name(name): (platform.burst, platform.calls_per_second)
        for name, platform in params.platforms.items()
        if platform.calls_per_second
    }


def turns(params: Params) -> dict[str, Callable[[], None]]:
    """By platform with a limit, a function that takes one slot and waits until there is one.

    Raises (when called):
        TransientSourceError: the limit is not there, or the server that keeps it cannot be reached.
    """
    return {name: partial(take_turn, name) for name, entry in params.platforms.items() if entry.calls_per_second}


def take_turn(platform: str) -> None:
    """Wait for a slot of the platform's limit."""
    from prefect.concurrency.sync import rate_limit

    try:
        rate_limit(limit_name(platform), strict=True)
    except Exception as exc:  # whatever keeps the server from answering, no call may go out uncounted
        raise TransientSourceError(platform, limit_name(platform), f"no slot: {type(exc).__name__}: {exc}") from exc


def apply(client: SyncPrefectClient, params: Params) -> list[str]:
    """Make or change the limits; return their names. One whose platform has no rate any more is removed."""
    named = wanted(params)
    for name, (slots, per_second) in named.items():
        client.upsert_global_concurrency_limit_by_name(name, slots, per_second)
    for existing in client.read_global_concurrency_limits(limit=200, offset=0):
        if existing.name.startswith(limit_name("")) and existing.name not in named:
            client.delete_global_concurrency_limit_by_name(existing.name)
    return list(named)


def lane_of(params: Params, report: str) -> str:
    """The limit that a report's runs share with other reports'.

    Each lane makes one report at a time. All deployments of one report are in the same lane: two runs of a month would
    write the same files.
    """
    return f"reports-{sorted(params.reports).index(report) % LANES + 1}"


def keep_to_lanes(client: SyncPrefectClient, params: Params, reports: Sequence[tuple[UUID, str]]) -> None:
    """Put the deployments of reports into their lanes, in place of the limit that each came with."""
    for deployment_id, report in reports:
        lane = lane_of(params, report)
        client.upsert_global_concurrency_limit_by_name(lane, 1)
        _limit_by(client, deployment_id, str(client.read_global_concurrency_limit_by_name(lane).id))
        with suppress(ObjectNotFound):
            client.delete_global_concurrency_limit_by_name(f"deployment:{deployment_id}")


def leave_lane(client: SyncPrefectClient, deployment_id: UUID) -> None:
    """Before a deployment is removed: the server would remove its lane with it."""
    _limit_by(client, deployment_id, None)


def _limit_by(client: SyncPrefectClient, deployment_id: UUID, limit_id: str | None) -> None:
    # the server has this field (Prefect 3.8), the client's models do not
    wanted = {"global_concurrency_limit_id": limit_id}
    client.request("PATCH", "/deployments/{id}", path_params={"id": deployment_id}, json=wanted)
