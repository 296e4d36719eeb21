"""The one write path: a batch is stored whole or not at all, and the same batch again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analytics.errors import DataFileError, StoreError
from analytics.model import MetricDefinition, Observation
from analytics.store import Collection, Store
from analytics.store.partitions import ensure_days, existing_days, is_partitioned

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = Collection("twitter", "import", "AAPL", "a.csv")
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def frame_of(values: list[float], *, start: datetime = START, minutes: int = 5, account: str = "AAPL") -> pd.DataFrame:
    times = pd.date_range(start, periods=len(values), freq=f"{minutes}min")
    return pd.DataFrame(
        {"platform": "twitter", "metric_type": "mentions", "author_id": account, "time": times, "value": values}
    )


def stored(store: Store) -> dict[tuple[str, datetime], float]:
    series = store.series().set_index("series_id")["author_id"]
    points = store.read_series(list(series.index), *EVER)
    return {
        (series[i], at.to_pydatetime()): value
        for i, at, value in points[["series_id", "time", "value"]].itertuples(index=False)
    }


def count(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


def test_a_batch_written_twice_changes_nothing(store: Store):
    first = store.write(frame_of([1.0, 2.0, 3.0]), HERE, now=NOW)
    before = (stored(store), store.snapshot_id(), count(store, "rollup_dirty"))

    again = store.write(frame_of([1.0, 2.0, 3.0]), HERE, now=NOW)

    assert (first.read, first.written, first.duplicate) == (3, 3, 0)
    assert (again.read, again.written, again.duplicate, again.corrected) == (3, 0, 3, 0)
    assert (stored(store), store.snapshot_id(), count(store, "rollup_dirty")) == before
    assert count(store, "collections") == 2


def test_an_error_in_a_later_chunk_leaves_nothing(store: Store):
    def chunks() -> Iterator[pd.DataFrame]:
        yield frame_of([1.0, 2.0])
        raise DataFileError("a.csv: line 900000: value 'x' is not a number")

    with pytest.raises(DataFileError, match="line 900000"):
        store.write(chunks(), HERE, now=NOW)

    assert [count(store, table) for table in ("points", "series", "collections", "quarantine", "rollup_dirty")] == [
        0
    ] * 5


def test_an_error_in_the_last_file_leaves_nothing_of_the_first(store: Store):
    def broken() -> Iterator[pd.DataFrame]:
        raise DataFileError("b.csv: is empty")
        yield

    with pytest.raises(DataFileError):
        store.write_all([(frame_of([1.0]), HERE), (broken(), HERE)], now=NOW)

    assert count(store, "points") == 0


def test_duplicates_in_a_batch_are_stored_once_and_counted(store: Store):
    frame = pd.concat([frame_of([1.0, 2.0]), frame_of([1.0])])

    result = store.write(frame, HERE, now=NOW)

    assert (result.written, result.duplicate, result.quarantined) == (2, 1, 0)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_readings_that_contradict_each_other_are_all_kept_out(store: Store, order: list[int], chunked: bool):
    """Which is right nobody knows, so the outcome does not hang on the order of rows or on chunks."""
    rows = [frame_of([5.0]), frame_of([3.0]), frame_of([8.0], start=START + timedelta(minutes=5))]
    chosen = [rows[i] for i in order]

    result = store.write(chosen if chunked else pd.concat(chosen), HERE, now=NOW)

    assert stored(store) == {("AAPL", START + timedelta(minutes=5)): 8.0}
    assert (result.read, result.written, result.quarantined) == (3, 1, 2)
    assert sorted(raw["value"] for raw in store.quarantine_list()["raw"]) == [3.0, 5.0]


def test_a_contradiction_across_chunks_gives_back_the_value_that_was_stored_before(store: Store):
    store.write(frame_of([1.0]), HERE, now=NOW)

    result = store.write([frame_of([5.0]), frame_of([3.0]), frame_of([5.0])], HERE, now=NOW)

    assert stored(store) == {("AAPL", START): 1.0}
    assert (result.corrected, result.quarantined) == (0, 3)
    assert count(store, "restatements") == 0


def test_a_different_value_is_a_correction_and_recorded(store: Store):
    store.write(frame_of([1.0, 2.0]), HERE, now=NOW)
    snapshot = store.snapshot_id()

    result = store.write(frame_of([1.0, 7.0]), HERE, now=NOW)

    assert (result.duplicate, result.corrected) == (1, 1)
    assert stored(store)["AAPL", START + timedelta(minutes=5)] == 7.0
    with store.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT old_value, new_value, new_collection_id FROM restatements")).one()
    assert tuple(row) == (2.0, 7.0, result.collection_id)
    assert store.snapshot_id() != snapshot


def test_a_collection_that_may_not_replace_leaves_the_first_reading(store: Store):
    store.write(frame_of([1.0]), HERE, now=NOW)

    result = store.write(frame_of([9.0]), Collection("twitter", "api", replace=False), now=NOW)

    assert stored(store) == {("AAPL", START): 1.0}
    assert (result.duplicate, result.corrected) == (1, 0)


def test_late_rows_are_stored_and_counted(store: Store):
    store.write(frame_of([1.0], start=START + timedelta(days=40)), HERE, now=NOW)

    result = store.write(frame_of([2.0, 3.0]), HERE, now=NOW)
    mixed = store.write(frame_of([2.0, 3.0, 4.0]), HERE, now=NOW)

    assert (result.written, result.late) == (2, 2)
    assert (mixed.written, mixed.late, mixed.duplicate) == (1, 1, 2)
    assert store.series()["first_time"].item() == START
    assert store.series()["last_time"].item() == START + timedelta(days=40)


def test_rows_that_cannot_be_stored_are_quarantined_and_the_rest_written(store: Store):
    frame = frame_of([1.0, np.inf, np.nan])

    result = store.write(frame, HERE, now=NOW)

    assert (result.written, result.quarantined, result.unknown) == (1, 1, 1)
    with store.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT outcome FROM collections")) == "partial"


def test_series_are_told_apart_by_every_part_of_their_key(store: Store):
    """Two accounts' follower counts have no content; only the account tells them apart."""
    observations = [
        Observation("twitter", "followers", 1.0, START, author_id="a"),
        Observation("twitter", "followers", 2.0, START, author_id="b"),
        Observation("twitter", "likes", 3.0, START, "post", "tweet", "a", {"lang": "en"}),
    ]

    store.write(iter(observations), Collection("twitter", "api"), now=NOW)

    series = store.series(platforms=["twitter"])
    assert series[["metric_type", "author_id", "content_id"]].to_numpy().tolist() == [
        ["followers", "a", ""],
        ["followers", "b", ""],
        ["likes", "a", "post"],
    ]
    assert store.series(metrics=["likes"])[["content_type", "tags"]].to_numpy().tolist() == [["tweet", {"lang": "en"}]]
    assert len(store.series(accounts=["b"])) == 1
    assert store.series(content_ids=["none"]).empty


