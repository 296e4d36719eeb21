"""The whole database into one file and back, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from analytics.errors import InputError, StoreError
from analytics.settings import private_file
from analytics.store.server.client import psql_command
from analytics.store.server.install import program

if TYPE_CHECKING:
    from sqlalchemy import URL

TABLES = (
    "series",
    "collections",
    "points",
    "metric_hourly",
    "metric_daily",
    "quarantine",
    "restatements",
    "archive_log",
)


def backup(url: URL, path: Path) -> int:
    """Write a database to `path`, compressed; return the bytes written. An interruption leaves no file of that name.

    Raises:
        InputError: there is a file of that name already.
        StoreError: `pg_dump` refused; its own words are in the message.
    """
    if path.exists():
        raise InputError(f"{path}: exists already; name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(private_file(str(unfinished), os.O_CREAT | os.O_WRONLY))
        _run("pg_dump", url, ["--format=custom", "--no-owner", f"--file={unfinished}"])
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path.stat().st_size


def restore(url: URL, path: Path) -> dict[str, int]:
    """Read a backup into an empty database, all or nothing; return the rows of each main table.

    Raises:
        InputError: no such file, or the database holds tables already.
        StoreError: `pg_restore` refused.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            if tables := sa.inspect(connection).get_table_names():
                raise InputError(
                    f"{url.database}: is not empty (it has the table {tables[0]}); restore into a new database"
                )
            timescale = _has_timescale(connection)
        if timescale:
            _timescale(engine, "timescaledb_pre_restore")
            _run("pg_restore", url, ["--no-owner", str(path)])  # it cannot be in one transaction there
            _timescale(engine, "timescaledb_post_restore")
        else:
            _run("pg_restore", url, ["--no-owner", "--exit-on-error", "--single-transaction", str(path)])
        with engine.begin() as connection:
            connection.execute(sa.text("ANALYZE"))
            return row_counts(connection)
    finally:
        engine.dispose()


def row_counts(connection: sa.Connection) -> dict[str, int]:
    """Rows of each main table."""
    return {
        table: int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608 our own names
        for table in TABLES
    }


def _run(name: str, url: URL, arguments: Sequence[str]) -> None:
    (_, conninfo), environment = psql_command(url)
    done = subprocess.run(
        [str(program(name)), f"--dbname={conninfo}", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StoreError(f"{name}: {' '.join(done.stderr.split())[-400:]}")


def _has_timescale(connection: sa.Connection) -> bool:
    return bool(connection.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")))


def _timescale(engine: sa.Engine, function: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"SELECT {function}()"))
