"""On TimescaleDB: the same promises hold where days are compressed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.store import Collection, Store

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = Collection("reddit", "import")


@pytest.fixture
def compressed(store: Store) -> Store:
    """A store with 20 series over three days, all of them in the columnstore."""
    with store.engine.connect() as connection:
        if not connection.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")):
            pytest.skip("the server has no TimescaleDB; name one that has in ANALYTICS_TEST_DATABASE_URL")
    store.write(readings(), HERE, now=NOW)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SELECT compress_chunk(c) FROM show_chunks('points') c"))
    return store


def readings(value: float = 0.0) -> pd.DataFrame:
    times = pd.date_range(START, periods=3 * 288, freq="5min")
    frames = [
        pd.DataFrame({"author_id": f"a{i:02d}", "time": times, "value": np.arange(len(times)) + value})
        for i in range(20)
    ]
    return pd.concat(frames).assign(platform="reddit", metric_type="posts")


def total(store: Store) -> tuple[int, float]:
    points = store.read_series(store.series()["series_id"].tolist(), START, NOW)
    return len(points), points["value"].sum()


def test_a_replay_into_compressed_days_changes_nothing(compressed: Store):
    before = total(compressed)

    again = compressed.write(readings(), HERE, now=NOW)

    assert (again.duplicate, again.written, again.corrected) == (17_280, 0, 0)
    assert total(compressed) == before


def test_corrections_and_late_rows_reach_compressed_days(compressed: Store):
    late = readings().head(10).assign(time=pd.date_range(START + timedelta(seconds=30), periods=10, freq="1h"))

    corrected = compressed.write(readings(value=1.0), HERE, now=NOW)
    added = compressed.write(late, HERE, now=NOW)

    assert corrected.corrected == 17_280
    assert (added.written, added.late) == (10, 10)


def test_compressed_points_take_few_bytes(compressed: Store):
    with compressed.engine.connect() as connection:
        before, after = connection.execute(
            sa.text(
                "SELECT before_compression_total_bytes, after_compression_total_bytes"
                " FROM hypertable_columnstore_stats('points')"
            )
        ).one()

    assert after < before / 3