def test_polling_known_series_uses_up_no_numbers(store: Store):
    """A number of an integer identity spent at each poll of 8,685 series would be gone within three years."""
    for minute in range(3):
        store.write(frame_of([1.0], start=START + timedelta(minutes=minute)), HERE, now=NOW)

    store.write(frame_of([1.0], account="MSFT"), HERE, now=NOW)

    assert store.series()["series_id"].tolist() == [1, 2]


def test_the_newest_row_says_what_the_series_is(store: Store):
    old = frame_of([1.0]).assign(content_type="tweet", tags=[{"v": 1}])
    new = frame_of([1.0], start=START + timedelta(days=1)).assign(content_type="reel", tags=[{"v": 2}])

    store.write(pd.concat([new, old]), HERE, now=NOW)

    assert store.series()[["content_type", "tags"]].to_numpy().tolist() == [["reel", {"v": 2}]]


def test_soft_faults_are_seen_in_the_view(store: Store):
    """The names are the specification's: quality_score and validation_errors."""
    definition = MetricDefinition("twitter", "mentions", "Mentions", "count", "counter", "increase")
    judging = Store(store.engine, definitions={("twitter", "mentions"): definition})

    judging.write(frame_of([-1.0, 2.0]), HERE, now=NOW)
    judging.write(frame_of([4.0]), HERE, now=NOW)

    with store.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT value, quality_score, validation_errors FROM platform_metrics ORDER BY time")
        ).all()
    assert [tuple(row) for row in rows] == [(4.0, 1.0, None), (2.0, 1.0, None)]
    judging.write(frame_of([-5.0], start=START - timedelta(days=1)), HERE, now=NOW)
    assert judging.read_series([1], *EVER)["quality"].tolist() == [0.5, 1.0, 1.0]
    assert count(store, "point_faults") == 1


