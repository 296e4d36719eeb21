"""Data files of a report: the figures of its pages, the same bytes every time, and no formula from outside."""

from __future__ import annotations

import io
import json

import nbformat
import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from analytics.errors import ReportError
from analytics.reports.document.display import Column, Tile, cover, figures, literal, prose, table, tiles
from analytics.reports.exporters.data import exported, sheets

HOSTILE = '=HYPERLINK("http://evil")'


def notebook(*shown) -> nbformat.NotebookNode:
    outputs = [
        nbformat.v4.new_output("display_data", data=block.data, metadata=block.metadata)
        for block in (cover(title="T", period="October 2026", brand="Acme"), *shown)
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])


@pytest.fixture
def made() -> nbformat.NotebookNode:
    daily = pd.DataFrame(
        {
            "day": ["2026-10-01", "2026-10-02"],
            "platform": "x",
            "account": HOSTILE,
            "amount": [12.0, None],
            "readings_received_ratio": [1.0, 0.0],
        }
    )
    rows = pd.DataFrame({"series": [HOSTILE, "b"], "total": [1_234_567.0, None], "change": [0.125, -0.5]})
    columns = [Column("series", "Series"), Column("total", "Month", "compact", "views"), Column("change", "", "change")]
    return notebook(table(rows, caption="What: a/b?", columns=columns), figures(daily, title="Daily figures"))


def test_numbers_are_those_of_the_page_before_rounding_and_the_unknown_is_empty(made):
    (sheet,) = sheets(made)

    assert sheet.headings == ["Series", "Month (views)", "change"]
    assert sheet.rows == ((HOSTILE, 1_234_567.0, 0.125), ("b", None, -0.5))


def test_no_text_from_outside_becomes_a_formula(made):
    """In CSV it is marked as text, in a workbook it has the type of text."""
    book = load_workbook(io.BytesIO(exported(made, "xlsx")))
    page = book["What a b"]

    assert exported(made, "csv").decode().splitlines()[1:] == [
        '2026-10-01,x,"\'=HYPERLINK(""http://evil"")",12,1',
        '2026-10-02,x,"\'=HYPERLINK(""http://evil"")",,0',
    ]
    assert (page["A2"].value, page["A2"].data_type) == (HOSTILE, "s")
    assert [page["B2"].value, page["B3"].value, page.freeze_panes] == [1_234_567, None, "A2"]


def test_a_workbook_writes_a_value_in_its_columns_form():
    """Ratios as per cent, seconds with their unit, days and instants as dates, the note and whole title below."""
    moment = pd.Timestamp("2026-10-20 12:30", tz="Europe/Berlin")
    rows = pd.DataFrame(
        {"at": [moment, moment.date()], "band": [0.97, 1.0], "change": [0.05, -0.5], "lasted": 172_800.0}
    )
    columns = [
        Column("at", "Began", "datetime"),
        Column("band", "In band", "percent"),
        Column("change", "Change", "change"),
        Column("lasted", "Lasted", "duration"),
    ]
    caption = "Every event, by the rule that told it"
    days = pd.DataFrame({"day": ["2026-10-01"], "amount": [12.0], "readings_received_ratio": [0.5]})
    tile = Tile("Acme =views", 3_570_000.0, unit="views", delta="+6.2 % on September 2026", note="1 incident")
    made = notebook(
        tiles([tile]),
        prose(f"- {literal('=2 of *ours*')} rose.\n- Nothing is missing."),
        table(rows, caption=caption, columns=columns, note="Statistical: outside."),
        figures(days, title="Daily figures"),
    )

    book = load_workbook(io.BytesIO(exported(made, "xlsx")))
    page, first, daily = book["Every event, by the rule that"], book["Report"], book["Daily figures"]

    assert [cell.value for cell in page[1]] == ["Began", "In band", "Change", "Lasted (s)"]
    assert [cell.value for cell in page[2]] == [pd.Timestamp("2026-10-20 12:30"), 0.97, 0.05, 172_800]
    assert [cell.number_format for cell in page[2]] == ["yyyy-mm-dd hh:mm", "0.0%", "+0.0%;-0.0%;0.0%", "#,##0"]
    assert (page["A3"].value, page["A3"].number_format) == (pd.Timestamp("2026-10-20"), "yyyy-mm-dd")
    assert [page["A5"].value, page["A6"].value] == [caption, "Statistical: outside."]
    assert [cell.value for cell in daily[2]] == [pd.Timestamp("2026-10-01"), 12, 0.5]
    assert [cell.number_format for cell in daily[2]] == ["yyyy-mm-dd", "#,##0", "0.0%"]
    said = [tuple(cell.value for cell in row if cell.value is not None) for row in first.iter_rows()]
    assert ("Acme =views", 3_570_000, "views", "1 incident", "+6.2 % on September 2026") in said
    assert ("=2 of *ours* rose.",) in said
    assert ("Nothing is missing.",) in said
    assert {cell.data_type for row in first.iter_rows() for cell in row} <= {"s", "n"}, "no formula"


def test_parquet_and_json_keep_types_and_unknowns(made):
    daily = pq.read_table(io.BytesIO(exported(made, "parquet")))
    content = json.loads(exported(made, "json"))

    assert [str(field.type) for field in daily.schema][:4] == ["date32[day]", "string", "string", "double"]
    assert daily["amount"].to_pylist() == [12.0, None]
    assert content["daily"]["rows"][1][3] is None
    assert content["tables"][0]["columns"][1] == {"name": "Month", "unit": "views"}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "parquet"])
def test_the_same_notebook_gives_the_same_bytes(made, kind):
    assert exported(made, kind) == exported(made, kind)


def test_a_failed_notebook_has_no_figures(made):
    made.cells[0].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="v", traceback=[]))

    with pytest.raises(ReportError, match="failed with E"):
        exported(made, "csv")
