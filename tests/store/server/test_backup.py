"""What is restored is what was backed up, to the last sum."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from sqlalchemy import URL

from analytics.errors import InputError, StoreError
from analytics.store import Collection, Store
from analytics.store.engine import make_engine
from analytics.store.server.backup import backup, restore, row_counts
from analytics.store.server.client import libpq_url

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def empty(postgres_server: URL) -> Iterator[URL]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(libpq_url(postgres_server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.set(database=name)
    with psycopg.connect(libpq_url(postgres_server), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_restored_store_says_the_same_and_goes_on(store: Store, empty: URL, tmp_path: Path):
    times = pd.date_range("2026-10-01", periods=3000, freq="5min", tz="UTC")
    frame = pd.DataFrame({"platform": "x", "metric_type": "m", "time": times, "value": range(3000)}).astype(
        {"value": float}
    )
    store.write(frame, Collection("x", "import"), now=NOW)
    store.roll_up(now=NOW)
    path = tmp_path / "store.dump"
    with store.engine.connect() as connection:
        before = row_counts(connection)

    size = backup(store.engine.url, path)
    after = restore(empty, path)

    assert size == path.stat().st_size > 0
    assert after == before
    with Store(make_engine(empty)) as restored:
        assert restored.snapshot_id() == store.snapshot_id()
        points = restored.read_series([1], times[0].to_pydatetime(), NOW)
        assert (len(points), points["value"].sum()) == (3000, frame["value"].sum())
        assert restored.write(frame, Collection("x", "import"), now=NOW).duplicate == 3000
        assert restored.write(frame.assign(metric_type="n"), Collection("x", "import"), now=NOW).written == 3000


def test_nothing_is_overwritten(store: Store, tmp_path: Path):
    path = tmp_path / "store.dump"
    path.write_text("mine")

    with pytest.raises(InputError, match="exists already"):
        backup(store.engine.url, path)
    with pytest.raises(InputError, match="is not empty"):
        restore(store.engine.url, path)
    with pytest.raises(InputError, match="no such file"):
        restore(store.engine.url, tmp_path / "gone")


def test_a_backup_is_this_accounts_alone(store: Store, tmp_path: Path):
    """It holds the same as the database, which is."""
    backup(store.engine.url, tmp_path / "store.dump")

    assert (tmp_path / "store.dump").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_backup_leaves_the_database_empty(empty: URL, tmp_path: Path):
    path = tmp_path / "store.dump"
    path.write_text("not a backup")

    with pytest.raises(StoreError, match="pg_restore: "):
        restore(empty, path)