def test_the_view_has_the_specifications_columns_and_the_definition_in_force(store: Store):
    columns = [column["name"] for column in sa.inspect(store.engine).get_columns("platform_metrics")]

    assert columns == [
        "time",
        "platform",
        "metric_type",
        "value",
        "content_id",
        "content_type",
        "author_id",
        "tags",
        "metadata",
        "created_at",
        "quality_score",
        "validation_errors",
        "definition_id",
    ]


def test_the_snapshot_is_the_same_for_the_same_rows_in_any_order_and_split(store: Store):
    rows = frame_of([float(i) for i in range(50)])
    store.write(rows.sample(frac=1, random_state=1), HERE, now=NOW)
    whole = store.snapshot_id()
    with store.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE points, collections, series"))

    store.write([rows.iloc[30:], rows.iloc[:30]], HERE, now=NOW)

    assert store.snapshot_id() == whole


def test_a_failed_fetch_is_on_record(store: Store):
    store.record_failure(Collection("twitter", "api", "acme"), "GET /2/users: answered 503")

    with store.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT outcome, error, rows_read FROM collections")).one()
    assert tuple(row) == ("failed", "GET /2/users: answered 503", 0)


def test_writers_at_once_lose_nothing_and_store_nothing_twice(store: Store):
    """All of them need the same new partitions, and half of the rows are the same."""

    def write(number: int) -> int:
        frames = [frame_of([1.0] * 600, minutes=60), frame_of([1.0] * 600, minutes=60, account=f"own{number}")]
        platform = "twitter" if number % 2 else "reddit"
        return store.write([f.assign(platform=platform) for f in frames], Collection(platform, "api"), now=NOW).written

    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(write, range(6)))

    assert sum(written) == count(store, "points") == 600 * 2 + 600 * 6


def test_partitions_are_made_once_by_many_at_once(store: Store):
    days = [(START + timedelta(days=i)).date() for i in range(5)]
    with store.engine.connect() as connection:
        if not is_partitioned(connection):
            pytest.skip("TimescaleDB makes its chunks itself")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: ensure_days(store.engine, days), range(6)))

    assert sum(made) == 5
    with store.engine.connect() as connection:
        assert existing_days(connection) == days


def test_a_database_that_refuses_says_so_in_one_line(store: Store):
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW platform_metrics"))
        connection.execute(sa.text("DROP TABLE points"))

    with pytest.raises(StoreError, match=r"the database refused: .*points") as caught:
        store.write(frame_of([1.0]), HERE, now=NOW)

    assert "\n" not in str(caught.value)


def test_a_chunk_that_contradicts_itself_takes_back_what_an_earlier_chunk_stored(store: Store):
    """As if all three had come in one frame: nobody knows which value is right."""
    result = store.write([frame_of([1.0]), pd.concat([frame_of([1.0]), frame_of([2.0])])], HERE, now=NOW)

    assert (result.written, result.quarantined) == (0, 3)
    assert count(store, "points") == 0


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 4000), st.sampled_from([1.0, 2.0])), min_size=1, max_size=40
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rows=ROWS, shuffled=st.randoms(use_true_random=False), cut=st.integers(0, 40))
def test_what_is_stored_hangs_neither_on_order_nor_on_split_nor_on_repetition(
    store: Store, rows: list[tuple[str, int, float]], shuffled: object, cut: int
):
    """Against a model: a key said with one value is stored, a key said with two is not."""
    with store.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE points, collections, series, quarantine, restatements"))
    order = list(rows)
    shuffled.shuffle(order)  # type: ignore[attr-defined]
    frame = pd.DataFrame(
        {
            "platform": "twitter",
            "metric_type": "mentions",
            "author_id": [account for account, _, _ in order],
            "time": [START + timedelta(minutes=minute) for _, minute, _ in order],
            "value": [value for _, _, value in order],
        }
    )
    said: dict[tuple[str, datetime], set[float]] = {}
    for account, minute, value in rows:
        said.setdefault((account, START + timedelta(minutes=minute)), set()).add(value)
    expected = {key: values.copy().pop() for key, values in said.items() if len(values) == 1}

    first = store.write([frame.iloc[:cut], frame.iloc[cut:]], HERE, now=NOW)
    again = store.write(frame, HERE, now=NOW)

    assert stored(store) == expected
    assert first.written == len(expected)
    assert again.written == again.corrected == 0
    assert first.read == first.written + first.duplicate + first.quarantined
