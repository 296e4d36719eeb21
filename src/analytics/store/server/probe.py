"""Whether a PostgreSQL serves a data directory: asked of the server and of a lock, never concluded from a process id.

`server.lock` is locked (flock) by the one who starts the server and inherited by the server's processes; the kernel
lets go of it when the last of them is gone, however it ended. A free lock therefore proves that nothing runs, which a
`postmaster.pid` cannot: its number may by now be another program's.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

DATABASE = "analytics"
SUPERUSER = "postgres"
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True)
class PidFile:
    """What `postmaster.pid` says; the server it speaks of may be gone."""

    pid: int
    port: int
    socket_dir: Path

    @property
    def socket_path(self) -> Path:
        """The socket itself."""
        return self.socket_dir / f".s.PGSQL.{self.port}"


@dataclass(frozen=True)
class Live:
    """A server that has answered and serves the data directory it was asked for."""

    pid_file: PidFile
    version: str
    tcp: bool
    has_database: bool
    sessions: int


def read_pid_file(cluster: Path) -> PidFile | None:
    """Read `postmaster.pid`; None where it is missing or half written."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
        pid_file = PidFile(pid=int(lines[0]), port=int(lines[3]), socket_dir=Path(lines[4]))
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid_file if pid_file.pid > 0 and pid_file.socket_dir.is_absolute() else None


def ask(cluster: Path) -> Live | None:
    """Connect to the server that `postmaster.pid` speaks of; None unless it answers and serves this very cluster."""
    import psycopg

    pid_file = read_pid_file(cluster)
    if pid_file is None:
        return None
    try:
        with connect(pid_file, SUPERUSER) as connection:
            row = connection.execute(ASK, {"database": DATABASE, "socket_dir": str(pid_file.socket_dir)}).fetchone()
    except psycopg.OperationalError:
        return None
    directory, version, tcp, has_database, sessions = row or ("",) * 5
    if Path(directory) != cluster:  # a copied folder brings the postmaster.pid of its original along
        return None
    return Live(pid_file, version, tcp, has_database, sessions)


def refusal(cluster: Path) -> str:
    """Why the server does not answer, in its words."""
    import psycopg

    pid_file = read_pid_file(cluster)
    if pid_file is None:
        return "no postmaster.pid yet"
    try:
        connect(pid_file, SUPERUSER).close()
    except psycopg.OperationalError as exc:
        return " ".join(str(exc).split())
    return "it answers for another folder"


ASK = """
SELECT current_setting('data_directory'), current_setting('server_version'), current_setting('listen_addresses') <> '',
       EXISTS (SELECT FROM pg_database WHERE datname = %(database)s),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
"""


def connect(pid_file: PidFile, database: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A psycopg connection in autocommit mode, over the socket, as the superuser."""
    import psycopg

    return psycopg.connect(
        host=str(pid_file.socket_dir),
        port=pid_file.port,
        user=SUPERUSER,
        dbname=database,
        connect_timeout=CONNECT_TIMEOUT_S,
        autocommit=True,
    )


def listener_pid(pid_file: PidFile) -> int | None:
    """The process that listens on the socket, as the kernel knows it; None where there is none it knows."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        try:
            probe.connect(str(pid_file.socket_path))
        except OSError:
            return None
        if sys.platform != "linux":
            return pid_file.pid
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid or None  # 0: a process of another container


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock exclusively; a missing file is held by nobody."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
