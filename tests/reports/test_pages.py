"""The PDF's pages as a reader sees them: well filled, no heading alone at an end, no row torn apart."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from nbformat import NotebookNode
from numpy.typing import NDArray
from pypdf import PdfReader

from analytics.reports.document import charts, display
from analytics.reports.document.display import Block, Column, Tile
from analytics.reports.exporters.pdf import ReportPDFExporter
from tests.reports.sample import cover, faults, figure, notebook_of, shown

pytestmark = pytest.mark.slow
TOP_MM, BOTTOM_MM, HEIGHT_MM = 25, 21, 297  # of the text on a page
DOTS = 36  # an inch
LEAST_FILL = 0.65  # what a heading, its sentence and its first chart leave where they move on together


def by_poppler(program: str, *arguments: str, given: bytes) -> bytes:
    """What one of Poppler's programs makes of a file."""
    if not shutil.which(program):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {program}: install the package poppler-utils")
    return subprocess.run([program, *arguments], input=given, capture_output=True, check=True).stdout


def pictures(pdf: bytes) -> list[NDArray[np.uint8]]:
    """Each page in grey, 0 black to 255 white, drawn by another program than the one that set it."""
    drawn = by_poppler("pdftoppm", "-gray", "-r", str(DOTS), "-", given=pdf)
    found, at = [], 0
    while at < len(drawn):  # one PGM after another: P5, width and height, 255, the dots
        head = drawn[at : at + 40].split(b"\n", 3)
        width, height = map(int, head[1].split())
        start = at + sum(len(line) + 1 for line in head[:3])
        found.append(np.frombuffer(drawn[start : start + width * height], np.uint8).reshape(height, width))
        at = start + width * height
    return found


def last_ink_mm(page: NDArray[np.uint8]) -> float:
    """How far down the page's text reaches, from the top of the sheet; header and footer are not looked at."""
    first, end = (round(mm / HEIGHT_MM * page.shape[0]) for mm in (TOP_MM, HEIGHT_MM - BOTTOM_MM))
    rows = np.flatnonzero((page[first:end] < 230).any(axis=1))
    return (first + (int(rows.max()) + 1 if rows.size else 0)) / page.shape[0] * HEIGHT_MM


def fill(page: NDArray[np.uint8]) -> float:
    """Share of the room for text that is above its last line."""
    return (last_ink_mm(page) - TOP_MM) / (HEIGHT_MM - TOP_MM - BOTTOM_MM)


