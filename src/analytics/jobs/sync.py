"""Bring the store's tables to what params say: platforms, accounts, baselines, dated definitions, alert rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.params import Params
from analytics.store.sync import Change

if TYPE_CHECKING:
    from analytics.store import Store


def sync_params(store: Store, params: Params) -> list[Change]:
    """Upsert everything params name, with every definition the adapters know; say what changed."""
    from analytics.monitoring import definitions_of

    return store.sync(params, [definition for dated in definitions_of(params).values() for definition in dated])
