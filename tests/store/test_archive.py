"""The cold tier: on a folder and on an object store the same, and never believed unread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analytics.errors import StoreError
from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive, checksum

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
DAY = date(2026, 8, 10)
POLICY = {"adapter": "x", "display_name": "x", "policy": {"archive_raw": True}}
KEEP_RAW = Params.model_validate({"platforms": {"reddit": POLICY}})


def table_of(values: list[float]) -> pa.Table:
    times = pd.date_range(DAY, periods=len(values), freq="5min", tz="UTC").as_unit("us")
    return pa.table({"series_id": pa.array([1] * len(values), pa.int32()), "time": times, "value": values})


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on a server that speaks S3, on loopback."""
    from moto.server import ThreadedMotoServer

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    endpoint = quote(f"http://127.0.0.1:{port}", safe="")
    url = f"s3://archive/analytics?endpoint_override={endpoint}&region=us-east-1&allow_bucket_creation=true"
    Archive(url.replace("archive/analytics", "archive"))._files.create_dir("archive")
    yield url
    server.stop()


def test_the_lifecycle_runs_on_an_object_store(store: Store, object_store: str):
    store.archive = Archive(object_store)
    times = pd.date_range(DAY, periods=288, freq="5min", tz="UTC")
    frame = pd.DataFrame({"platform": "reddit", "metric_type": "posts", "time": times, "value": np.arange(288.0)})
    store.write(frame, Collection("reddit", "import"), now=NOW)
    before = store.read_series([1], datetime(2026, 8, 1, tzinfo=UTC), NOW)

    store.lifecycle_run(KEEP_RAW, now=NOW)

    after = store.read_series([1], datetime(2026, 8, 1, tzinfo=UTC), NOW)
    pd.testing.assert_frame_equal(before.drop(columns="tier"), after.drop(columns="tier"))
    days = store.read_buckets([1], datetime(2026, 8, 1, tzinfo=UTC), NOW, unit="day")
    assert days[["n", "sum_value", "tier"]].to_numpy().tolist() == [[288, sum(range(288)), "cold"]]


def test_a_file_is_named_by_its_content_and_written_twice_is_one(tmp_path: Path):
    archive = Archive(tmp_path)

    first = archive.write("a/b c", DAY, "raw", table_of([1.0, 2.0]))
    again = archive.write("a/b c", DAY, "raw", table_of([1.0, 2.0]))

    assert first == again
    assert "platform=a%2Fb%20c/" in first.location
    assert len(list(tmp_path.rglob("*.parquet"))) == 1
    assert archive.read(first.location, series_ids=[2]).num_rows == 0


def test_left_overs_beside_a_file_are_removed_and_nothing_else(tmp_path: Path):
    archive = Archive(tmp_path)
    archive.write("x", DAY, "raw", table_of([1.0]))
    other = archive.write("x", DAY, "daily", table_of([1.0]))
    kept = archive.write("x", DAY, "raw", table_of([2.0]))

    archive.keep_only(kept)

    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    assert found == sorted([kept.location, other.location])


def test_the_checksum_tells_values_rows_and_columns_apart():
    same = pa.concat_tables([table_of([1.0]), table_of([1.0, 2.0]).slice(1)])

    assert checksum(table_of([1.0, 2.0])) == checksum(same)
    assert checksum(table_of([1.0, 2.0])) != checksum(table_of([2.0, 1.0]))
    assert checksum(table_of([1.0])) != checksum(table_of([1.0]).rename_columns(["series_id", "time", "other"]))


@pytest.mark.parametrize("url", ["s4://bucket/x", "s3:///x"])
def test_an_address_that_is_none_is_refused(url: str):
    with pytest.raises(StoreError, match="archive s"):
        Archive(url)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(StoreError, match="archive"):
        Archive(tmp_path / "file").write("x", DAY, "raw", table_of([1.0]))


def test_the_archive_is_this_accounts_alone(tmp_path: Path):
    Archive(tmp_path / "archive").write("github", date(2026, 10, 1), "raw", table_of([1.0]))

    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o700
