"""A report's figures as files: CSV and Parquet of the daily figures, Excel and JSON of those and every table.

All are made from the executed notebook, so they hold what the pages show. Text from outside stays text: no cell becomes
a formula in a spreadsheet. The same notebook gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbformat import NotebookNode

from analytics.reports.document.blocks import COVER, DATA, PROSE, TABLE, TILES
from analytics.reports.exporters.common import document, language_of
from analytics.wording.language import mark, say

Cell = str | float | None
FORMULA = ("=", "+", "-", "@", "\t", "\r")
SHEET_NAME = 31  # Excel's longest
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
UNITS = {"duration": "s"}
DAILY_KINDS = {"day": "date", "readings_received_ratio": "percent"}
NUMBER_FORMATS = {"percent": "0.0%", "change": "+0.0%;-0.0%;0.0%", "date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm"}
FIXED = (2000, 1, 1, 0, 0, 0)  # a date for files inside the workbook: none of them depends on the day


@dataclass(frozen=True)
class Sheet:
    """One table: a title, its columns (name, unit) and rows; `kinds` says how each column is written on the page."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def headings(self) -> list[str]:
        """Names with their units in brackets."""
        return [f"{name} ({unit})" if unit else name for name, unit in self.columns]


def exported(notebook: NotebookNode, kind: str) -> bytes:
    """The notebook's figures as `csv`, `xlsx`, `json` or `parquet`; raises `ReportError` where a cell failed."""
    document(notebook, "html")  # refuses a failed notebook
    return {"csv": _csv, "xlsx": _xlsx, "json": _json, "parquet": _parquet}[kind](notebook)


def daily(notebook: NotebookNode) -> Sheet:
    """The daily figures of every series."""
    for data, _ in _outputs(notebook):
        if DATA in data:
            payload = data[DATA]
            return Sheet(
                payload["title"],
                tuple((c["name"], c.get("unit", "")) for c in payload["columns"]),
                tuple(tuple(row) for row in payload["rows"]),
                kinds=tuple(DAILY_KINDS.get(c["name"], "text") for c in payload["columns"]),
            )
    return Sheet("Daily figures", (), ())


def sheets(notebook: NotebookNode) -> list[Sheet]:
    """Every table of the report, in its order; numbers as numbers, what is unknown as nothing."""
    found = []
    for data, _ in _outputs(notebook):
        if TABLE in data and data[TABLE]["rows"]:
            payload = data[TABLE]
            columns = payload["columns"]
            keep = [i for i, column in enumerate(columns) if column["kind"] != "spark"]
            found.append(
                Sheet(
                    payload["caption"],
                    tuple((columns[i]["label"], columns[i]["unit"] or UNITS.get(columns[i]["kind"], "")) for i in keep),
                    tuple(tuple(_value(row[i], columns[i]["kind"]) for i in keep) for row in payload["rows"]),
                    payload.get("note", ""),
                    tuple(columns[i]["kind"] for i in keep),
                )
            )
    return found


def _value(cell: dict[str, Any], kind: str) -> Cell:
    if cell.get("missing"):
        return None
    if kind in {"date", "datetime"}:
        return str(cell["sort"])
    return cell["sort"] if isinstance(cell.get("sort"), float) else str(cell["text"])


def _outputs(notebook: NotebookNode) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type in {"display_data", "execute_result"}:
                yield output.data, output.metadata


def _facts(notebook: NotebookNode) -> dict[str, Any]:
    cover = next((dict(data[COVER]) for data, _ in _outputs(notebook) if COVER in data), {})
    names = ("title", "period", "brand", "issued", "facts")
    parameters = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
    return {name: cover[name] for name in names if name in cover} | {"parameters": parameters}


def _headline(notebook: NotebookNode) -> dict[str, Any]:
    """The tiles and the sentences of the summary, as the pages show them."""
    keys = ("label", "value", "unit")
    doc = document(notebook, "html")
    tiles = [
        {key: str(tile.get(key) or "") for key in keys} | {"changes": [str(d["text"]) for d in tile.get("deltas", [])]}
        for block in doc.blocks
        if block["type"] == "tiles"
        for tile in block["tiles"]
    ]
    return {"summary": list(doc.headline), "tiles": tiles}


