"""Whatever was written, in whatever order: hot, warm and cold give the same days, to the last bit that can be."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive, checksum
from analytics.store.tiers import rollup_table

START = datetime(2026, 8, 1, tzinfo=UTC)
WRITTEN = datetime(2026, 8, 20, tzinfo=UTC)
WHEN_WARM, WHEN_COLD = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
TABLES = (
    "points, series, collections, metric_hourly, metric_daily, aggregated_metrics, aggregate_dirty, rollup_dirty, "
    "tier_days, archive_log, restatements, quarantine"
)
WHERE = ["tier", "resolution_s"]
READINGS = st.dictionaries(
    st.tuples(st.sampled_from(["reddit", "youtube"]), st.sampled_from("ab"), st.integers(0, 4 * 1440)),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3)),
    min_size=1,
    max_size=60,
)


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(readings=READINGS, cut=st.integers(0, 60))
def test_a_day_is_the_same_in_every_tier(
    store: Store, tmp_path: Path, readings: dict[tuple[str, str, int], float], cut: int
):
    """Written in two batches with a rollup between them; compared by checksum of the daily rollups."""
    store.archive = Archive(tmp_path / secrets.token_hex(4))
    with store.engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {TABLES}"))
    frame = pd.DataFrame(
        {
            "platform": [platform for platform, _, _ in readings],
            "metric_type": "posts",
            "author_id": [account for _, account, _ in readings],
            "time": [START + timedelta(minutes=minute) for _, _, minute in readings],
            "value": list(readings.values()),
        }
    )
    for part in (frame.iloc[cut:], frame.iloc[:cut]):
        store.write(part, Collection("reddit", "import"), now=WRITTEN)
        store.roll_up(now=WRITTEN)
    hot = days(store)
    sums = checksums(store)

    store.lifecycle_run(Params(), now=WHEN_WARM)
    warm, warm_sums = days(store), checksums(store)
    store.lifecycle_run(Params(), now=WHEN_COLD)
    cold = days(store)

    assert hot["n"].sum() == len(readings)
    for tier in (warm, cold):
        pd.testing.assert_frame_equal(hot.drop(columns=WHERE), tier.drop(columns=WHERE))
    assert sums == warm_sums == archived_checksums(store)
    assert [set(frame["tier"]) for frame in (hot, warm, cold)] == [{"hot"}, {"warm"}, {"cold"}]


def days(store: Store) -> pd.DataFrame:
    return store.read_buckets(store.series()["series_id"].tolist(), START, WHEN_COLD, unit="day")


def checksums(store: Store) -> dict[tuple[str, str], str]:
    with store.engine.connect() as connection:
        keys = connection.execute(
            sa.text(
                "SELECT DISTINCT platform, (bucket AT TIME ZONE 'UTC')::date"
                " FROM metric_daily JOIN series USING (series_id)"
            )
        ).all()
        return {(p, str(day)): checksum(rollup_table(connection, "metric_daily", p, day)) for p, day in keys}


def archived_checksums(store: Store) -> dict[tuple[str, str], str]:
    assert store.archive is not None
    with store.engine.connect() as connection:
        logged = connection.execute(sa.text("SELECT platform, day, location FROM archive_log")).all()
    return {(row.platform, str(row.day)): checksum(store.archive.read(row.location)) for row in logged}
