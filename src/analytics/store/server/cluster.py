"""The folder with PostgreSQL's own files: where it is, how it is made, whether this version can open it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from analytics.errors import ServerError
from analytics.store.server.account import Account, can_reach, initdb_account
from analytics.store.server.config import POSTGRESQL_CONF
from analytics.store.server.install import POSTGRES_MAJOR, programs_for, reachable_folder
from analytics.store.server.probe import SUPERUSER

INITDB_OPTIONS = (
    "--pgdata . --auth trust --encoding UTF8 --data-checksums --no-instructions"
    " --locale C --locale-provider builtin --builtin-locale C.UTF-8"
)


def ready_cluster(data_dir: Path, account: Account, lock: int) -> Path:
    """The folder, made if there is none, cleared of what a dead server left.

    Args:
        data_dir: the supervisor's folder; no server may run on it.
        account: the account of the server.
        lock: descriptor of the lock that keeps other starters away. `initdb` inherits it: should we be killed, nobody
            touches the half-made folder until it, too, has ended.

    Raises:
        ServerError: it cannot be made, or another major version of PostgreSQL made it.
    """
    cluster = cluster_folder(data_dir, account)
    if not cluster.exists():
        _initialise(cluster, account, lock)
        if not (data_dir / "cluster").exists():
            (data_dir / "cluster").symlink_to(cluster)
    major = (cluster / "PG_VERSION").read_text().strip()
    if major != str(POSTGRES_MAJOR):
        raise ServerError(
            f"{data_dir} was made by PostgreSQL {major}, this is PostgreSQL {POSTGRES_MAJOR}:"
            " run `analytics db upgrade`"
        )
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    return cluster


def cluster_folder(data_dir: Path, account: Account) -> Path:
    """Where the database files of `data_dir` are or shall be: in it, or where the server can reach them.

    A reachable place is made beneath /var/lib/analytics, under a name never used before, only for root whose `data_dir`
    lies in a private folder such as /root; the caller leaves a symbolic link in `data_dir`, by which it is found again.
    """
    cluster = data_dir / "cluster"
    if cluster.exists():
        return cluster.resolve()
    if cluster.is_symlink():
        raise ServerError(f"{cluster} points to {cluster.readlink()}, which is gone: restore it or remove the link")
    if can_reach(account, cluster):
        return cluster
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=reachable_folder()))
    folder.chmod(0o711)  # initdb passes through as another account
    account.own(folder)
    return folder / "cluster"


def _initialise(cluster: Path, account: Account, lock: int) -> None:
    """Make a cluster beside its place and rename it, so that a half-made one is never taken for whole.

    Text compares by code point (collation C.UTF-8 of PostgreSQL itself): the order of an index then depends on no
    library of the operating system, whose updates reorder, and so corrupt, indexes made under other locales.
    """
    staging = cluster.with_name("cluster.new")
    if staging.exists():
        shutil.rmtree(staging)
    maker = initdb_account(account)
    staging.mkdir(mode=0o700)
    maker.own(staging)
    command = [str(programs_for(account) / "initdb"), "--username", SUPERUSER, *INITDB_OPTIONS.split()]
    done = maker.run(command, cwd=staging, env={}, pass_fds=[lock])
    if done.returncode != 0:
        raise ServerError(f"initdb failed in {staging}: {done.stderr.strip() or done.stdout.strip()}")
    (staging / "postgresql.conf").write_text(POSTGRESQL_CONF)
    account.own(staging)
    staging.rename(cluster)
