"""Bring the store's tables to what params say: platforms, accounts, baselines, dated definitions, alert rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from analytics.adapters import exports, registry
from analytics.errors import ParamsError, nearest
from analytics.params.files import Params
from analytics.store.sync import Change, own_definitions

if TYPE_CHECKING:
    from analytics.store import Store


def sync_params(store: Store, params: Params) -> list[Change]:
    """Upsert everything params name, with every definition the adapters know; say what changed.

    Raises:
        ParamsError: an alert rule or a baseline is for a platform or metric that nothing brings.
    """
    from analytics.definitions import definitions_of

    known = definitions_of(params)
    stored = store.series()[["platform", "metric_type"]].drop_duplicates()
    check_names(params, {*known, *stored.itertuples(index=False, name=None)})
    return store.sync(params, [definition for dated in known.values() for definition in dated])


def check_names(params: Params, known: Collection[tuple[str, str]]) -> None:
    """Raise `ParamsError` where an alert rule or a baseline names a platform or metric that is not known.

    It would watch nothing, silently.

    Args:
        known: platform and metric of all that is collected, can be, or is stored.
    """
    named = [(f"alerts.yaml: rules.{name}", rule.platform, rule.metric) for name, rule in params.alerts.rules.items()]
    named += [(f"baselines.yaml: series.{i}", e.platform, e.metric) for i, e in enumerate(params.baselines.series)]
    platforms = {*params.platforms, *(platform for platform, _ in known)}
    for where, platform, metric in named:
        if platform is not None and platform not in platforms:
            raise ParamsError(f"{where}.platform: {platform!r} is unknown; {nearest(platform, platforms)}")
        metrics = {one for owner, one in known if platform in (None, owner)}
        if metric is not None and metric not in metrics:
            raise ParamsError(f"{where}.metric: {metric!r} is unknown; {nearest(metric, metrics)}")


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
