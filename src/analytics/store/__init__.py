"""The store: the embedded server, tables and migrations, the one write path, the reader, quarantine, lifecycle."""

from analytics.store.records import Collection, WriteResult
from analytics.store.store import Store, open_store

__all__ = ["Collection", "Store", "WriteResult", "open_store"]
