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
from analytics.reports.display import Column, cover, figures, table
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
