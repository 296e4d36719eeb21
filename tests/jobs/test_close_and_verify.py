"""A month is closed, restated and verified: what changed is shown number by number, and nothing else."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from analytics.errors import InputError, ReportError
from analytics.jobs.close import close
from analytics.jobs.report import make_report
from analytics.jobs.verify import verify
from analytics.model import Span
from analytics.store import Collection, closes, open_store
from tests.jobs.test_report import OCTOBER, filled, installation  # noqa: F401 fixtures


def change_one(settings, value: float) -> None:
    at = pd.Timestamp("2026-10-15T10:00Z")
    frame = pd.DataFrame(
        {"platform": "twitter", "metric_type": "mentions", "author_id": "acme", "time": [at], "value": value}
    )
    with open_store(settings) as store:
        assert store.write(frame, Collection("twitter", "import", account="acme")).corrected == 1


def test_a_report_is_what_the_store_gives_until_the_data_change(filled):  # noqa: F811
    """Then exactly the figures that rest on the changed reading differ, and the snapshot says why."""
    made = make_report(filled, "traffic", month=OCTOBER, formats=("html", "json"))
    before = verify(filled, made.files["html"])
    with open_store(filled) as store:
        closed = close(filled, store, "traffic", OCTOBER, by="ana", early=True)
    change_one(filled, 1000.0)

    after = verify(filled, made.files["html"])
    again = make_report(filled, "traffic", month=OCTOBER, formats=("json",))
    content = json.loads(again.files["json"].read_text())
    restated = next(t for t in content["tables"] if t["title"].startswith("Restated"))

    assert (before.differences, before.same_bytes, before.compared > 100) == ((), True, True)
    assert (closed.kept, closed.before) == (1, 0)
    days = [d.where for d in after.differences if d.where.startswith("Daily figures")]
    assert days == ["Daily figures: 2026-10-15, twitter, acme, mentions: amount"]
    assert any("snapshot" in reason for reason in after.reasons)
    (row,) = restated["rows"]
    assert row[3] == pytest.approx(row[2] - row[1])
    assert row[3] > 0


def test_a_figure_altered_by_hand_is_found(filled):  # noqa: F811
    made = make_report(filled, "traffic", month=OCTOBER, formats=("json",))
    content = json.loads(made.files["json"].read_text())
    content["daily"]["rows"][3][7] += 1
    made.files["json"].write_text(json.dumps(content))

    found = verify(filled, made.files["json"])

    assert [d.where for d in found.differences] == ["Daily figures: 2026-10-04, twitter, acme, mentions: amount"]
    assert "the file was changed" in found.reasons[0]


def test_what_was_closed_once_stays(filled):  # noqa: F811
    with open_store(filled) as store:
        close(filled, store, "traffic", OCTOBER, by="ana", early=True)
        first = closes.select(store, "2026-10", "UTC")
        change_one(filled, 1000.0)
        again = close(filled, store, "traffic", OCTOBER, by="bob", early=True)

        assert (again.kept, again.before) == (0, 1)
        assert closes.select(store, "2026-10", "UTC") == first


def test_a_month_that_has_not_ended_is_not_closed_by_mistake(filled):  # noqa: F811
    with open_store(filled) as store, pytest.raises(InputError, match="may be restated until 2026-11-30"):
        close(filled, store, "traffic", Span.parse("2026-10-20--2026-11-29"), by="ana")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.txt", "", "no file of a report"),
        ("x.html", "", "needs it beside"),
        ("x.json", "[]", "holds no report"),
        ("x.json", "{", "holds no report"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_words(filled, tmp_path, name, text, said):  # noqa: F811
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        verify(filled, path)


def test_any_run_of_days_makes_a_report(filled):  # noqa: F811
    """Compared with as many days before, weekdays alike."""
    made = make_report(filled, "traffic", month=Span.parse("2026-10-05--2026-10-18"), formats=("json",))

    content = json.loads(made.files["json"].read_text())

    assert content["period"] == "5 October to 18 October 2026"
    assert [row[0] for row in content["daily"]["rows"]] == [f"2026-10-{day:02d}" for day in range(5, 19)]
    trend = next(t for t in content["tables"] if "against other" in t["title"])
    assert trend["rows"][0][2] is not None


def test_a_report_of_ones_own_has_the_sections_named_in_their_order(filled):  # noqa: F811
    (filled.params_dir / "reports" / "short.yaml").write_text(
        "notebook: custom\ntitle: Short\nsections: [coverage, summary]\nalgorithm: ewma\n"
    )

    made = make_report(filled, "short", month=OCTOBER, formats=("html",))

    page = made.files["html"].read_text("utf-8")
    assert re.findall(r"<h2[^>]*>([^<]*)<", page)[:2] == ["Method and data", "Executive summary"]
    assert "Anomaly analysis" not in page


def test_a_section_there_is_none_of_is_named_with_the_nearest(filled):  # noqa: F811
    (filled.params_dir / "reports" / "short.yaml").write_text("notebook: custom\nsections: [sumary]\n")

    with pytest.raises(ReportError, match="did you mean 'summary'"):
        make_report(filled, "short", month=OCTOBER, formats=("html",))
