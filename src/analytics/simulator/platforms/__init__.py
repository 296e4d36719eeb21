"""One module a platform: its `FLOWS`, its routes, and how it words limits and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from analytics.errors import InputError
from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Flow
from analytics.simulator.world import World

Daily = Callable[[World, str, datetime, datetime], float]


class Platform(Protocol):
    """What a module of this package holds.

    `DAILY` are metrics the vendor gives by UTC day, `INTERVALS` those counted per 5 minutes; the
    other flows are counters. `ROUTES` are (method, path, handler).
    """

    FLOWS: Mapping[str, Flow]
    DAILY: Mapping[str, Daily]
    INTERVALS: frozenset[str]
    LIMIT: Limit
    ROUTES: tuple[tuple[str, str, Callable[[Call], Reply]], ...]

    def subject_of(self, account: str, metric: str) -> str:
        """Whose figure an account's metric is, mostly the account's own."""
        ...

    def token_of(self, call: Call) -> str | None:
        """The credential the request carries."""
        ...

    def refusal(self, status: int, call: Call) -> Reply:
        """How the vendor words 401, 403, 404, 429 and 5xx."""
        ...


def names() -> tuple[str, ...]:
    """The platforms that can be simulated, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load(name: str) -> Platform:
    """The module of that platform; raise `InputError` if there is none."""
    if name not in names():
        raise InputError(f"simulator: no platform {name!r}; it has {', '.join(names())}")
    return cast(Platform, import_module(f"{__name__}.{name}"))
