"""The embedded PostgreSQL: one server for one data directory, started by whoever needs it first and shared by all.

    data_dir/start.lock    held by the process that starts or stops the server
    data_dir/server.lock   held by the server's own processes, see `server_probe`
    data_dir/tcp.json      port and password of the TCP door, only where one was asked for (0600)
    data_dir/cluster/      PostgreSQL's own files (or a link to them, see `server_cluster.cluster_folder`)

The server outlives the process that started it and that one's terminal; `stop` ends it. No shell sees a path of the
user's: `pg_ctl`, which starts the server through one, is given the data directory in its environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from analytics.errors import ServerError, SettingsError
from analytics.store.server import config as server_config
from analytics.store.server import probe as server_probe
from analytics.store.server.account import Account, server_account
from analytics.store.server.cluster import ready_cluster
from analytics.store.server.files import (
    POLL_S,
    TcpDoor,
    disk_bytes,
    make_data_dir,
    mutex,
    readable_errors,
    size_of,
    tail,
    write_private,
)
from analytics.store.server.install import programs_for
from analytics.store.server.probe import DATABASE, SUPERUSER, Live

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import URL

    from analytics.settings import Settings

DRIVER = "postgresql+psycopg"
TIMEOUT_S = 120.0  # recovery after a crash replays up to max_wal_size
DEFAULT_TCP_PORT = 54320
LOG_NAME = "server.log"
MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class ServerStatus:
    """State of an embedded server.

    `starting`: its processes live and do not answer, yet or any longer. `stale`: it died without clearing up; the next
    start repairs that. `pid`, `version`, `socket_dir` and `sessions` are None unless it is running. `cluster` is where
    the files really are, `data_bytes` their size on disk.
    """

    state: Literal["running", "starting", "stopped", "stale"]
    data_dir: Path
    cluster: Path
    data_bytes: int = 0
    pid: int | None = None
    version: str | None = None
    socket_dir: Path | None = None
    tcp_port: int | None = None
    sessions: int | None = None


class EmbeddedServer:
    """The PostgreSQL server of one data directory.

    Args:
        data_dir: folder of its own; made, with the folders above it, at the first start.
        timeout_s: longest wait for a start (with recovery after a crash) or a stop.
    """

    def __init__(self, data_dir: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.timeout_s = timeout_s

    @cached_property
    def account(self) -> Account:
        """The account of the server's processes."""
        return server_account(self.data_dir)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory proper."""
        return (self.data_dir / "cluster").resolve()

    def start(self, *, tcp: bool | int | None = None) -> URL:
        """Start the server unless it runs, and return its URL; any number of processes may call this at once.

        Args:
            tcp: a port on 127.0.0.1 to listen on; True for the one it had, or 54320; False for none; None as it
                was. A change restarts the server.

        Raises:
            ServerError: it cannot be started; the message says why and quotes its log.
        """
        with readable_errors(self.data_dir):
            live = server_probe.ask(self.cluster)
            if live is None or not live.has_database or tcp is not None:
                make_data_dir(self.data_dir, self.account)
                with self._alone() as lock:
                    live = self._start(tcp, lock)
            return _url(live)

    def stop(self) -> bool:
        """Stop the server, ending its sessions; return whether one ran. Only a proven server process gets a signal."""
        with readable_errors(self.data_dir):
            if not self.data_dir.is_dir():
                return False
            with self._alone():
                return self._stop()

    def status(self) -> ServerStatus:
        """What is there now; starts nothing and waits for nobody."""
        with readable_errors(self.data_dir):
            live = server_probe.ask(self.cluster)
            size = disk_bytes(self.cluster)
            if live is None:
                left_over = (self.cluster / "postmaster.pid").exists()
                if self._has_processes():
                    return ServerStatus("starting", self.data_dir, self.cluster, size)
                return ServerStatus("stale" if left_over else "stopped", self.data_dir, self.cluster, size)
        return ServerStatus(
            "running",
            self.data_dir,
            self.cluster,
            size,
            pid=live.pid_file.pid,
            version=live.version,
            socket_dir=live.pid_file.socket_dir,
            tcp_port=live.pid_file.port if live.tcp else None,
            sessions=live.sessions,
        )

    def url(self) -> URL:
        """URL of the running server's socket; `ServerError` where none runs."""
        with readable_errors(self.data_dir):
            live = server_probe.ask(self.cluster)
        if live is None:
            raise ServerError(f"no database server runs for {self.data_dir}: start it with `analytics db start`")
        return _url(live)

    def tcp_url(self) -> URL:
        """URL with port and password, for programs that cannot use the socket; `ServerError` where there is no port."""
        from sqlalchemy import URL

        with readable_errors(self.data_dir):
            door = TcpDoor.read(self.data_dir)
        if door is None:
            raise ServerError("the database server listens on no port: run `analytics db start --tcp` first")
        return URL.create(DRIVER, server_config.TCP_ROLE, door.password, "127.0.0.1", door.port, DATABASE)

    # What follows is called with start.lock held.

    def _start(self, tcp: bool | int | None, lock: int) -> Live:
        live = self._wait() if self._has_processes() else None
        earlier = TcpDoor.read(self.data_dir)
        door = _door(tcp, earlier)
        if live is None or not _suits(live, tcp):
            if door:
                _check_free(door.port)
            if live:
                self._stop()
            cluster = ready_cluster(self.data_dir, self.account, lock)
            self._keep(door)
            try:
                live = self._launch(cluster, door)
            except ServerError:
                self._keep(earlier)
                raise
        _ensure_database(live, door)
        return live

    def _keep(self, door: TcpDoor | None) -> None:
        if door:
            door.write(self.data_dir, self.account)
        else:
            TcpDoor.forget(self.data_dir)

    def _stop(self) -> bool:
        if not self._has_processes():
            return False
        pid_file = server_probe.read_pid_file(self.cluster)
        if pid_file is None or server_probe.listener_pid(pid_file) != pid_file.pid:
            raise ServerError(
                f"the database server of {self.data_dir} runs but cannot be reached from here: it is just starting,"
                " or belongs to another container; try again, or stop it where it was started"
            )
        os.kill(pid_file.pid, signal.SIGINT)  # fast shutdown: sessions end, everything is written out
        deadline = time.monotonic() + self.timeout_s
        while self._has_processes():
            if time.monotonic() > deadline:
                raise ServerError(f"the database server (process {pid_file.pid}) still runs after {self.timeout_s:g} s")
            time.sleep(POLL_S)
        server_config.drop_socket_dir(pid_file.socket_dir)
        return True

    def _launch(self, cluster: Path, door: TcpDoor | None) -> Live:
        port = door.port if door else None
        folder = server_config.socket_dir(cluster, self.account)
        for left in folder.glob(".s.PGSQL.*"):  # of a dead server: its lock file, too, names a process
            left.unlink()
        write_private(cluster / server_config.OWN_CONF, server_config.own_conf(folder, port), self.account)
        write_private(cluster / "pg_hba.conf", server_config.hba_conf(port), self.account)
        log = cluster / LOG_NAME
        if size_of(log) > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        log_start = size_of(log)
        complaint = self._run_pg_ctl(cluster)
        live = None if complaint else self._wait()
        if live is None:
            server_config.drop_socket_dir(folder)
            reason = f"{complaint} {tail(log, log_start)}".strip()
            raise ServerError(f"PostgreSQL did not start in {self.data_dir}: {reason}")
        return live

    def _run_pg_ctl(self, cluster: Path) -> str:
        """Start the server's processes, which inherit `server.lock`; return what `pg_ctl` complains of, or ''."""
        lock = os.open(self.data_dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self.account.own(self.data_dir / "server.lock")
            fcntl.flock(lock, fcntl.LOCK_EX)
            command = [str(programs_for(self.account) / "pg_ctl"), "start", "--no-wait", "--silent", "--log", LOG_NAME]
            done = self.account.run(command, cwd=cluster, env={"PGDATA": str(cluster)}, pass_fds=[lock])
        finally:
            os.close(lock)
        return "" if done.returncode == 0 else done.stderr.strip() or f"pg_ctl ended with {done.returncode}"

    def _wait(self) -> Live | None:
        """Wait until the server answers; None once its processes are gone."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            alive = self._has_processes()
            live = server_probe.ask(self.cluster)
            if live or not alive:
                return live
            if time.monotonic() > deadline:
                raise ServerError(
                    f"the database server of {self.data_dir} runs but does not answer after {self.timeout_s:g} s"
                    f" ({server_probe.refusal(self.cluster)}); recovery after a crash goes on meanwhile: try again,"
                    f" and see {self.cluster / LOG_NAME}"
                )
            time.sleep(POLL_S)

    def _has_processes(self) -> bool:
        return server_probe.is_locked(self.data_dir / "server.lock")

    def _alone(self) -> contextlib.AbstractContextManager[int]:
        return mutex(self.data_dir / "start.lock", self.account, timeout_s=self.timeout_s)


def database_url(settings: Settings) -> URL:
    """Where the store is: `ANALYTICS_DATABASE_URL` if set, starting nothing; else the embedded server's.

    Raises:
        SettingsError: the URL cannot be used; the message never holds its password.
        ServerError: the embedded server cannot be started.
    """
    if settings.database_url is not None:
        return parse_database_url(settings.database_url.get_secret_value())
    return EmbeddedServer(settings.server_dir).start()


def parse_database_url(text: str) -> URL:
    """Check a PostgreSQL URL and name our driver in it.

    >>> parse_database_url("postgres://ann:secret@db.example:5433/traffic?sslmode=require")
    postgresql+psycopg://ann:***@db.example:5433/traffic?sslmode=require
    >>> parse_database_url("mysql://ann:secret@db.example/traffic")
    Traceback (most recent call last):
    analytics.errors.SettingsError: ANALYTICS_DATABASE_URL: expected postgresql://..., got mysql://…
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    expected = "ANALYTICS_DATABASE_URL: expected postgresql://user:password@host/database"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(f"{expected}, got something that is no URL") from None
    if url.drivername not in ("postgresql", "postgres", DRIVER):
        raise SettingsError(f"{expected}, got {url.drivername}://…")
    if not url.database:
        raise SettingsError(f"{expected}, got no database name")
    return url.set(drivername=DRIVER)


def _suits(live: Live, tcp: bool | int | None) -> bool:
    """Whether a running server listens as was asked for."""
    if tcp is None or isinstance(tcp, bool):
        return tcp in (None, live.tcp)
    return live.tcp and live.pid_file.port == tcp


def _door(tcp: bool | int | None, earlier: TcpDoor | None) -> TcpDoor | None:
    if tcp is None or (tcp is True and earlier):
        return earlier
    return TcpDoor.new(DEFAULT_TCP_PORT if tcp is True else tcp, earlier) if tcp else None


def _url(live: Live) -> URL:
    from sqlalchemy import URL

    query = {"host": str(live.pid_file.socket_dir)}
    if live.pid_file.port != server_config.DEFAULT_PORT:
        query["port"] = str(live.pid_file.port)
    return URL.create(DRIVER, SUPERUSER, database=DATABASE, query=query)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise ServerError(
                f"port {port} on 127.0.0.1 cannot be used ({exc.strerror}): choose another with"
                " `analytics db start --tcp --port N`, or none with `analytics db start --no-tcp`"
            ) from exc


def _ensure_database(live: Live, door: TcpDoor | None) -> None:
    with server_probe.connect(live.pid_file, SUPERUSER) as connection:
        if not live.has_database:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
        if door:
            _grant_tcp_role(connection, door.password)


def _grant_tcp_role(connection: psycopg.Connection[tuple[object, ...]], password: str) -> None:
    """Make the role for TCP: it reads and writes every table, changes no schema and starts no program."""
    role = server_config.TCP_ROLE
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
        connection.execute(f'CREATE ROLE "{role}" IN ROLE pg_read_all_data, pg_write_all_data')
    connection.execute(f"ALTER ROLE \"{role}\" LOGIN PASSWORD '{hashed}'")  # the server's log never sees the password
