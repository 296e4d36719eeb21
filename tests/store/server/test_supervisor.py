"""The embedded server as its users meet it: found, shared, killed, put in odd places, asked for a port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import URL, create_engine, text

from analytics.errors import ServerError, SettingsError
from analytics.settings import Settings
from analytics.store.server.client import libpq_url, server_version
from analytics.store.server.config import SHORT
from analytics.store.server.probe import is_locked, read_pid_file
from analytics.store.server.supervisor import EmbeddedServer, database_url
from tests.store.conftest import copy_server
from tests.store.server_forks import fork

NewServer = Callable[..., EmbeddedServer]


@pytest.fixture(scope="module")
def server(stopped: EmbeddedServer, reachable_dir: Path) -> Iterator[EmbeddedServer]:
    """One server for the tests that leave it as they find it, or repair it."""
    server = copy_server(stopped, reachable_dir / "shared")
    yield server
    server.stop()


@pytest.fixture
def new_server(stopped: EmbeddedServer, reachable_dir: Path, request: pytest.FixtureRequest) -> Iterator[NewServer]:
    """Servers of one test, below a folder of its own; stopped at its end."""
    folder = reachable_dir / request.node.originalname[:40]
    made: list[EmbeddedServer] = []

    def make(*parts: str, empty: bool = False) -> EmbeddedServer:
        data_dir = folder.joinpath(*parts)
        made.append(EmbeddedServer(data_dir) if empty else copy_server(stopped, data_dir))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def query(url: URL, sql: str) -> list[tuple]:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def kill_postmaster(server: EmbeddedServer) -> None:
    """As the kernel does when memory runs out; returns when its children are gone too."""
    os.kill(server.status().pid, signal.SIGKILL)
    while server.status().state in ("running", "starting"):
        time.sleep(0.02)


def test_a_server_is_made_once_found_again_and_stopped(new_server: NewServer) -> None:
    """The first command pays for initdb; the others find the server by its folder."""
    server = new_server("pg", empty=True)
    assert server.status().state == "stopped"

    first = server.start()
    pid = server.status().pid
    again = EmbeddedServer(server.data_dir).start()

    assert first == again == server.url()
    status = server.status()
    assert (status.state, status.pid, status.tcp_port, status.version[:3]) == ("running", pid, None, "18.")
    assert status.data_bytes > 10_000_000
    assert server.stop() is True
    assert server.stop() is False
    assert server.status().state == "stopped"
    with pytest.raises(ServerError, match="analytics db start"):
        server.url()


def test_the_database_is_utf8_ordered_by_code_point_checksummed_and_durable(server: EmbeddedServer) -> None:
    """What cannot be changed after initdb, and what must never be traded for speed."""
    url = server.start()
    names = ["server_encoding", "data_checksums", "fsync", "timezone", "jit", "max_connections", "listen_addresses"]

    values = [query(url, f"SHOW {name}")[0][0] for name in names]
    order = query(url, "SELECT string_agg(w, '' ORDER BY w), lower('ÄÖ') FROM unnest(array['b', 'ä', 'a', 'B']) w")

    assert values == ["UTF8", "on", "on", "UTC", "off", "100", ""]
    assert order == [("Babä", "äö")]


def test_the_url_works_in_sqlalchemy(server: EmbeddedServer) -> None:
    """The store's engine takes it as it is."""
    engine = create_engine(server.start())

    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar()
    engine.dispose()

    assert name == "analytics"


def test_processes_racing_for_a_new_folder_share_one_server(new_server: NewServer) -> None:
    """A scheduler wakes several jobs at once, the first time on an empty folder."""
    server = new_server("race", empty=True)

    racers = [fork(lambda: str(EmbeddedServer(server.data_dir).start())) for _ in range(4)]
    urls = {racer.result() for racer in racers}

    assert urls == {f"{server.url()}\n"}


def test_the_server_survives_its_starter_and_its_terminal(new_server: NewServer) -> None:
    """Ctrl-C and kill -9 reach the whole process group of a command; the server is not in it."""
    server = new_server("orphan")
    starter = fork(lambda: str(server.start()), after=lambda: time.sleep(60))
    url = starter.answer.readline().strip()

    os.killpg(starter.pid, signal.SIGINT)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.result()

    assert str(server.url()) == url
    assert os.getsid(server.status().pid) != starter.pid


