"""Dashboards' files into a real store: all of them or none, and the same file again changes nothing."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from analytics.errors import DataFileError
from analytics.jobs.collecting.exports import downloaded_at, import_exports
from analytics.store import open_store

DAYS = "Date,Impressions,Engagements,Profile visits\n2026-10-30,100,7,3\n2026-10-31,120,--,5\n"
VIDEOS = "Content,Video title,Views\nTotal,,300\nabc,First,200\ndef,Second,100\n"


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def files(tmp_path):
    def write(**contents):
        paths = [tmp_path / f"{name}.csv" for name in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_text(content)
        return paths

    return write


def test_figures_end_in_the_store_once(store, files):
    paths = files(account_overview=DAYS, Content=VIDEOS)

    first, second = (import_exports(store, paths, account="acme") for _ in range(2))

    assert [one.total("written") for one in first] == [5, 2]
    assert [one.total("unknown") for one in first] == [1, 0]
    assert [one.total("written") + one.total("corrected") for one in second] == [0, 0]
    kept = store.series()
    assert set(kept["platform"]) == {"twitter", "youtube"}
    assert set(kept["author_id"]) == {"acme"}
    with store.begin() as connection:
        assert not connection.scalar(sa.text("SELECT count(*) FROM platform_metrics WHERE definition_id IS NULL"))


def test_a_fault_in_the_last_file_keeps_out_the_first(store, files):
    paths = files(good=DAYS, bad=VIDEOS.replace("100", "lots"))

    with pytest.raises(DataFileError, match=r"bad.csv: line 4: views: expected a number, found 'lots'"):
        import_exports(store, paths, account="acme")

    assert store.series().empty


def test_totals_are_dated_by_the_files_name_wherever_it_is_copied(store, files, tmp_path):
    """A copy has another date of its own: its figures must be the same points."""
    (path,) = files(**{"Content 2026-10-01_2026-11-01 Acme": VIDEOS})
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    later = path.stat().st_mtime + 86_400
    os.utime(copy, (later, later))

    (first,), (second,) = (import_exports(store, [one], account="acme") for one in (path, copy))

    assert first.at == second.at == datetime(2026, 11, 2, tzinfo=UTC)
    assert second.total("duplicate") == 2


def test_a_file_without_a_day_in_its_name_has_its_own_date(files):
    (path,) = files(stats=VIDEOS)
    os.utime(path, (1_795_000_000, 1_795_000_000))

    assert downloaded_at(path) == datetime.fromtimestamp(1_795_000_000, UTC)


@pytest.mark.parametrize(("name", "said"), [("gone.csv", "no such file"), ("", "is a folder")])
def test_what_is_no_file_is_said(store, tmp_path, name, said):
    with pytest.raises(DataFileError, match=said):
        import_exports(store, [tmp_path / name], account="acme")