def as_text(value: Cell) -> str:
    """A cell of a CSV file: text that a spreadsheet would take for a formula is marked as text.

    >>> as_text("=HYPERLINK(1)"), as_text(-3.5), as_text(None)
    ("'=HYPERLINK(1)", '-3.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _csv(notebook: NotebookNode) -> bytes:
    sheet = daily(notebook)
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(name for name, _ in sheet.columns)
    writer.writerows([as_text(value) for value in row] for row in sheet.rows)
    return sink.getvalue().encode("utf-8")


def _json(notebook: NotebookNode) -> bytes:
    def plain(sheet: Sheet) -> dict[str, Any]:
        columns = [{"name": name, "unit": unit} for name, unit in sheet.columns]
        told: dict[str, Any] = {"title": sheet.title, "columns": columns, "rows": sheet.rows}
        return told | ({"note": sheet.note} if sheet.note else {})

    content = _facts(notebook) | {
        **_headline(notebook),
        "daily": plain(daily(notebook)),
        "tables": [plain(sheet) for sheet in sheets(notebook)],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")


def _parquet(notebook: NotebookNode) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sheet = daily(notebook)
    columns = dict(zip((name for name, _ in sheet.columns), zip(*sheet.rows, strict=True), strict=False))
    numeric = {"amount", "readings_received_ratio", "expected_low", "expected_high"}
    arrays = {
        name: pa.array(values, type=pa.float64() if name in numeric else pa.string())
        for name, values in columns.items()
    }
    if "day" in arrays:
        arrays["day"] = arrays["day"].cast(pa.date32())
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink, compression="zstd")
    return sink.getvalue()


def _xlsx(notebook: NotebookNode) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.properties.created = book.properties.modified = datetime(*FIXED)  # noqa: DTZ001 a file's own format
    facts, lang = _facts(notebook), language_of(notebook)
    first = book.active
    first.title = say("Report", lang=lang)
    for name, value in _told(facts, lang):
        first.append([name, None])
        _text(first.cell(first.max_row, 2), value)
    _summarise(first, notebook)
    for column, width in zip("ABCDEF", (26, 80, 14, 24, 24, 30), strict=True):
        first.column_dimensions[column].width = width
    used: set[str] = {first.title.lower()}
    for sheet in [*sheets(notebook), daily(notebook)]:
        if sheet.rows:
            _fill(book.create_sheet(_sheet_name(sheet.title, used)), sheet)
    sink = io.BytesIO()
    book.save(sink)
    return _undated(sink.getvalue())


def _told(facts: dict[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    labels = {"title": mark("Title"), "period": mark("Period"), "brand": mark("Brand"), "issued": mark("Issued")}
    for name, label in labels.items():
        if facts.get(name):
            yield say(label, lang=lang), str(facts[name])
    for label, value in facts.get("facts", []):
        yield str(label), str(value)
    for name, value in facts["parameters"].items():
        yield name, json.dumps(value, ensure_ascii=False)


def _fill(page: Any, sheet: Sheet) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    for position, heading in enumerate(sheet.headings, 1):
        cell = page.cell(1, position)
        _text(cell, heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="FFE8EDF5")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for line, row in enumerate(sheet.rows, 2):
        for position, value in enumerate(row, 1):
            _write(page.cell(line, position), value, sheet.kinds[position - 1] if sheet.kinds else "")
    for position, heading in enumerate(sheet.headings, 1):
        longest = max([len(heading), *(len(as_text(row[position - 1])) for row in sheet.rows[:500])])
        page.column_dimensions[get_column_letter(position)].width = min(max(10, longest + 2), 60)
    page.freeze_panes = "A2"
    page.auto_filter.ref = page.dimensions
    for line, text in enumerate(filter(None, (sheet.title, sheet.note)), len(sheet.rows) + 3):
        _text(page.cell(line, 1), text)


def _write(cell: Any, value: Cell, kind: str) -> None:
    """A value in its column's form: a ratio as per cent, a day as a date; an instant stands in the report's zone."""
    if value is None:
        return
    if not isinstance(value, str):
        whole = "#,##0" if float(value).is_integer() else "#,##0.00##"
        cell.value, cell.number_format = value, NUMBER_FORMATS.get(kind, whole)
    elif kind in {"date", "datetime"}:
        at = datetime.fromisoformat(value).replace(tzinfo=None)
        day = len(value) == len("2026-10-01")
        cell.value = at.date() if day else at
        cell.number_format = NUMBER_FORMATS["date" if day else "datetime"]
    else:
        _text(cell, value)


def _summarise(page: Any, notebook: NotebookNode) -> None:
    """The headline figures with their comparisons, and the summary's sentences, below what is there."""
    from openpyxl.styles import Alignment

    shown = [data for data, _ in _outputs(notebook)]
    for position, data in enumerate(shown):
        if TILES not in data:
            continue
        for line, tile in enumerate(data[TILES]["tiles"], page.max_row + 2):
            deltas = [delta["text"] for delta in tile["deltas"]]
            _text(page.cell(line, 1), tile["label"])
            _write(page.cell(line, 2), tile.get("amount", tile["value"]), "")
            page.cell(line, 2).alignment = Alignment(horizontal="left")
            for column, text in enumerate((tile["unit"], tile["note"], *deltas), 3):
                _text(page.cell(line, column), text)
        following = shown[position + 1] if position + 1 < len(shown) else {}
        for line, sentence in enumerate(_sentences(following.get(PROSE, {})), page.max_row + 2):
            _text(page.cell(line, 2), sentence)
            page.cell(line, 2).alignment = Alignment(wrap_text=True, vertical="top")


def _sentences(prose: dict[str, Any]) -> list[str]:
    """The items of a list in Markdown, as plain text."""
    items = [line[2:] for line in prose.get("markdown", "").splitlines() if line.startswith("- ")]
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", item) for item in items]


def _text(cell: Any, value: str) -> None:
    """Text, whatever it begins with; without what a workbook cannot hold."""
    cell.value = NOT_XML.sub("", value)
    cell.data_type = "s"


def _sheet_name(title: str, used: set[str]) -> str:
    words = " ".join(re.sub(r"[\[\]:*?/\\']", " ", NOT_XML.sub("", title)).split())
    if len(words) > SHEET_NAME:  # cut between words where there are several
        words = words[: SHEET_NAME + 1].rpartition(" ")[0] or words[:SHEET_NAME]
    name = words.rstrip(" ,;") or "Table"
    count = 2
    while name.lower() in used:
        end = f" {count}"
        name, count = name[: SHEET_NAME - len(end)].rstrip() + end, count + 1
    used.add(name.lower())
    return name


def _undated(workbook: bytes) -> bytes:
    """The same archive with one date for every file in it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            content = old.read(name)
            if name == "docProps/core.xml":  # openpyxl writes the day it saved
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(name, FIXED), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()