def test_a_starter_killed_during_initdb_leaves_nothing_half_made(new_server: NewServer) -> None:
    """The orphaned initdb still writes when the next start comes."""
    for attempt in range(10):  # a busy machine may let initdb finish between two looks
        server = new_server(f"half{attempt}", empty=True)
        starter = fork(lambda server=server: str(server.start()))
        while not any((server.data_dir / part).exists() for part in ("cluster.new/base", "cluster")):
            time.sleep(0.002)
        os.kill(starter.pid, signal.SIGKILL)
        if not (server.data_dir / "cluster").exists():
            break
    assert starter.result() == ""
    assert is_locked(server.data_dir / "start.lock")  # by initdb: it would write into the next one's folder
    assert not (server.data_dir / "cluster").exists()

    url = server.start()

    assert query(url, "SELECT count(*) > 300 FROM pg_class") == [(True,)]
    assert not (server.data_dir / "cluster.new").exists()


def test_a_killed_server_recovers_what_was_committed(server: EmbeddedServer) -> None:
    """kill -9 of the postmaster: the write-ahead log is replayed at the next start."""
    url = server.start()
    query(url, "CREATE TABLE IF NOT EXISTS kept AS SELECT generate_series(1, 10000) AS n")

    kill_postmaster(server)
    assert server.status().state == "stale"
    after = server.start()

    assert query(after, "SELECT count(*) FROM kept") == [(10000,)]


@pytest.fixture(params=["server's account", "ours"])
def stranger(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen]:
    """A program that has nothing to do with PostgreSQL, of the same account as the server or of ours."""
    account = server.account
    user = {} if request.param == "ours" or account.is_self else {"user": account.uid, "group": account.gid}
    with subprocess.Popen(["sleep", "300"], cwd="/", **user) as process:
        yield process
        process.kill()


def test_a_stale_pid_of_another_program_is_neither_believed_nor_killed(
    server: EmbeddedServer, stranger: subprocess.Popen
) -> None:
    """After a reboot the number in postmaster.pid may belong to anything, even to a program of the same account."""
    server.start()
    socket_lock = next(server.status().socket_dir.glob("*.lock"))
    kill_postmaster(server)
    for path in (server.cluster / "postmaster.pid", socket_lock):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

    assert server.status().state == "stale"
    assert server.stop() is False
    url = server.start()

    assert query(url, "SELECT 1") == [(1,)]
    assert server.status().pid != stranger.pid
    assert server.stop() is True
    assert stranger.poll() is None


@pytest.mark.parametrize("content", ["", "4711", "4711\n/some/where\n", "\0\0\0\0", "x\n" * 8])
def test_a_half_written_pid_file_is_no_obstacle(server: EmbeddedServer, content: str) -> None:
    """Power failed while it was written; PostgreSQL itself would refuse to start."""
    server.start()
    server.stop()
    (server.cluster / "postmaster.pid").write_text(content)

    assert server.status().state == "stale"
    url = server.start()

    assert query(url, "SELECT 1") == [(1,)]


def test_the_pid_file_of_a_copied_folder_does_not_lead_to_the_original(
    server: EmbeddedServer, new_server: NewServer
) -> None:
    """`cp -r data backup` of a running server: the copy's postmaster.pid names the original's socket."""
    server.start()
    other = new_server("copy")
    shutil.copy(server.cluster / "postmaster.pid", other.cluster / "postmaster.pid")

    url = other.start()

    assert query(url, "SHOW data_directory") == [(str(other.cluster),)]
    assert url != server.url()


@pytest.mark.parametrize(
    ("name", "empty"), [('it\'s, a b & c 100 %25 数据 "$HOME" `id`', True), ("long/" + 4 * ("x" * 40 + "/"), False)]
)
def test_odd_and_long_paths_serve_through_a_short_private_socket(new_server: NewServer, name: str, empty: bool) -> None:
    """A shell, a URL and a socket's 107 bytes each have their own idea of a path."""
    server = new_server(*name.split("/"), "postgres", empty=empty)

    url = server.start()

    folder = server.status().socket_dir
    assert query(url, "SHOW data_directory") == [(str(server.data_dir / "cluster"),)]
    assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (SHORT, 0o700)
    assert folder.stat().st_uid == server.account.uid
    server.stop()
    assert not folder.exists()


