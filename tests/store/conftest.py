"""A store on an empty database of the test's own, and frames to write into it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from analytics.store import Store
from analytics.store.engine import make_engine
from analytics.store.server.supervisor import EmbeddedServer


@pytest.fixture
def store(database_url: URL) -> Iterator[Store]:
    with Store(make_engine(database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def stopped(reachable_dir: Path) -> EmbeddedServer:
    """A server once started and stopped, to be copied: initdb writes a thousand files to the disk each time."""
    server = EmbeddedServer(reachable_dir / "stopped")
    server.start()
    server.stop()
    return server


def copy_server(stopped: EmbeddedServer, data_dir: Path) -> EmbeddedServer:
    """A server of its own with the same content."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(stopped.data_dir, data_dir)
    stopped.account.own(data_dir)
    return EmbeddedServer(data_dir)