def table(rows: int, caption: str, *, words: int = 3) -> Block:
    """A table whose rows say where they begin and end."""
    text = " ".join(["an observation that takes some room"] * words)
    frame = pd.DataFrame(
        {
            "series": [f"begin{n} {text} end{n}." for n in range(rows)],
            "value": np.linspace(10, 90_000, rows),
            "severity": ["low", "medium", "high", "critical"] * (rows // 4) + ["low"] * (rows % 4),
            "days": [[1, 3, 2, 5]] * rows,
        }
    )
    columns = [Column("series", "Series", wide=True), Column("value", "Observed", "compact")]
    columns += [Column("severity", "Severity", "severity"), Column("days", "Day by day", "spark")]
    return display.table(frame, caption=caption, columns=columns, note="A note below the table. " * 4)


def grid(names: list[str]) -> Block:
    days = [f"{n:02d}" for n in range(1, 32)]
    rows = [{"day": d, "series": name, "count": (len(name) * n) % 4} for name in names for n, d in enumerate(days)]
    chart = charts.heatmap(pd.DataFrame(rows), x="day", y="series", value="count", title="Incidents")
    return display.figure(chart, caption="Incidents by day", alt="A grid of days and series.")


def monthly(series: int) -> NotebookNode:
    """A report in the shape of the monthly one: charts of each series, grids and tables that grow with their number."""
    names = [f"Platform {n // 3} account {n}" for n in range(series)]
    tiles = [
        Tile(name, 1234.5 * (n + 1), delta="+6.2 % on September", sparkline=[1, 2, 4]) for n, name in enumerate(names)
    ]
    parts: list[NotebookNode | Block | str] = [shown(cover()), "## Executive summary\n\nThe month in figures."]
    parts += [
        display.tiles(tiles[:6]),
        display.prose("- A sentence about the month.\n" * 4),
        "## Platforms\n\nEach chart.",
    ]
    for first in range(0, series, 3):
        parts.append(f"### Platform {first // 3}")
        parts += [figure(f"{name} with its band", days=2, seed=n) for n, name in enumerate(names[first : first + 3])]
        parts.append(table(len(names[first : first + 3]), "The month", words=1))
    parts += [
        "## Anomalies\n\nEvents that belong together.",
        table(series, "Incidents"),
        grid(names),
        table(series * 2, "Events"),
    ]
    parts += [
        "## Trends\n\nMonths differ.",
        table(series, "Against other months", words=1),
        grid(names),
        table(series, "Weeks"),
    ]
    parts += ["## Outlook\n\nWhat may come.", grid(names), table(series, "Outlook", words=1)]
    parts += ["## Recommendations\n\nEach action follows from a finding.", table(min(series, 6), "Actions", words=5)]
    parts += [
        "## Method\n\nHow the figures were made.",
        display.definition_list({"Band": "What is normal. " * 9} | {"Days": "UTC."}),
    ]
    return notebook_of(*parts, table(series, "Coverage", words=1), table(series, "Backtest", words=1))


@pytest.fixture(scope="module", params=[2, 7, 20, 33])
def pdf(request: pytest.FixtureRequest) -> bytes:
    made: bytes = ReportPDFExporter().from_notebook_node(monthly(request.param))[0]
    return made


def test_what_pdf_ua_forbids_is_in_none(pdf):
    """Short reports and long ones: tables over several pages, tall pictures, notes."""
    assert faults(pdf) == []


def test_no_page_is_half_empty(pdf):
    """The cover is a picture, and the last page ends where the report does."""
    filled = [round(fill(page), 2) for page in pictures(pdf)[1:-1]]

    assert filled
    assert min(filled) >= LEAST_FILL, filled


def test_no_heading_stands_alone_at_the_end_of_a_page(pdf):
    """Something of its section is on the same page: at least its sentence."""
    reader = PdfReader(io.BytesIO(pdf))
    pages = pictures(pdf)
    entries = [entry for item in reader.outline for entry in (item if isinstance(item, list) else [item])]

    below = {}
    for entry in entries:
        page = reader.get_destination_page_number(entry)
        from_top_mm = HEIGHT_MM - float(entry.top) * 25.4 / 72
        below[str(entry.title)] = last_ink_mm(pages[page]) - from_top_mm

    assert len(below) > 6
    assert {title: mm for title, mm in below.items() if mm < 12} == {}


def test_a_tall_picture_stands_in_its_own_section(pdf):
    """Not above the heading it is told of below, in the midst of another section's table."""
    reader = PdfReader(io.BytesIO(pdf))
    entries = [entry for item in reader.outline for entry in (item if isinstance(item, list) else [item])]
    places = [(reader.get_destination_page_number(e), -float(e.top), str(e.title)) for e in entries]
    for number, page in enumerate(reader.pages):

        def note(text: str, matrix: list[float], *_: object, number: int = number) -> None:
            if "Incidents by day" in text:
                places.append((number, -matrix[5], "picture"))

        page.extract_text(visitor_text=note)

    told = [title for _, _, title in sorted(places)]

    for section in ("Anomalies", "Trends", "Outlook"):
        assert told[told.index(section) + 1] == "picture", told


def test_no_row_is_torn_apart(pdf):
    """A row that does not fit goes to the next page whole; so does a caption, with some rows."""
    texts = by_poppler("pdftotext", "-", "-", given=pdf).decode().split("\f")

    assert len(texts) > 3
    for text in texts:
        begun = {word.removeprefix("begin") for word in text.split() if word.startswith("begin")}
        ended = {word.removeprefix("end").rstrip(".") for word in text.split() if word.startswith("end")}
        assert begun == ended


def test_a_table_that_goes_on_says_so_and_repeats_its_heading(pdf):
    """Also behind another figure: whoever turns to that page knows which table's rows these are."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    rows, goes_on = 0, 0
    current = None
    for text in pages:
        lines = [line.strip() for line in text.splitlines()]
        for position, line in enumerate(lines):
            begun = re.match(r"Table (\d+)(\.| \(continued\))", line)
            if begun:
                assert begun[2] == "." or begun[1] == current, line
                current = begun[1]
                below = " ".join(lines[position + 1 : position + 12])
                assert "Series" in below, line
                goes_on += begun[2] != "."
        first_row = next((n for n, line in enumerate(lines) if line.startswith("begin")), None)
        if first_row is not None:  # rows at a page's head stand below a caption or a continuation of this page
            rows += 1
            assert any(line.startswith("Table ") for line in lines[:first_row]), lines[:6]

    assert rows > 2
    assert goes_on == 0 or len(pages) > 3


def test_a_heading_with_one_sentence_is_not_left_above_an_empty_third(pdf):
    """What it is about is on its page, or it goes to the next page with that."""
    reader = PdfReader(io.BytesIO(pdf))
    pages = pictures(pdf)
    entries = [entry for item in reader.outline for entry in (item if isinstance(item, list) else [item])]

    left = {}
    for entry in entries:
        page = reader.get_destination_page_number(entry)
        below_mm = last_ink_mm(pages[page]) - (HEIGHT_MM - float(entry.top) * 25.4 / 72)
        if below_mm < 30 and page < len(pages) - 1:
            left[str(entry.title)] = round(HEIGHT_MM - BOTTOM_MM - last_ink_mm(pages[page]))

    assert {title: empty for title, empty in left.items() if empty > 40} == {}