def test_another_major_version_is_named_with_the_way_out(new_server: NewServer) -> None:
    """A newer wheel meets an older folder: nothing is touched."""
    server = new_server("old", empty=True)
    cluster = server.data_dir / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")

    with pytest.raises(ServerError, match=r"PostgreSQL 16, this is PostgreSQL 18: run `analytics db upgrade`"):
        server.start()

    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]
    shutil.rmtree(server.data_dir)


def test_a_start_that_fails_quotes_the_log_and_leaves_nothing_in_tmp(new_server: NewServer) -> None:
    """A slip in the user's own postgresql.conf is named, not hidden behind a time-out."""
    server = new_server("long" * 30, "postgres")
    with (server.cluster / "postgresql.conf").open("a") as conf:
        conf.write("work_mum = 1GB\n")

    with pytest.raises(ServerError, match="work_mum"):
        server.start()

    used = re.search("unix_socket_directories = '(.*)'", (server.cluster / "analytics.conf").read_text())
    assert Path(used[1]).parent == SHORT
    assert not Path(used[1]).exists()
    assert server.status().state == "stopped"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_tcp_is_closed_until_asked_for_and_needs_the_password(new_server: NewServer) -> None:
    """Anybody on the machine can reach a port: only the role with the password comes in, and it is no superuser."""
    server = new_server("tcp")
    quiet = server.start()
    with pytest.raises(ServerError, match="--tcp"):
        server.tcp_url()
    port = free_port()

    local = server.start(tcp=port)
    remote = server.tcp_url()

    assert (local != quiet, remote.port, server.status().tcp_port) == (True, port, port)
    assert query(local, "SELECT current_user") == [("postgres",)]
    assert query(remote, "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
        ("analytics", False)
    ]
    for refused in (remote.set(password=""), remote.set(password="guess"), remote.set(username="postgres")):
        with pytest.raises(psycopg.OperationalError, match=r"no password|password authentication|no pg_hba"):
            query(refused, "SELECT 1")
    kept = server.data_dir / "tcp.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["password"] == remote.password
    assert remote.password not in (server.cluster / "server.log").read_text()

    server.stop()
    assert server.start() == local
    server.start(tcp=False)
    assert server.status().tcp_port is None
    assert not kept.exists()


def test_a_port_in_use_is_refused_while_the_server_goes_on(server: EmbeddedServer) -> None:
    """The check comes before the restart that the change needs."""
    server.start()
    pid = server.status().pid
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ServerError, match=f"port {port} .* --port"):
            server.start(tcp=port)

    assert server.status().pid == pid
    assert not (server.data_dir / "tcp.json").exists()


def test_a_url_of_ones_own_starts_nothing(tmp_path: Path) -> None:
    """Production names its database; the data folder stays untouched."""
    own = SecretStr("postgres://ann:geheim@127.0.0.1:1/traffic?sslmode=require")
    settings = Settings(home=tmp_path / "data", database_url=own, _env_file=None)

    url = database_url(settings)

    assert (url.drivername, url.password, url.query["sslmode"]) == ("postgresql+psycopg", "geheim", "require")
    assert not settings.home.exists()


@pytest.mark.parametrize(
    "given",
    ["mysql://ann:geheim@h/db", "ann:geheim@h/db", "postgresql://ann:geheim@h", "postgresql://ann:geheim@h:x/d"],
)
def test_an_unusable_url_is_refused_without_its_password(tmp_path: Path, given: str) -> None:
    """The message goes to logs and bug reports."""
    settings = Settings(home=tmp_path, database_url=SecretStr(given), _env_file=None)

    with pytest.raises(SettingsError, match=r"^ANALYTICS_DATABASE_URL: expected postgresql://") as caught:
        database_url(settings)

    assert "geheim" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    """Nothing listens on port 1."""
    url = URL.create("postgresql+psycopg", "ann", "geheim", "127.0.0.1", 1, "traffic")

    with pytest.raises(Exception, match=re.escape("ann:***@127.0.0.1:1")) as caught:
        server_version(url)

    assert "geheim" not in str(caught.value)


def test_a_pid_file_is_read_or_refused(tmp_path: Path) -> None:
    """Only what can be a server's address counts."""
    assert read_pid_file(tmp_path) is None
    for text_, pid in [("7\n/d\n1\n5432\n/s\n", 7), ("-7\n/d\n1\n5432\n/s\n", None), ("7\n/d\n1\n5432\n\n", None)]:
        (tmp_path / "postmaster.pid").write_text(text_)

        found = read_pid_file(tmp_path)

        assert (found.pid if found else None) == pid
