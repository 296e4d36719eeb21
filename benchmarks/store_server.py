"""A server and databases for the benchmarks of the store: a URL's, or an embedded one of this run alone."""

from __future__ import annotations

import resource
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from analytics.store.server.client import libpq_url
from analytics.store.server.supervisor import EmbeddedServer, parse_database_url


@contextmanager
def server(url: str | None, folder: str | None = None) -> Iterator[sa.URL]:
    """The server of `url`, or an embedded one that is gone afterwards."""
    if url:
        yield parse_database_url(url)
        return
    with tempfile.TemporaryDirectory(dir=folder) as place:
        Path(place).chmod(0o755)
        embedded = EmbeddedServer(Path(place) / "server")
        try:
            yield embedded.start()
        finally:
            embedded.stop()


@contextmanager
def database(url: sa.URL) -> Iterator[sa.URL]:
    """A database of its own, dropped afterwards."""
    name = f"benchmark_{secrets.token_hex(4)}"
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url.set(database=name)
    finally:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def memory_mb(usage: resource.struct_rusage) -> int:
    """Largest resident size so far, in megabytes."""
    return int(usage.ru_maxrss / 1024)
