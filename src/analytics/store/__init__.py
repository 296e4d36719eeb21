"""The store: the embedded server, tables and migrations, the one write path, the reader, quarantine, lifecycle."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics.store.records import Collection, WriteResult
    from analytics.store.store import Store, open_store

__all__ = ["Collection", "Store", "WriteResult", "open_store"]
_HOMES = {
    "Collection": "analytics.store.records",
    "WriteResult": "analytics.store.records",
    "Store": "analytics.store.store",
    "open_store": "analytics.store.store",
}


def __getattr__(name: str) -> Any:
    """Import on first use: `analytics db status` needs the server's supervisor, not pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
