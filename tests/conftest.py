"""One real PostgreSQL server for the whole run, one fresh database for each test that asks for one."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from analytics.settings import Settings
from analytics.store.server import EmbeddedServer, parse_database_url
from analytics.store.server_client import libpq_url


@pytest.fixture(autouse=True)
def _no_settings_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the ANALYTICS_* variables of the shell it was started from."""
    for name in [name for name in os.environ if name.startswith("ANALYTICS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def reachable_dir() -> Iterator[Path]:
    """A folder below which embedded servers may lie.

    Not below pytest's own: root's server account must pass, and every pytest run closes that one anew (0700).
    """
    folder = Path(tempfile.mkdtemp(prefix="analytics-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(reachable_dir: Path) -> Iterator[URL]:
    """URL of a server on which databases may be made: ANALYTICS_TEST_DATABASE_URL, or an embedded one of this run."""
    if external := os.environ.get("ANALYTICS_TEST_DATABASE_URL"):
        yield parse_database_url(external)
        return
    server = EmbeddedServer(reachable_dir / "server")
    url = server.start()
    with connect(url) as connection:  # nothing here need outlive a power cut
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    server.stop()


@pytest.fixture
def database_url(postgres_server: URL) -> Iterator[URL]:
    """URL of an empty database of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    with connect(postgres_server) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.set(database=name)
    with connect(postgres_server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def settings(database_url: URL, tmp_path: Path) -> Settings:
    """Settings of an installation below `tmp_path`, with an empty database."""
    return Settings(
        home=tmp_path / "data",
        params_dir=tmp_path / "params",
        output_dir=tmp_path / "output",
        database_url=SecretStr(database_url.render_as_string(hide_password=False)),
        _env_file=None,
    )


def connect(url: URL) -> psycopg.Connection:
    """A connection in autocommit mode."""
    return psycopg.connect(libpq_url(url), autocommit=True)
