"""One real PostgreSQL server for the whole run, one fresh database for each test that asks for one."""

from __future__ import annotations

import os
import secrets
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
def reachable_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for embedded servers: with root's, the server's account cannot pass through pytest's private ones."""
    folder = tmp_path_factory.mktemp("pg")
    if os.geteuid() == 0:
        for part in (folder, *folder.parents):
            if part.is_relative_to(tmp_path_factory.getbasetemp()) or "/pytest-of-" in str(part):
                part.chmod(part.stat().st_mode | 0o011)
    return folder


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
