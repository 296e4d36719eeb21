"""What a simulated platform is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Floats, Flow
from analytics.simulator.posts import Post, Publishing
from analytics.simulator.world import World

Figures = dict[str, Floats]


def _same(account: str, _metric: str) -> str:
    return account


def _as_they_are(_post: Post, figures: Figures) -> Figures:
    return figures


def _no_contents(_world: World, _post: Post) -> str:
    raise NotImplementedError("this platform has no contents")


@dataclass(frozen=True)
class Platform:
    """One platform.

    Args:
        account: one to try.
        flows: what happens, by name; counters unless the name also stands in `daily` or `intervals`.
        routes: (method, path, handler), below the platform's own path.
        token_of: the credential a request carries, None for none; `revoked` is refused before any handler.
        refusal: how the vendor words 401, 403, 404, 429 and 5xx.
        limit: calls a token may make.
        daily: metrics the vendor gives by day of `day_zone`: (world, account, begin, end) → figure.
        levels: counts found in another way: (world, account, at) → figure.
        intervals: flows that are counted per 5 minutes instead of added up.
        shown: how a counter is rounded for the public.
        subject_of: whose figure (account, metric) is, mostly the account's own.
        publishing: what accounts publish; None: nothing.
        content_id: what the platform calls a post.
        figures_of: a post's figures as the platform shows them, from those in `publishing`.
    """

    account: str
    flows: Mapping[str, Flow]
    routes: tuple[tuple[str, str, Callable[[Call], Reply]], ...]
    token_of: Callable[[Call], str | None]
    refusal: Callable[[int, Call], Reply]
    limit: Limit
    daily: Mapping[str, Callable[[World, str, datetime, datetime], float]] = field(default_factory=dict)
    day_zone: str = "UTC"
    levels: Mapping[str, Callable[[World, str, datetime], float]] = field(default_factory=dict)
    intervals: frozenset[str] = frozenset()
    shown: Mapping[str, Callable[[Floats], Floats]] = field(default_factory=dict)
    subject_of: Callable[[str, str], str] = _same
    publishing: Publishing | None = None
    content_id: Callable[[World, Post], str] = _no_contents
    figures_of: Callable[[Post, Figures], Figures] = _as_they_are
