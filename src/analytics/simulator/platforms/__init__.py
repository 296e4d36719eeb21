"""One module a platform, each with a `PLATFORM`: its figures, its routes, how it words limits and refusals."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from analytics.errors import InputError
from analytics.simulator.platform import Platform
from analytics.simulator.world import World


def names() -> tuple[str, ...]:
    """The platforms that can be simulated, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def load(name: str) -> Platform:
    """The platform of that name; raise `InputError` if there is none."""
    if name not in names():
        raise InputError(f"simulator: no platform {name!r}; it has {', '.join(names())}")
    platform: Platform = import_module(f"{__name__}.{name}").PLATFORM
    return platform


def world_of(seed: int = 7) -> World:
    """Everything that happened on these platforms, for one seed."""
    return World(seed, load)
