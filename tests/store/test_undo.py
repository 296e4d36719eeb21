"""An import that was a mistake is taken back: readings, corrections, series, quarantine and rollups are as before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.store import Collection, open_store
from analytics.store.undo import Undone, imports, undo

START = datetime(2026, 10, 1, tzinfo=UTC)
EVER = (START - timedelta(days=9), START + timedelta(days=99))


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def load(store, values, *, account="acme", method="import", first=START, metric="mentions"):
    frame = pd.DataFrame({"time": pd.date_range(first, periods=len(values), freq="D"), "value": values})
    frame = frame.assign(platform="twitter", metric_type=metric, author_id=account)
    return store.write(frame, Collection("twitter", method, account, "in.csv")).collection_id


def state(store):
    known = store.series()
    read = store.read_series(known["series_id"].tolist(), *EVER)[["series_id", "time", "value"]]
    days = store.read_buckets(known["series_id"].tolist(), *EVER, unit="day")[["series_id", "bucket", "sum_value"]]
    with store.begin() as connection:
        restated = connection.scalar(sa.text("SELECT count(*) FROM restatements"))
    return known.to_dict("records"), read.to_dict("records"), days.to_dict("records"), restated


def take_back(store, number):
    with store.begin() as connection:
        done = undo(connection, number)
    store.roll_up(now=START + timedelta(days=50))
    return done


def test_everything_is_as_before(store):
    """It corrected another's readings, added newer ones, and began a series."""
    load(store, [1.0, 2.0, 3.0], method="api")
    store.roll_up(now=START + timedelta(days=50))
    before = state(store)
    number = load(store, [1.0, 20.0, 30.0, 40.0])
    other = load(store, [5.0], account="acmee")
    assert state(store) != before

    done = [take_back(store, other), take_back(store, number)]

    assert done == [Undone(1, 0, 1), Undone(1, 2, 0)]
    assert state(store) == before


def test_what_was_corrected_since_stays(store):
    load(store, [1.0], method="api")
    number = load(store, [10.0])
    load(store, [11.0], method="api")

    take_back(store, number)

    assert [row["value"] for row in state(store)[1]] == [11.0]


@pytest.mark.parametrize("before", [[], [1.0]], ids=["nothing before", "a poll before"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["older first", "newer first"])
def test_two_imports_of_one_time_can_be_undone_in_either_order(store, before, order):
    """The newer one's correction named the older one's value as what was there before."""
    if before:
        load(store, before, method="api")
    numbers = [load(store, [10.0]), load(store, [20.0])]

    for place in order:
        take_back(store, numbers[place])

    _, read, days, restated = state(store)
    assert ([row["value"] for row in read], [row["sum_value"] for row in days], restated) == (before, before, 0)


def test_a_poll_that_put_an_import_right_corrects_nothing_once_it_is_undone(store):
    load(store, [1.0], method="api")
    number = load(store, [10.0])
    load(store, [1.0], method="api")

    take_back(store, number)

    _, read, _, restated = state(store)
    assert ([row["value"] for row in read], restated) == ([1.0], 0)


def test_its_rows_in_quarantine_go_with_it(store):
    number = load(store, [float("inf"), 1.0])
    assert len(store.quarantine_list()) == 1

    take_back(store, number)

    assert store.quarantine_list().empty


def test_only_an_import_can_be_undone_and_only_once(store):
    polled, number = load(store, [1.0], method="api"), load(store, [2.0], account="b")
    take_back(store, number)

    for wrong, said in ((polled, "no such import"), (999, "no such import"), (number, "was undone before")):
        with pytest.raises(InputError, match=said), store.begin() as connection:
            undo(connection, wrong)
    with store.begin() as connection:
        assert [(row.collection_id, row.is_undone) for row in imports(connection)] == [(number, True)]


def test_the_same_file_can_be_imported_again(store):
    number = load(store, [1.0, 2.0])
    take_back(store, number)

    load(store, [1.0, 2.0])

    assert [row["value"] for row in state(store)[1]] == [1.0, 2.0]
