"""A month is closed, restated and verified: what changed is shown number by number, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analytics.cli.report import app
from analytics.errors import InputError
from analytics.jobs.reporting.close import close
from analytics.jobs.reporting.report import make_report
from analytics.jobs.reporting.verify import verify
from analytics.model import Span
from analytics.settings import environment_of
from analytics.store import Collection, closes, open_store
from tests.jobs.reporting.test_report import OCTOBER, with_readings


def change_one(settings, value: float) -> None:
    at = pd.Timestamp("2026-10-15T10:00Z")
    frame = pd.DataFrame(
        {"platform": "twitter", "metric_type": "mentions", "author_id": "acme", "time": [at], "value": value}
    )
    with open_store(settings) as store:
        assert store.write(frame, Collection("twitter", "import", account="acme")).corrected == 1


@pytest.fixture
def filled(settings):
    return with_readings(settings)


@pytest.fixture(scope="module")
def october(shared_settings):
    """An installation with a report of October, in HTML and JSON."""
    filled = with_readings(shared_settings)
    return filled, make_report(filled, "traffic", month=OCTOBER, formats=("html", "csv", "json")).files


@pytest.fixture(scope="module")
def short(october):
    """A report of two weeks, with the sections that its params name."""
    settings, _ = october
    (settings.params_dir / "reports" / "short.yaml").write_text(
        "notebook: custom\ntitle: Short\nsections: [coverage, trends]\nalgorithm: ewma\n"
    )
    days = Span.parse("2026-10-05--2026-10-18")
    return make_report(settings, "short", month=days, formats=("html", "json")).files


def copied(files, folder: Path) -> dict[str, Path]:
    """The report's whole folder elsewhere, as somebody may have it."""
    shutil.copytree(files["json"].parent, folder)
    return {kind: folder / path.name for kind, path in files.items()}


@pytest.mark.parametrize("kind", ["html", "ipynb", "provenance"])
def test_a_report_is_what_the_store_gives(october, kind):
    """Each file is compared with its own kind."""
    settings, files = october

    found = verify(settings, files[kind])

    assert (found.differences, found.places, found.same_bytes, found.compared > 100) == ((), (), True, True)


def test_a_figure_altered_by_hand_is_found(october, tmp_path):
    settings, files = october
    altered = copied(files, tmp_path / "copy")["json"]
    content = json.loads(altered.read_text())
    content["daily"]["rows"][3][7] += 1
    altered.write_text(json.dumps(content))

    found = verify(settings, altered)

    assert [d.where for d in found.differences] == ["Daily figures: 2026-10-04, twitter, acme, mentions: amount"]
    assert (found.reasons, found.was_changed) == ((), True)


@pytest.mark.parametrize(
    ("kind", "pattern", "with_record"),
    [
        ("html", r'(class="tile-value"[^>]*>)[0-9.]+', True),
        ("csv", r"(2026-10-07,(?:[^,\n]*,){6})[0-9.]+", False),
    ],
)
def test_a_page_altered_by_hand_is_found_though_the_figures_beside_it_stand(
    october, tmp_path, monkeypatch, kind, pattern, with_record
):
    """The file that was asked about is what is compared; without a record of the program it is not proved either."""
    settings, files = october
    copies = copied(files, tmp_path / "copy")
    before = copies[kind].read_text("utf-8")
    altered, hits = re.subn(pattern, r"\g<1>999999", before, count=1)
    copies[kind].write_text(altered, "utf-8")
    if not with_record:
        (tmp_path / "copy" / "traffic-2026-10.stamp").unlink()
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)

    found = verify(settings, copies[kind])

    assert hits == 1
    assert (found.differences, found.same_bytes, found.was_changed) == ((), False, with_record)
    assert any("999999" in place.shown and "999999" not in place.now for place in found.places)
    if with_record:
        said = CliRunner().invoke(app, ["verify", str(copies[kind])])
        assert said.exit_code != 0
        assert "was changed" in str(said.exception)


def test_a_reading_changed_after_the_close_is_found_and_restated(october):
    """Exactly the figures that rest on it differ, and the snapshot says why. It comes last: it changes the store."""
    settings, files = october
    with open_store(settings) as store:
        closed = close(settings, store, "traffic", OCTOBER, by="ana", early=True)
    change_one(settings, 1000.0)

    after = verify(settings, files["json"])

    assert (closed.kept, closed.before) == (1, 0)
    days = [d.where for d in after.differences if d.where.startswith("Daily figures")]
    assert days == ["Daily figures: 2026-10-15, twitter, acme, mentions: amount"]
    assert any("snapshot" in reason for reason in after.reasons)
    restated = {d.where.rpartition(": ")[2]: d.now for d in after.differences if d.where.startswith("Restated")}
    assert restated["Difference"] == pytest.approx(restated["Now"] - restated["At the close"])
    assert restated["Difference"] > 0


def test_what_was_closed_once_stays(filled):
    with open_store(filled) as store:
        close(filled, store, "traffic", OCTOBER, by="ana", early=True)
        first = closes.select(store, "2026-10")
        change_one(filled, 1000.0)
        again = close(filled, store, "traffic", OCTOBER, by="bob", early=True)

        assert (again.kept, again.before) == (0, 1)
        assert closes.select(store, "2026-10") == first


def test_a_month_that_has_not_ended_is_not_closed_by_mistake(filled):
    with open_store(filled) as store, pytest.raises(InputError, match="may be restated until 2026-11-30"):
        close(filled, store, "traffic", Span.parse("2026-10-20--2026-11-29"), by="ana")


def test_closing_early_says_what_may_still_change_and_for_whose_days(filled):
    with open_store(filled) as store:
        done = close(
            filled, store, "traffic", Span.parse("2026-10-20--2026-11-29"), by="ana", early=True, timezone="Asia/Tokyo"
        )

    assert done.timezone == "Asia/Tokyo"
    assert "may be restated until 2026-11-29 15:00 UTC" in done.unsettled


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.txt", "", "no file of a report"),
        ("x.html", "", "needs it beside"),
        ("x.json", "[]", "holds no report"),
        ("x.json", "{", "holds no report"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_words(filled, tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        verify(filled, path)


def test_any_run_of_days_makes_a_report(short):
    """Compared with as many days before, weekdays alike."""
    content = json.loads(short["json"].read_text())

    assert content["period"] == "5–18 October 2026"
    assert [row[0] for row in content["daily"]["rows"]] == [f"2026-10-{day:02d}" for day in range(5, 19)]
    trend = next(t for t in content["tables"] if "against other" in t["title"])
    assert trend["rows"][0][2] is not None


def test_a_report_of_ones_own_has_the_sections_named_in_their_order(short):
    page = short["html"].read_text("utf-8")

    assert re.findall(r"<h2[^>]*>([^<]*)<", page)[:2] == ["Method and data", "Trends"]
    assert "Anomaly analysis" not in page
