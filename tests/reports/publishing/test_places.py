"""Files of two runs never lie together: not after a rerun, not after a kill, not for two processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from analytics.errors import InputError
from analytics.reports.publishing import site
from analytics.reports.publishing.places import KEPT_RUNS, locked, new_folder, new_run, place_for, place_name
from tests.reports.publishing.test_site import BRAND, DRAFT

KINDS = ("html", "pdf", "csv")
SPAWN = multiprocessing.get_context("spawn")


def run_of(place: Path, text: str, kinds: tuple[str, ...] = KINDS) -> Path:
    """A run whose every file holds `text`."""
    with locked(place.parent / ".runs" / "lock"), new_run(place) as run:
        for kind in kinds:
            (run.folder / f"r.{kind}").write_text(text)
    return run.folder


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file() and path.name[0] != "."}


def test_a_place_shows_the_newest_run_alone_and_the_one_before_keeps_its_files(tmp_path):
    place = tmp_path / "2026-10"
    first = run_of(place, "first")

    run_of(place, "second", ("html",))

    assert texts(place) == {"r.html": "second"}
    assert texts(first) == {f"r.{kind}": "first" for kind in KINDS}


def test_only_the_newest_runs_are_kept(tmp_path):
    for n in range(KEPT_RUNS + 8):
        run_of(tmp_path / "2026-10", str(n))

    kept = sorted(path.name for path in (tmp_path / ".runs").glob("2026-10.*"))
    assert kept == sorted(f"2026-10.{n + 1}" for n in range(8, KEPT_RUNS + 8))


def test_a_folder_of_an_earlier_release_becomes_a_run(tmp_path):
    (tmp_path / "2026-10").mkdir()
    (tmp_path / "2026-10" / "r.pdf").write_text("old")

    run_of(tmp_path / "2026-10", "new", ("html",))

    assert texts(tmp_path / "2026-10") == {"r.html": "new"}
    assert texts(tmp_path / ".runs" / "2026-10.0") == {"r.pdf": "old"}


def test_a_failed_run_leaves_the_place_as_it_was(tmp_path):
    place = tmp_path / "2026-10"
    run_of(place, "first")

    with pytest.raises(FileNotFoundError), new_run(place) as run:
        (run.folder / "no" / "r.html").write_text("half")

    assert texts(place) == {f"r.{kind}": "first" for kind in KINDS}
    assert [path.name for path in (tmp_path / ".runs").iterdir() if path.is_dir()] == ["2026-10.1"]


def _killed_midway(place: Path) -> None:
    with locked(place.parent / ".runs" / "lock"), new_run(place) as run:
        (run.folder / "r.html").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_that_is_killed_gives_the_lock_back_and_is_tidied_by_the_next(tmp_path):
    place = tmp_path / "2026-10"
    run_of(place, "first")
    process = SPAWN.Process(target=_killed_midway, args=(place,))
    process.start()
    process.join()
    shown = texts(place)

    run_of(place, "second")

    assert process.exitcode == -signal.SIGKILL
    assert shown == {f"r.{kind}": "first" for kind in KINDS}
    assert texts(place) == {f"r.{kind}": "second" for kind in KINDS}
    assert not list((tmp_path / ".runs").glob(".new-*"))


def test_a_run_with_fewer_formats_lies_beside_the_one_that_stands(tmp_path):
    run_of(tmp_path / "2026-10", "first")
    suffixes = {kind: f".{kind}" for kind in KINDS}

    assert place_for(tmp_path, "2026-10", "r", suffixes, ("html",)) == tmp_path / "2026-10-html"
    assert place_for(tmp_path, "2026-10", "r", suffixes, (*KINDS, "json")) == tmp_path / "2026-10"
    assert place_for(tmp_path, "2026-09", "r", suffixes, ("html",)) == tmp_path / "2026-09"


def test_runs_with_other_parameters_have_places_of_their_own():
    usual = {"accounts": [], "timezone": "UTC"}
    names = {
        place_name("2026-10", usual | changed, usual)
        for changed in ({}, {"accounts": ["a"]}, {"accounts": ["b"]}, {"accounts": ["../x"], "timezone": "Asia/Tokyo"})
    }

    assert len(names) == 4
    assert "2026-10" in names
    assert not any("/" in name for name in names)


@pytest.mark.parametrize("there", ["folder", "file"])
def test_a_folder_asked_for_must_be_new_or_empty(tmp_path, there):
    out = tmp_path / "out"
    out.mkdir()
    with new_folder(out) as run:
        (run.folder / "r.html").write_text("mine")
    if there == "file":
        out = out / "r.html"

    with pytest.raises(InputError, match="is not an empty folder"), new_folder(out):
        pytest.fail("nothing is made for a folder that is refused")

    assert texts(tmp_path / "out") == {"r.html": "mine"}


def _publish_often(out: Path, files: Path, text: str) -> None:
    made = {kind: files / f"traffic-2026-10.{kind}" for kind in KINDS}
    files.mkdir()
    for n in range(12):
        for path in made.values():
            path.write_text(f"{text} {n}")
        site.publish(out, replace(DRAFT, seal=f"{text}{n}", snapshot=f"{text}{n}"), made, brand=BRAND)


def test_two_processes_that_publish_at_once_leave_whole_versions_and_links(tmp_path):
    """Each copied its own files under the lasting names, which then held a mixture for good."""
    out = tmp_path / "site"
    started = [SPAWN.Process(target=_publish_often, args=(out, tmp_path / name, name)) for name in ("one", "two")]
    for process in started:
        process.start()
    for process in started:
        process.join()

    versions = site.versions(out, "traffic", "2026-10")
    assert [process.exitcode for process in started] == [0, 0]
    assert [v.version for v in versions] == list(range(1, 25))
    for v in versions:
        assert len({(out / v.folder / name).read_text() for name in v.files.values()}) == 1
    lasting = set(texts(out / "traffic" / "2026-10").values())
    latest = {(out / "traffic" / f"latest.{kind}").read_text() for kind in ("html", "pdf")}
    assert lasting == latest == {(out / versions[-1].folder / "traffic-2026-10.csv").read_text()}


def test_a_killed_publisher_leaves_one_version_under_the_lasting_names(tmp_path):
    """Copied one by one, they were of two versions where the process ended between two of them."""
    out, home = tmp_path / "site", tmp_path / "site" / "traffic" / "2026-10"
    _publish_often(out, tmp_path / "files", "first")
    for n in range(8):
        process = SPAWN.Process(target=_publish_often, args=(out, tmp_path / f"files {n}", f"run {n}"))
        process.start()
        versions = len(site.versions(out))
        while process.is_alive() and len(site.versions(out)) < versions + n % 3 + 1:
            pass
        process.kill()
        process.join()
        assert len(set(texts(home).values())) == 1
        assert len({(out / "traffic" / f"latest.{kind}").read_text() for kind in ("html", "pdf")}) == 1

    _publish_often(out, tmp_path / "last", "last")

    assert set(texts(home).values()) == {"last 11"}
    assert len(list(home.glob(".*"))) == 2  # the link that all go by, and what it leads to


def test_copies_of_an_earlier_release_become_links(tmp_path):
    out, files = tmp_path / "site", tmp_path / "files"
    home = out / "traffic" / "2026-10"
    home.mkdir(parents=True)
    (home / "traffic-2026-10.pdf").write_text("a copy")
    (out / "traffic" / "latest.html").write_text("a copy")

    _publish_often(out, files, "one")

    assert set(texts(home).values()) == {"one 11"}
    assert (out / "traffic" / "latest.html").read_text() == "one 11"


def test_a_rerun_for_fewer_formats_is_published_beside_the_version_that_stands(tmp_path):
    """Its page would stand beside the other's PDF, or break the PDF's link."""
    out, files = tmp_path / "site", tmp_path / "files"
    _publish_often(out, files, "whole")
    page = files / "traffic-2026-10.html"
    page.write_text("newer")
    draft = replace(DRAFT, seal="h", snapshot="h")

    first, again = (site.publish(out, draft, {"html": page}, brand=BRAND) for _ in range(2))

    assert first == again
    assert not first.is_usual
    assert (out / first.address("html")).read_text() == "newer"
    assert set(texts(out / "traffic" / "2026-10").values()) == {"whole 11"}


def test_what_stands_after_a_preview_in_more_formats_is_one_run(tmp_path):
    out, files = tmp_path / "site", tmp_path / "files"
    files.mkdir()
    made = {kind: files / f"traffic-2026-10.{kind}" for kind in KINDS}
    for path in made.values():
        path.write_text("preview")
    preview = replace(DRAFT, published_at="2026-10-20T06:00:00+00:00")
    site.publish(out, preview, made, brand=BRAND)
    made["html"].write_text("final")

    final = site.publish(out, DRAFT, {"html": made["html"]}, brand=BRAND)

    assert final.is_regular
    assert texts(out / "traffic" / "2026-10") == {"traffic-2026-10.html": "final"}
