"""Bring the store's tables to what params say: platforms, accounts, baselines, dated definitions, alert rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from analytics.adapters import exports, registry
from analytics.params import Params
from analytics.store.sync import Change, own_definitions

if TYPE_CHECKING:
    from analytics.store import Store


def sync_params(store: Store, params: Params) -> list[Change]:
    """Upsert everything params name, with every definition the adapters know; say what changed."""
    from analytics.monitoring import definitions_of

    return store.sync(params, [definition for dated in definitions_of(params).values() for definition in dated])


def define(store: Store, platforms: Collection[str], params: Params | None = None) -> int:
    """Make sure the store knows what these platforms' metrics mean; return how many meanings were new.

    Whoever writes readings calls it first: without it a reading has no `definition_id`, and the check nothing to hold
    its value against. Of params it takes nothing but their adapters and definitions: the rest is `sync_params`'.
    """
    entries = params.platforms if params else {}
    built_in = {name: name for name in platforms if name in registry.built_in()}
    adapters = built_in | {name: entries[name].adapter for name in platforms if name in entries}
    found = list(registry.definitions(adapters))
    known = {(d.platform, d.metric_type) for d in found}
    imported = (d for d in exports.definitions() if d.platform in platforms)
    found += [d for d in imported if (d.platform, d.metric_type) not in known]
    found += [d for d in own_definitions(params or Params()) if d.platform in platforms]
    return store.define(found)
