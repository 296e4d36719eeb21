"""The PDF: tagged, bookmarked, self-contained, and nothing in the data becomes Typst."""

import io
import re

import pandas as pd
import pytest
from nbconvert.exporters import get_exporter
from pypdf import PdfReader, PdfWriter

from analytics.reports.document import display
from analytics.reports.document.display import Column, Tile
from analytics.reports.exporters import typefaces
from analytics.reports.exporters.common import document
from analytics.reports.exporters.pdf import ReportPDFExporter
from analytics.reports.exporters.sources import sources
from tests.reports.sample import HOSTILE, cover, faults, figure, notebook_of, report, shown, table


def export(nb, **options) -> bytes:
    return ReportPDFExporter(**options).from_notebook_node(nb)[0]


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def words(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.fixture(scope="module")
def content() -> bytes:
    return export(report())


@pytest.fixture(scope="module")
def pdf(content: bytes) -> PdfReader:
    return read(content)


def test_nbconvert_knows_the_exporter_by_name():
    """`jupyter nbconvert --to analytics-pdf` works in any notebook tool."""
    assert get_exporter("analytics-pdf") is ReportPDFExporter


def test_the_file_claims_and_has_what_pdf_ua_asks(pdf: PdfReader):
    """Tagged, titled, in a language; the claim is only written where Typst's checks pass."""
    root = pdf.trailer["/Root"]

    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == "Traffic report · October 2026"
    assert "pdfuaid" in root["/Metadata"].get_data().decode()


def test_an_independent_checker_finds_no_fault_and_can(content: bytes, pdf: PdfReader):
    """The machine-checkable part of PDF/UA-1; a file without tags fails there, and one with a picture left unsaid."""
    bare, mute = io.BytesIO(), io.BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(bare)
    writer = PdfWriter(clone_from=io.BytesIO(content))
    del next(obj.get_object() for obj in _elements(writer) if obj.get_object().get("/S") == "/Figure")["/Alt"]
    writer.write(mute)

    assert faults(content) == []
    assert faults(bare.getvalue())
    assert [fault.split(":")[0] for fault in faults(mute.getvalue())] == ["PDFUA1-FIGURE-ALTERNATIVE-TEXT-001"]


def test_figures_have_alternative_text(pdf: PdfReader):
    """Read aloud in place of the picture."""
    found = [obj.get_object().get("/Alt") for obj in _elements(pdf) if obj.get_object().get("/S") == "/Figure"]

    assert "Views, usual range and anomalies: a daily rhythm." in found


def _elements(pdf: PdfReader | PdfWriter):
    waiting = [pdf.root_object["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        if not hasattr(node, "get"):
            continue
        yield node
        kids = node.get("/K", [])
        kids = kids.get_object() if hasattr(kids, "get_object") else kids
        waiting += [kid for kid in (kids if isinstance(kids, list) else [kids]) if hasattr(kid.get_object(), "get")]


def test_bookmarks_follow_the_headings(pdf: PdfReader):
    """The outline is how a long file is walked."""

    def titles(items):
        return [titles(item) if isinstance(item, list) else item.title for item in items]

    assert titles(pdf.outline) == ["Executive summary", "Platforms", ["YouTube"], "Method", "Sources"]


def test_pages_are_numbered_and_named(pdf: PdfReader):
    """Running heads, contents with page numbers, captions."""
    text = words(pdf)

    assert "Page 1 of 2" in text
    assert "Contents" in text
    assert re.search(r"Executive summary[ .]* ?1", text)
    assert "Figure 1. Views, usual range and anomalies" in text
    assert "Table 1. Posts" in text
    assert "Provisional" in text


def test_what_all_sources_share_is_said_once():
    """A snapshot for each of fifty notes would be pages of nothing new."""
    notes = [{"query": f"select {n}", "snapshot": "2026-11-02"} for n in range(3)]
    told = [display.prose(f"Figure {n}.", provenance=note) for n, note in enumerate(notes)]
    text = words(read(export(notebook_of(cover(), *told))))

    assert text.count("2026-11-02") == 1
    assert [text.count(f"select {n}") for n in range(3)] == [1, 1, 1]


def test_queries_and_commands_stand_in_a_file_beside_it():
    """They were five of nineteen pages; the numbers in the PDF are those of the file."""
    hostile = {"query": "SELECT '```', \"<b>\"", "command": "analytics report traffic", "definition": "x_*y*"}
    notebook = notebook_of(cover(sources=False), display.prose("Views rose.", provenance=hostile))
    text, beside = words(read(export(notebook))), sources(document(notebook, "pdf"))

    assert "SELECT" not in text
    assert "The small numbers refer to the file of sources beside this one" in text
    assert "## 1\n\nViews rose." in beside
    assert "````sql\nSELECT '```', \"<b>\"\n````" in beside
    assert "x\\_\\*y\\*" in beside


def test_only_the_shipped_font_is_used_and_embedded(pdf: PdfReader):
    """What the machine has installed changes nothing."""
    fonts = {
        font.get_object()["/BaseFont"]: font.get_object()["/DescendantFonts"][0]
        .get_object()["/FontDescriptor"]
        .get_object()
        for page in pdf.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }

    assert fonts
    ours = [face.family.replace(" ", "") for face in typefaces.typefaces()]
    assert all(any(family in name for family in ours) for name in fonts)
    assert any("Inter" in name for name in fonts)
    assert all({"/FontFile2", "/FontFile3"} & descriptor.keys() for descriptor in fonts.values())


def test_a_hostile_title_is_set_word_for_word(pdf: PdfReader):
    """No import, formula, reference, label or link is made of it."""
    text = words(pdf).replace(" ", "")

    assert HOSTILE.replace(" ", "") in text


@pytest.mark.parametrize("field", ["title", "brand", "period", "issued", "version"])
def test_a_hostile_cover_is_set_word_for_word(field: str):
    """Params may be somebody else's file."""
    text = words(read(export(notebook_of(shown(cover(**{field: '#panic() $x$ \\ [y] *z* " @a'})), "text"))))

    assert '#panic()$x$\\[y]*z*"@a' in text.replace(" ", "")


def test_links_to_unsafe_addresses_are_not_made():
    """A PDF reader may run them."""
    reader = read(export(notebook_of("[a](javascript:alert(1)) [b](file:///etc/passwd) [c](https://example.org/)")))

    targets = [a.get_object().get("/A", {}).get("/URI") for page in reader.pages for a in page.get("/Annots", [])]
    assert [target for target in targets if target] == ["https://example.org/"]


def test_a_long_table_repeats_its_head_and_loses_no_row():
    """A row cut at the foot of a page is a figure lost."""
    reader = read(export(notebook_of(table(120))))

    pages = [page.extract_text() for page in reader.pages]
    text = " ".join(pages)
    holding = [page for page in pages if re.search(r"Post \d+", page)]
    assert len(holding) >= 3
    assert all("Severity" in page for page in holding)
    assert [n for n in range(1, 120) if not re.search(rf"Post {n}\b", text)] == []


def test_a_short_table_stays_on_one_page():
    """A few rows need no page break."""
    filler = "\n\n".join(["Text. " * 60] * 9)
    reader = read(export(notebook_of(filler, table(4))))

    holding = [page for page in reader.pages if re.search(r"Post \d", page.extract_text())]
    assert len(holding) == 1


def test_the_same_notebook_gives_the_same_bytes(content: bytes):
    """The time stamp is the report's own date."""
    assert export(report()) == content
    assert b"20261102" in content


def test_charts_stay_vector_drawings(pdf: PdfReader):
    """Sharp at any size: no page holds a bitmap."""
    images = [x for page in pdf.pages for x in page["/Resources"].get("/XObject", {}).values()
              if x.get_object().get("/Subtype") == "/Image"]  # fmt: skip

    assert images == []


def test_a_draft_says_so_on_every_page():
    """A page may travel alone."""
    reader = read(export(notebook_of("# T", "\n\n".join(["Text. " * 60] * 30)), draft=True))

    assert len(reader.pages) > 2
    assert all("Draft" in page.extract_text() for page in reader.pages[1:])


def test_many_kinds_of_text_can_be_set():
    """Code, lists, tables and scripts the font lacks: nothing makes the file fail."""
    blocks = [
        "1. one\n2. two\n   - inner",
        "```\ncode <x>\n```",
        "| a | b |\n|:--|--:|\n| 1 | **2** |",
        "> quote",
        "---",
    ]
    nb = notebook_of("## 标题 العربية", *blocks, figure("Ünïcode ▲ → ≥"))

    text = words(read(export(nb)))

    assert "code <x>" in text
    assert "Ünïcode ▲ → ≥" in text


def test_odd_markdown_is_set_all_the_same():
    """A heading without words, a table without rows, a list that begins with a heading."""
    odd = ["##", "| a |\n|---|", "- # inner\n  - x", "[](http://a.example)", "![](y)", "&#0; \u200b"]

    text = words(read(export(notebook_of(*odd, display.callout("#### Mind"), display.tiles([Tile("", None)] * 5)))))

    assert "inner" in text


def test_a_long_word_and_many_columns_stay_on_the_page():
    """What leaves the page is lost."""
    frame = pd.DataFrame({f"column {n}": ["https://example.org/" + "x" * 90 if n == 0 else 1234.5] for n in range(14)})
    columns = [Column(f"column {n}", wide=n == 0) for n in range(14)]
    reader = read(export(notebook_of(display.table(frame, caption="Wide", columns=columns))))
    places: list[float] = []

    for page in reader.pages[1:]:
        page.extract_text(
            visitor_text=lambda text, _cm, tm, _font, _size: places.append(tm[4]) if text.strip() else None
        )

    assert max(places) < 595 - 40


def test_charts_speak_the_brands_language():
    """Months on the axis as in the text."""
    october = words(read(export(notebook_of(shown(cover(language="de")), figure()))))

    assert "Okt" in october
    assert "Abbildung 1." in october


@pytest.mark.parametrize("brand", ["", "Northwind"])
def test_a_logo_stands_on_the_cover(brand, tmp_path):
    """With words for it even where the brand has no name."""
    path = tmp_path / "logo.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'
    )

    reader = read(export(notebook_of(shown(cover(brand=brand, logo=display.logo_address(path))), "text")))

    assert (brand or "Traffic report") in [element.get("/Alt") for element in _elements(reader)]


def test_the_list_of_drawable_characters_is_that_of_the_fonts():
    """A character listed wrongly would stop the PDF or lose a letter."""
    from fontTools import ttLib

    for face in typefaces.typefaces()[1:]:
        font = ttLib.TTFont(face.path)
        assert face.covers == frozenset(font.getBestCmap()), face.family
        assert face.family in {str(font["name"].getDebugName(n)) for n in (1, 16)}
    weights = sorted(typefaces.FONT_DIR.glob("*.otf"))
    common = frozenset.intersection(*(frozenset(ttLib.TTFont(weight).getBestCmap()) for weight in weights))
    assert typefaces.typefaces()[0].covers == common


NAMES = {
    "Han": "果园每日读物",
    "kana": "りんごの園",
    "Hangul": "사과 과수원",
    "Devanagari": "सेब का बाग",
    "Thai": "สวนแอปเปิล",
    "Arabic": "بستان التفاح",
    "Hebrew": "מטע התפוחים",
    "Tamil": "ஆப்பிள்",
    "Bengali": "আপেল বাগান",
    "Georgian": "ვაშლის ბაღი",
    "emoji": "🍎 orchard 👩\u200d💻",
    "rare": "𠮷野家 private \ue000 half",
    "storm": "x" + "\u0301" * 40,
    "unassigned": "a\u0378b",
}


def test_names_of_every_script_are_shown_and_none_costs_the_report():
    """On a machine without fonts: accounts are called what people call them."""
    blocks = [
        shown(cover(brand=NAMES["Han"])),
        "".join(f"- {name}\n" for name in NAMES.values()),
        *(shown(figure(name)) for name in NAMES.values()),
    ]

    reader = read(export(notebook_of(*blocks)))

    text = "".join(page.extract_text() for page in reader.pages).replace("\n", "").replace(" ", "")
    for script in ("Han", "kana", "Hangul", "Georgian"):  # scripts whose letters stand in the order they are written
        assert NAMES[script].replace(" ", "") in text, script


def test_a_table_without_a_column_of_words_is_set():
    """Its columns share the page's width; it stopped the whole PDF."""
    frame = pd.DataFrame({"name": ["a"], "n": [1.0]})

    text = words(
        read(export(notebook_of(display.table(frame, caption="Two columns", columns=[Column("name"), Column("n")]))))
    )

    assert "Two columns" in text
