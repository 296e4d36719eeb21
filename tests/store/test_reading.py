"""What is read is what was written, at the instant it was observed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from analytics.errors import InputError
from analytics.store import Collection, Store
from analytics.store.copying import copy_in, copy_out
from analytics.store.engine import driver_cursor

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def fill(store: Store, accounts: int = 3, days: int = 3) -> None:
    times = pd.date_range(START, periods=24 * days, freq="h")
    for account in range(accounts):
        frame = pd.DataFrame(
            {"platform": "reddit", "metric_type": "posts", "author_id": str(account), "time": times, "value": 1.5}
        )
        store.write(frame, Collection("reddit", "import"), now=NOW)


def test_a_period_is_read_half_open_and_sorted_across_partitions(store: Store):
    fill(store)

    frame = store.read_series([3, 1], START, START + timedelta(days=2))

    assert len(frame) == 2 * 48
    assert frame["series_id"].is_monotonic_increasing
    assert frame.groupby("series_id")["time"].is_monotonic_increasing.all()
    assert frame["time"].max() == START + timedelta(hours=47)


def test_columns_have_their_types_even_when_nothing_is_found(store: Store):
    empty = store.read_series([], START, NOW)

    assert {name: str(kind) for name, kind in empty.dtypes.items()} == {
        "series_id": "int32",
        "time": "datetime64[us, UTC]",
        "value": "float64",
        "quality": "float32",
        "tier": "category",
        "resolution_s": "int32",
    }
    assert str(store.series()["first_time"].dtype) == "datetime64[us, UTC]"


def test_a_period_in_another_zone_means_the_same_instants(store: Store):
    fill(store, accounts=1)
    kolkata = ZoneInfo("Asia/Kolkata")

    frame = store.read_series([1], START.astimezone(kolkata), (START + timedelta(hours=1)).astimezone(kolkata))

    assert frame["time"].tolist() == [pd.Timestamp(START)]


def test_a_period_without_a_zone_is_refused(store: Store):
    with pytest.raises(InputError, match="need a time zone"):
        store.read_series([1], datetime(2026, 10, 1), NOW)  # noqa: DTZ001 the fault under test


def test_microseconds_and_extremes_survive(store: Store):
    values = [1e308, -1e-308, 0.1 + 0.2, -0.0, 2.0**53]
    times = pd.DatetimeIndex([f"2026-10-01T00:00:0{i}.12345{i}Z" for i in range(5)])
    frame = pd.DataFrame({"platform": "x", "metric_type": "m", "time": times, "value": values})

    store.write(frame, Collection("x", "import"), now=NOW)
    found = store.read_series([1], START, NOW)

    assert found["value"].tolist() == values
    assert found["time"].tolist() == list(times)


def test_the_wire_format_goes_there_and_back(store: Store):
    """Values at the ends of their types, of two series mixed, through the server's own reading and writing."""
    times = np.array(["1999-12-31T23:59:59.999999", "2026-10-01", "2026-10-02"], dtype="datetime64[us]")
    columns = [
        np.array([1, -2, 1], np.int32),
        times,
        np.array([1.5, np.inf, -1e308]),
        np.array([0.5, np.nan, 1], np.float32),
    ]
    types = {"number": "int4", "at": "timestamptz", "value": "float8", "quality": "float4"}

    with store.begin() as connection, driver_cursor(connection) as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE wire ({', '.join(f'{n} {t}' for n, t in types.items())})".encode())
        nothing = copy_out(cursor, "SELECT * FROM wire", [], list(types.values()))
        copy_in(cursor, "wire", types, columns)
        found = copy_out(cursor, "SELECT * FROM wire WHERE number < %s", [9], list(types.values()))
        cursor.execute(b"INSERT INTO wire VALUES (1, 'epoch', NULL, 0)")
        with pytest.raises(ValueError, match="without NULL"):
            copy_out(cursor, "SELECT * FROM wire", [], list(types.values()))

    order = np.lexsort((found[1], found[0]))
    for column, back, none in zip(columns, found, nothing, strict=True):
        np.testing.assert_array_equal(column[[1, 0, 2]], back[order])
        assert back.dtype == column.dtype == none.dtype
        assert none.size == 0
