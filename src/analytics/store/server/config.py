"""What the embedded PostgreSQL is told: settings, who may connect, where its socket lies.

`postgresql.conf` belongs to the user; it includes `analytics.conf`, which is written anew at every start, so a newer
version of the product brings its settings along, and a line in `postgresql.conf` or an `ALTER SYSTEM` still wins.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from analytics.store.server.account import Account

OWN_CONF = "analytics.conf"
DEFAULT_PORT = 5432  # names the socket file; nothing listens on it unless TCP was asked for
TCP_ROLE = "analytics"
MAX_SOCKET_PATH_BYTES = 107  # sun_path of Linux without its final zero
LONGEST_SOCKET_NAME = "/.s.PGSQL.65535"
SHORT = Path("/tmp")  # noqa: S108 - not $TMPDIR, which differs between a shell, a job and a service
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")

POSTGRESQL_CONF = f"""\
include '{OWN_CONF}'
# Your own settings below: they win over {OWN_CONF}, which is rewritten at every start.
"""

# For two cores and one analyst: bulk writes, scans of some days, few sessions.
SETTINGS = {
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "min_wal_size": "128MB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    # Files in the data directory: /dev/shm is 64 MB in a container, and systemd empties it when a user logs out.
    "dynamic_shared_memory_type": "mmap",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
}


def own_conf(socket_dir: Path, tcp_port: int | None) -> str:
    """Text of `analytics.conf`.

    >>> print(own_conf(Path("/tmp/s"), None).splitlines()[-1])
    listen_addresses = ''
    """
    settings = {
        **SETTINGS,
        "unix_socket_directories": str(socket_dir),
        "port": str(tcp_port or DEFAULT_PORT),
        "listen_addresses": "127.0.0.1" if tcp_port else "",
    }
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join(["# Written by analytics at every start: your settings belong in postgresql.conf.", *lines]) + "\n"


def hba_conf(tcp_port: int | None) -> str:
    """Text of `pg_hba.conf`: whoever reaches the private socket, and over TCP one role with its password.

    `trust` is safe on this socket because the folder it lies in is 0700 and belongs to the server's account: to reach
    it one must be that account or root, and either could read the data files anyway. `peer` would lock out root, whose
    name differs from the server's, and accounts without a name.
    """
    lines = ["local all all trust"]
    if tcp_port:
        lines.append(f"host all {TCP_ROLE} 127.0.0.1/32 scram-sha-256")
    return "\n".join(["# Written by analytics at every start.", *lines]) + "\n"


def socket_dir(cluster: Path, account: Account) -> Path:
    """Make the private folder (0700, the server's own) of the socket and return it.

    It lies in the data directory, where no other user comes and no cleaner of temporary files either, unless the path
    is too long for a socket or has characters that mean something in a list of hosts; then in /tmp. A folder there that
    somebody else owns, or that is open to others, is left alone and another one is made.
    """
    digest = hashlib.sha256(os.fsencode(cluster) + f":{account.uid}".encode()).hexdigest()[:16]
    for folder in (cluster / "socket", SHORT / f"analytics-{digest}"):
        if fits_socket(folder) and _make_private(folder, account):
            return folder
    other = Path(tempfile.mkdtemp(prefix="analytics-", dir=SHORT))
    account.own(other)
    return other


def drop_socket_dir(folder: Path) -> None:
    """Remove a folder in /tmp whose server is gone; one in the data directory stays."""
    if folder.parent == SHORT:
        with contextlib.suppress(OSError):
            folder.rmdir()


def fits_socket(folder: Path) -> bool:
    """Whether a socket in this folder has a short enough name, without characters special to libpq or SQLAlchemy.

    >>> fits_socket(Path("/srv/data/socket")), fits_socket(Path("/srv/a,b")), fits_socket(Path("/srv/" + "x" * 100))
    (True, False, False)
    """
    name = str(folder)
    return bool(PLAIN_PATH.fullmatch(name)) and len(name + LONGEST_SOCKET_NAME) <= MAX_SOCKET_PATH_BYTES


def _make_private(folder: Path, account: Account) -> bool:
    """Make the folder, or say whether the one that is there already is a private one of this account."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        info = folder.lstat()
        return stat.S_ISDIR(info.st_mode) and info.st_uid == account.uid and stat.S_IMODE(info.st_mode) == 0o700
    account.own(folder)
    return True
