"""Names in every script: drawn by the shipped fonts, on any machine, in the PDF, its charts and the page."""

from __future__ import annotations

import io
import unicodedata

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from analytics.reports.document import charts, display
from analytics.reports.document.display import Column
from analytics.reports.exporters import svg, typefaces
from analytics.reports.exporters.html import ReportHTMLExporter
from analytics.reports.exporters.pdf import ReportPDFExporter
from analytics.wording import formats
from tests.reports.sample import cover, faults, notebook_of, shown

LIVING = [
    "日本語アカウント", "중앙일보", "ไทย", "हिन्दी", "@cider🔥", "العربية", "עברית", "தமிழ்", "বাংলা", "ქართული",
    "𠮷野家", "㐂", "မြန်မာ", "ខ្មែរ", "ລາວ", "ሀገር", "Հայերեն", "తెలుగు", "മലയാളം", "සිංහල", "བོད་ཡིག", "𝓗𝓮𝓵𝓵𝓸",
]  # fmt: skip
ODD = [
    "\ue000\uf8ff", "\U000e0fff\u0378", "A\ufe0f\u200d\u200d", "\ufffd\ufffe\x07", "a\u202egpj", "\u1112\u1161\u11ab",
    "👩\u200d👩\u200d👧 🏳\ufe0f\u200d🌈 🇩🇪 👍🏽 1\ufe0f\u20e3", "①②㈱", "\u0e01\u0301\u0301x", "ab\u0915\u0301", "𓂀𒀭",
    "Z" + "".join(map(chr, range(0x300, 0x340))) + "algo",
]  # fmt: skip
MEGABYTE = 1_000_000


def named(names: list[str]) -> bytes:
    """A PDF with these names in its title, a table and the axes of two charts, as they come from outside."""
    cleaned = [formats.clean(name) for name in names]  # as every name is before it reaches a chart
    rows = pd.DataFrame({"name": names, "n": [float(n + 1) for n in range(len(names))]})
    days = pd.DataFrame(
        [(f"{n} {name}", day, n % 3) for n, name in enumerate(cleaned) for day in "ab"], columns=list("ydn")
    )
    bars = charts.bars(rows.assign(name=cleaned).drop_duplicates("name"), category="name", value="n")
    nb = notebook_of(
        shown(cover(title=" ".join(names[:3]))),
        display.figure(
            charts.heatmap(days, x="d", y="y", value="n", title=f"Of {cleaned[0]}"),
            caption=f"Of {names[0]}",
            alt="Days.",
        ),
        display.figure(bars, caption="Bars", alt="Bars."),
        display.table(rows, caption="Names", columns=[Column("name", "Name"), Column("n", "N")]),
    )
    made: bytes = ReportPDFExporter().from_notebook_node(nb)[0]
    return made


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return named(LIVING + ODD)


def test_names_of_every_living_script_are_in_the_pdf(pdf):
    """On a machine without fonts: system fonts are never asked."""
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    seen = unicodedata.normalize("NFKC", text)

    simple = [
        name
        for name in LIVING
        if name in {"日本語アカウント", "중앙일보", "ไทย", "@cider🔥", "ქართული", "𠮷野家", "㐂", "Հայերեն"}
    ]
    assert [name for name in simple if seen.count(name) < 3] == []  # in its table and on both axes


@pytest.mark.parametrize("name", LIVING)
def test_a_name_of_a_living_script_is_drawn_as_it_is(name):
    """Not as squares or in words."""
    assert typefaces.drawable(name) == name


def test_odd_names_leave_the_pdf_what_pdf_ua_asks(pdf):
    """Private, unassigned and half characters, piles of marks, joined emoji.

    The checker misreads the width of a CJK glyph whose own width is its font's default; fontTools reads it right.
    """
    assert [fault for fault in faults(pdf) if "GLYPH-WIDTH" not in fault] == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3))
def test_no_name_costs_the_report(names):
    """Whatever Unicode has or will have."""
    assert named(names).startswith(b"%PDF")


def test_a_letter_no_font_joins_up_costs_the_letter():
    """The second try: the report's own font alone, letter by letter."""
    assert typefaces.drawable("Ze\u0301 ไทย 🔥\ue000", own_only=True) == "Zé □□□ [fire]□"


def test_a_character_xml_cannot_hold_does_not_end_the_process():
    """The drawing library aborts where one reaches it; nothing could catch that."""
    bars = charts.bars(pd.DataFrame({"c": ["x\ufffe", "y\x07"], "n": [1.0, 2.0]}), category="c", value="n")

    assert "x□" in svg.chart_svg(display.figure(bars, caption="c", alt="a").data[display.VEGALITE], prefix="c")


def test_a_page_brings_the_letters_it_shows_and_no_more():
    """In the page and its drawings, offline; a report in English grows by nothing."""
    table = display.table(pd.DataFrame({"name": ["日本語", "हिन्दी"]}), caption="t", columns=[Column("name", "Name")])
    plain = display.table(pd.DataFrame({"name": ["Name"]}), caption="t", columns=[Column("name", "Name")])

    foreign, english = (ReportHTMLExporter().from_notebook_node(notebook_of(block))[0] for block in (table, plain))

    assert foreign.count("font-family:Reserve") == 2
    assert "U+65E5" in foreign
    assert "font-family:Reserve" not in english
    assert len(foreign) - len(english) < 12_000


def test_the_fonts_are_small_enough_to_ship():
    """With their licence beside them."""
    assert sum(path.stat().st_size for path in (typefaces.FONT_DIR / "scripts").iterdir()) < 16 * MEGABYTE
    assert "SIL OPEN FONT LICENSE" in (typefaces.FONT_DIR / "scripts" / "OFL.txt").read_text("utf-8")
