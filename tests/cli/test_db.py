"""`analytics db …` on a real server: what it prints, what it starts, how it exits."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from typer.testing import CliRunner, Result

from analytics.cli.db import app
from analytics.errors import InputError, ServerError, StoreError
from analytics.store.server.client import libpq_url, server_version
from analytics.store.server.supervisor import EmbeddedServer

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server(reachable_dir: Path) -> Iterator[EmbeddedServer]:
    """The server of the home that `db` uses; stopped at the end whatever the tests did."""
    server = EmbeddedServer(reachable_dir / "cli" / "postgres")
    yield server
    server.stop()


@pytest.fixture
def db(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one command; what it raises is raised here, as `analytics` itself turns it into one line."""
    monkeypatch.chdir(tmp_path)  # no .env here
    monkeypatch.setenv("ANALYTICS_HOME", str(server.data_dir.parent))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def unused_port() -> int:
    """A port nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_start_status_url_and_stop_tell_the_same_story(db: Run, server: EmbeddedServer) -> None:
    """The exit status of `status` is what a script asks."""
    before = db("status")
    started = db("start")
    shown = db("status", "--json")
    url = db("url").stdout.strip()
    stopped, again = db("stop"), db("stop")

    assert (before.exit_code, before.stdout.split()[1]) == (3, "stopped")
    assert started.exit_code == 0
    facts = json.loads(shown.stdout)
    assert (shown.exit_code, facts["state"], facts["tcp_port"]) == (0, "running", None)
    assert str(facts["pid"]) in started.stdout
    assert make_url(url).query["host"] == facts["socket_dir"]
    assert (stopped.stdout, again.stdout) == ("stopped\n", "was not running\n")


def test_url_starts_the_server_and_psql_understands_it(db: Run) -> None:
    """It is made to be pasted after `psql`."""
    url = make_url(db("url").stdout.strip())

    assert server_version(url.set(drivername="postgresql+psycopg")).startswith("18.")


def test_the_port_is_opened_with_a_password_and_closed_again(db: Run, server: EmbeddedServer, unused_port: int) -> None:
    """The password is printed because only this installation knows it."""
    with pytest.raises(ServerError, match="--tcp"):
        db("url", "--tcp")

    opened = db("start", "--tcp", "--port", str(unused_port))
    url = db("url", "--tcp").stdout.strip()
    kept = db("start").stdout
    closed = db("start", "--no-tcp")

    assert opened.stdout.splitlines()[-1] == url
    assert (make_url(url).port, make_url(url).host, len(make_url(url).password)) == (unused_port, "127.0.0.1", 32)
    assert f"127.0.0.1:{unused_port}" in kept
    assert url not in kept
    assert closed.exit_code == 0
    assert server.status().tcp_port is None
    with pytest.raises(InputError, match="--port is for --tcp"):
        db("start", "--no-tcp", "--port", "5000")


def test_psql_runs_with_its_own_options_and_exit_status(db: Run) -> None:
    """The process becomes psql, so pipes, Ctrl-C and exit status are psql's."""
    analytics_db = [sys.executable, "-c", "from analytics.cli.db import app; app()"]
    options = ["--csv", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1 AS one", "-c", "SELECT 1/0"]

    done = subprocess.run([*analytics_db, "psql", *options], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "one\n1\n")
    assert done.stderr == "ERROR:  division by zero\n"


def test_a_database_elsewhere_is_neither_started_nor_shown_with_its_password(
    db: Run, database_url: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The socket trusts whoever reaches it, so any password is right here, and none may be seen."""
    monkeypatch.setenv("ANALYTICS_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", libpq_url(database_url.set(password="geheim")))

    results = [db(*command.split()) for command in ("start", "stop", "status", "status --json", "url")]

    text = "".join(result.output for result in results)
    assert [result.exit_code for result in results] == [0] * 5
    assert "nothing to be started" in text
    assert json.loads(results[3].stdout)["version"].startswith("1")
    assert "geheim" not in text
    assert not (tmp_path / "data").exists()
    with pytest.raises(InputError, match="--tcp is for the embedded server"):
        db("url", "--tcp")


def test_a_database_elsewhere_that_is_down_is_an_error(db: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, with the reason and without the password."""
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", "postgresql://ann:geheim@127.0.0.1:1/traffic")

    with pytest.raises(StoreError, match=r"ann:\*\*\*@127.0.0.1:1/traffic does not answer: .*refused") as caught:
        db("status")

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("command", ["start", "stop", "status", "url", "psql"])
def test_every_command_explains_itself(db: Run, command: str) -> None:
    """Help is where a user looks first."""
    text = db(command, "--help").stdout

    assert "Usage:" in text
    assert command == "stop" or f"analytics db {command}" in text


def test_help_needs_no_database_library() -> None:
    """`analytics --help` must be quick: psycopg and SQLAlchemy are imported when they are used."""
    code = "import sys; import analytics.cli.db; print({'psycopg', 'sqlalchemy', 'pandas'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
