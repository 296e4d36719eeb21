"""Finished work: taken again for the same inputs only, never half of it, never from a folder others write to."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.compute.cache import NOTHING, Kept, forget, kept_in, name_of
from analytics.errors import InsufficientHistory
from analytics.model import SeriesKey

NOW = 1_800_000_000.0
CALLS: list[object] = []


@dataclass(frozen=True)
class Told:
    key: SeriesKey
    values: np.ndarray
    at: datetime
    codes: frozenset[str] = frozenset()
    more: dict[str, float] = field(default_factory=dict)


def doubled(values: np.ndarray, *, by: float = 2.0) -> np.ndarray:
    CALLS.append(by)
    return values * by


def refused(values: np.ndarray) -> np.ndarray:
    CALLS.append(None)
    raise InsufficientHistory("three are too few")


@pytest.fixture(autouse=True)
def _counted():
    CALLS.clear()


def work(tmp_path, **options: float) -> Kept:
    return kept_in(tmp_path / "cache", **{"now": 0.0, **options})


def test_the_same_call_is_made_once_and_gives_the_same_to_the_bit(tmp_path):
    """In another run too: what is kept lies on disk."""
    values = np.array([0.1, np.nan, 3.0])

    first = work(tmp_path).once(doubled, values)
    again = work(tmp_path).once(doubled, values.copy())

    assert CALLS == [2.0]
    assert again.tobytes() == first.tobytes()


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (np.array([1.0, 2.0, 3.0000001]), {}),
        (np.array([1.0, 2.0]), {}),
        (np.array([1, 2, 3]), {}),
        (np.array([1.0, 2.0, 3.0]), {"by": 3.0}),
    ],
)
def test_any_other_input_is_computed(tmp_path, values, options):
    """A value in the last digit, a reading less, another type, another parameter."""
    kept = work(tmp_path)
    kept.once(doubled, np.array([1.0, 2.0, 3.0]))

    kept.once(doubled, values, **options)

    assert len(CALLS) == 2


def test_what_fails_is_tried_again(tmp_path):
    """An error is no result."""
    kept = work(tmp_path)

    for _ in range(2):
        with pytest.raises(InsufficientHistory):
            kept.once(refused, np.array([1.0]))

    assert len(CALLS) == 2


def test_equal_values_have_one_name_in_whatever_order_they_came():
    """Sets and mappings come in the order of a process's hash seed."""
    at = datetime(2026, 10, 1, tzinfo=UTC)
    one = Told(SeriesKey("github", "stars"), np.arange(3.0), at, frozenset("abc"), {"a": 1.0, "b": 2.0})
    same = Told(SeriesKey("github", "stars"), np.arange(3.0), at, frozenset("cba"), {"b": 2.0, "a": 1.0})
    other = Told(SeriesKey("github", "stars"), np.arange(3.0), at + timedelta(days=1), frozenset("abc"))

    names = [name_of(doubled, (told,), {}) for told in (one, same, other)]

    assert names[0] == names[1] != names[2]


def test_a_frame_is_named_by_its_cells():
    """Readings come as frames with aware times."""
    frame = pd.DataFrame({"time": pd.date_range("2026-10-01", periods=3, tz="UTC"), "value": [1.0, 2.0, np.nan]})
    moved = frame.assign(time=frame["time"] + pd.Timedelta(seconds=1))

    names = [name_of(doubled, (given,), {}) for given in (frame, frame.copy(), moved)]

    assert names[0] == names[1] != names[2]


def test_a_value_that_cannot_be_named_is_refused():
    """Named by its address it would be new, or somebody else's, on every run."""
    with pytest.raises(TypeError, match="object"):
        name_of(doubled, (object(),), {})


def test_half_a_file_is_nothing(tmp_path):
    """As a full disk or a power cut may leave it."""
    kept = work(tmp_path)
    kept.once(doubled, np.arange(3.0))
    [path] = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:-10])

    kept.once(doubled, np.arange(3.0))

    assert len(CALLS) == 2


@pytest.mark.skipif(os.name != "posix", reason="rights are told otherwise there")
def test_a_folder_others_may_write_to_is_not_used(tmp_path):
    """What is read back is trusted like code."""
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)

    assert kept_in(folder, now=NOW) == NOTHING


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path):
    """A report is made on a full or read-only disk too."""
    (tmp_path / "cache").write_text("in the way")

    work(tmp_path).once(doubled, np.arange(3.0))

    assert CALLS == [2.0]


def test_old_work_and_too_much_of_it_leave(tmp_path, monkeypatch):
    """The folder takes care of itself; the newest stay."""
    kept = work(tmp_path)
    for age_days, count in ((3, 1), (1, 2), (0, 3)):
        before = set((tmp_path / "cache").iterdir())
        kept.once(doubled, np.arange(float(count)))
        [made] = set((tmp_path / "cache").iterdir()) - before
        os.utime(made, (NOW - age_days * 86_400,) * 2)

    work(tmp_path, now=NOW)
    after_age = len(list((tmp_path / "cache").iterdir()))
    monkeypatch.setattr("analytics.compute.cache.MOST_BYTES", 300)
    work(tmp_path).once(doubled, np.arange(3.0))

    assert after_age == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert CALLS == [2.0] * 3


def test_all_of_it_can_be_forgotten(tmp_path):
    """When readings had to be deleted, what was made from them goes too."""
    work(tmp_path).once(doubled, np.arange(3.0))

    forget(tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []
