"""A German report from real readings: nothing in page, PDF or data files is left in English."""

from __future__ import annotations

import copy
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pydantic import SecretStr
from pypdf import PdfReader
from sqlalchemy import URL

from analytics.definitions import definitions_of
from analytics.model import Month, SeriesKey
from analytics.monitoring.watch import Watch
from analytics.params.files import Params
from analytics.params.reports import Brand
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.reports.document.display import Block, Blocks
from analytics.reports.exporters.data import exported
from analytics.reports.exporters.html import ReportHTMLExporter
from analytics.reports.exporters.pdf import ReportPDFExporter
from analytics.reports.traffic.further import look_beyond
from analytics.reports.traffic.report import TrafficReport
from analytics.settings import Settings
from analytics.store import Collection, open_store
from analytics.store.closes import ClosedFigure, add
from analytics.store.remarks import Annotation
from analytics.store.remarks import add as remark
from analytics.wording.language import use_language
from tests.conftest import database
from tests.reports.messages import all_messages
from tests.reports.sample import faults, output_of
from tests.reports.test_pages import LEAST_FILL, fill, pictures
from tests.reports.traffic.test_traffic import mentions, with_spike
from tests.wording.test_language import known

SECTIONS = ("summary", "breakdown", "anomalies", "trends", "outlook", "recommendations", "coverage")
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "reports" / "traffic.ipynb"


def flat(shown: Block | Blocks) -> Iterator[Block]:
    if isinstance(shown, Block):
        yield shown
        return
    for item in shown:
        yield from flat(item)


@pytest.fixture(scope="module")
def settings(postgres_server: URL) -> Iterator[Settings]:
    """An empty database for this module."""
    with database(postgres_server) as url:
        yield Settings(database_url=SecretStr(url.render_as_string(hide_password=False)), _env_file=None)


@pytest.fixture(scope="module")
def made(settings: Settings) -> NotebookNode:
    """October of two platforms with a spike, a gap, a rounded counter, a remark and a close, as German cells."""
    loud = with_spike(mentions("loud", "2026-08-20", "2026-11-01", seed=2), "2026-10-20 12:00", 120, 6)
    loud = loud[(loud["time"] < "2026-10-08T00:00Z") | (loud["time"] > "2026-10-11T00:00Z")]
    times = pd.date_range("2026-08-20", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    stars = pd.DataFrame({"time": times, "value": 3000.0 + (times.day_of_year - 200) // 20 * 100})
    stars = stars.assign(platform="youtube", metric_type="subscribers", author_id="acme")
    at, noon = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 10, 20, 12, tzinfo=UTC)
    with open_store(settings) as store:
        store.write(loud, Collection("twitter", "import", account="loud"))
        store.write(mentions("quiet", "2026-10-01", "2026-11-01"), Collection("twitter", "import", account="quiet"))
        store.write(stars, Collection("youtube", "import", account="acme"))
        days = pd.date_range("2026-10-01", "2026-10-31", freq="1D", tz="UTC")
        video = pd.DataFrame({"time": days, "value": 100.0 + 5 * np.arange(len(days))})
        video = video.assign(platform="youtube", metric_type="views", content_id="v1", author_id="acme")
        store.write(video, Collection("youtube", "api", account="acme"))
        key = SeriesKey("twitter", "mentions", "", "loud")
        with store.begin() as connection:
            remark(connection, [Annotation(key, noon, noon, "confirmed", "Kampagne", "ana", at)])
        add(store, [ClosedFigure("2026-10", "UTC", "twitter", "mentions", "loud", 5.0, 1.0, "1", "ana", at)])
        use_language("de")
        known_definitions = definitions_of(Params())
        series = choose_series(store, platforms=(), metrics=(), accounts=())
        data = gather(store, series, month=Month(2026, 10), watch=Watch(), definitions=known_definitions)
        report = TrafficReport(
            "Platform traffic report", data, Brand(language="de"), look_beyond(store, data, known_definitions)
        )
        cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "markdown"]
        cells_made = [new_code_cell("", outputs=[output_of(report.cover())])]
        for cell, name in zip(cells, SECTIONS, strict=True):
            outputs = [output_of(block) for block in flat(getattr(report, name)())]
            cells_made += [new_markdown_cell(cell.source), new_code_cell("", outputs=outputs)]
        cells_made.append(new_code_cell("", outputs=[output_of(report.figures())]))
    use_language("en")
    return new_notebook(cells=cells_made)


@pytest.fixture
def notebook(made: NotebookNode) -> NotebookNode:
    """A copy: exporting takes a notebook's outputs apart."""
    return copy.deepcopy(made)


def english() -> set[str]:
    """Stretches of English that German would not write the same."""
    german = " ".join(text for texts in known("de").values() for text in texts)
    said = [f"{one}{{x}}{many}" for context, one, many in all_messages() if context != "unit"]  # units are keys too
    parts = {part.strip() for text in said for part in re.split(r"\{\w+\}", text)}
    return {part for part in parts if len(part) > 6 and part not in german}


def found_in(text: str) -> list[str]:
    words = " ".join(text.split())
    return sorted(part for part in english() if re.search(rf"(?<![\w.]){re.escape(part)}(?!\w)", words))


def test_the_page_is_german_throughout(notebook):
    """Headings, tiles, sentences, tables, captions, charts, notes; the chart library is not looked at."""
    page, _ = ReportHTMLExporter(interactive=False).from_notebook_node(notebook)
    settings = json.loads(re.search(r'id="settings">(.*?)</script>', page).group(1))
    body = re.sub(r'<script.*?</script>| class="[^"]*"', "", page[page.index("<body>") :], flags=re.S)
    body = html.unescape(body)

    assert '<html lang="de">' in page
    assert found_in(body) == []
    assert settings["words"]["range"] == "üblicher Bereich"
    assert "beobachtet" in body
    assert "Traffic-Bericht der Plattformen" in body


def test_the_pdf_is_german_throughout(notebook):
    """Cover and running heads too."""
    content = ReportPDFExporter().from_notebook_node(notebook)[0]
    reader = PdfReader(io.BytesIO(content))
    pages = [page.extract_text() for page in reader.pages]

    assert faults(content) == []
    assert found_in(" ".join(pages)) == []
    assert "Oktober 2026" in pages[0]
    assert "Seite 1 von" in pages[1]
    assert reader.trailer["/Root"]["/Lang"] == "de"
    assert min(fill(page) for page in pictures(content)[1:-1]) >= LEAST_FILL


def test_the_data_files_head_their_tables_in_german(notebook):
    """Excel and JSON hold what the pages show."""
    content = json.loads(exported(notebook, "json"))

    told = json.dumps([content["title"], content["facts"], content["tables"]], ensure_ascii=False)

    assert found_in(told) == []
