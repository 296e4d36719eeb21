"""Find an adapter: built in by name, by entry point `analytics.platforms`, or by dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, cast

from analytics.adapters import platforms as package
from analytics.adapters.base import Adapter
from analytics.errors import ParamsError
from analytics.model import MetricDefinition

ENTRY_POINTS = "analytics.platforms"
REQUIRED = ("NAME", "VENDOR", "DEFINITIONS", "collect")


def built_in() -> tuple[str, ...]:
    """Names of the platforms that come with the package, sorted."""
    names = (module.name for module in iter_modules(package.__path__))
    return tuple(sorted(name for name in names if not name.endswith("_answers")))


def load_adapter(name: str) -> Adapter:
    """The adapter of that name.

    Raises:
        ParamsError: there is none, it cannot be imported, or it lacks part of the contract.
    """
    module = _module(name)
    missing = [part for part in REQUIRED if not hasattr(module, part)]
    if missing:
        raise ParamsError(f"adapter {name!r}: has no {', '.join(missing)}; see docs/adding-a-platform.md")
    return cast(Adapter, module)


def definitions(adapters: Mapping[str, str] | None = None) -> Iterator[MetricDefinition]:
    """Every definition of the adapters given (platform → adapter name), or of all built-in ones.

    A platform that params give another name than its adapter's has the definitions under its own.
    """
    for platform, name in ({name: name for name in built_in()} if adapters is None else adapters).items():
        for definition in load_adapter(name).DEFINITIONS:
            yield definition if definition.platform == platform else replace(definition, platform=platform)


def _module(name: str) -> ModuleType | Any:
    if name in built_in():
        return import_module(f"{package.__name__}.{name}")
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return _imported(name, entry.load)
    if "." in name:
        return _imported(name, lambda: import_module(name))
    raise ParamsError(
        f"adapter {name!r}: unknown; expected one of {', '.join(built_in())}, "
        f"an entry point of the group {ENTRY_POINTS}, or a dotted module path"
    )


def _imported(name: str, load: Any) -> Any:
    try:
        return load()
    except (ImportError, AttributeError) as exc:
        raise ParamsError(f"adapter {name!r}: cannot be imported ({exc})") from exc
