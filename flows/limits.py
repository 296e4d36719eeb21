"""Limits that all workers share, kept by the Prefect server: calls to a platform, runs that need much memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.params import Params

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


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


def apply(client: SyncPrefectClient, params: Params) -> list[str]:
    """Make or change the limits; return their names. One whose platform has no rate any more is removed."""
    named = wanted(params)
    for name, (slots, per_second) in named.items():
        client.upsert_global_concurrency_limit_by_name(name, slots, per_second)
    for existing in client.read_global_concurrency_limits(limit=200, offset=0):
        if existing.name.startswith(limit_name("")) and existing.name not in named:
            client.delete_global_concurrency_limit_by_name(existing.name)
    return list(named)
