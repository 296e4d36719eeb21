"""One real PostgreSQL server for the whole run, one fresh database for each test that asks for one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from analytics.settings import Settings
from analytics.store.engine import make_engine
from analytics.store.migrate import upgrade
from analytics.store.server.client import libpq_url
from analytics.store.server.supervisor import EmbeddedServer, parse_database_url

# few examples in every run; many where a parser or a model changes: pytest --hypothesis-profile thorough
hypothesis.settings.register_profile("daily", max_examples=15)
hypothesis.settings.register_profile("thorough", max_examples=500)
hypothesis.settings.load_profile("daily")


UP = "tests/flows"  # all on one installation that is up, which takes a minute to start


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest go first, or a worker that gets one at the end is waited for."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(UP), item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a file to one worker, and the folder `UP`, so that what their tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return UP if nodeid.startswith(UP) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return Files(config, log)


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


@pytest.fixture(scope="session")
def template(postgres_server: URL) -> Iterator[str]:
    """Name of a database with the present schema and nothing in it: copying it takes a third of migrating another."""
    with database(postgres_server) as url:
        assert url.database
        engine = make_engine(url)
        upgrade(engine)
        engine.dispose()
        with connect(postgres_server) as connection:  # a copy is only made of what nobody uses, not even TimescaleDB
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
            )
        yield url.database


@pytest.fixture
def database_url(postgres_server: URL, template: str) -> Iterator[URL]:
    """URL of a database of this test's own, with the present schema and nothing in it."""
    with database(postgres_server, copy_of(template)) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: URL) -> Iterator[URL]:
    """URL of a database of this test's own without a schema."""
    with database(postgres_server) as url:
        yield url


@pytest.fixture
def settings(database_url: URL, tmp_path: Path) -> Settings:
    """Settings of an installation below `tmp_path`, with nothing in its database."""
    return settings_of(database_url, tmp_path)


@pytest.fixture(scope="module")
def shared_settings(
    postgres_server: URL, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """As `settings`, for all tests of a file: for what is made once and only looked at."""
    with database(postgres_server, copy_of(template)) as url:
        yield settings_of(url, tmp_path_factory.mktemp("shared"))


def copy_of(template: str) -> str:
    """Options of CREATE DATABASE; files are copied, since nothing is in them that would have to be logged."""
    return f'TEMPLATE "{template}" STRATEGY file_copy'


def settings_of(url: URL, folder: Path) -> Settings:
    """Settings of an installation below `folder` whose database has that URL."""
    return Settings(
        home=folder / "data",
        params_dir=folder / "params",
        output_dir=folder / "output",
        database_url=SecretStr(url.render_as_string(hide_password=False)),
        _env_file=None,
    )


@contextlib.contextmanager
def database(server: URL, options: str = "") -> Iterator[URL]:
    """URL of a new database on a server, dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    with connect(server) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {options}')
    yield server.set(database=name)
    with connect(server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def connect(url: URL) -> psycopg.Connection:
    """A connection in autocommit mode."""
    return psycopg.connect(libpq_url(url), autocommit=True)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """What a test sets holds for it alone."""
    from analytics.wording.language import use_language

    yield
    use_language("en")
