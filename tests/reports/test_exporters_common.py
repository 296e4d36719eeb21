"""From notebook to document: what is shown, what is dropped, what is refused."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from analytics.errors import ReportError
from analytics.reports.document import display
from analytics.reports.exporters import markdown
from analytics.reports.exporters.common import collect_provenance, document
from analytics.wording.language import language
from tests.reports.sample import cover, figure, notebook_of, report, shown, table


def failed_cell():
    return new_code_cell("1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="division by zero")])


def headings(nb) -> list[tuple[int, str]]:
    return [(b["level"], b["plain"]) for b in document(nb, "html").blocks if b["type"] == "heading"]


def test_a_failed_notebook_is_refused_by_cell_and_error():
    """A report with a hole must not reach a reader."""
    with pytest.raises(ReportError, match="cell 2 failed with ZeroDivisionError: division by zero"):
        document(notebook_of("# Title", failed_cell()), "html")


def test_a_draft_is_stamped_and_shows_where_it_failed():
    """Its author may want to look at it all the same."""
    doc = document(notebook_of("# Title", failed_cell()), "html", draft=True)

    assert doc.cover["status"] == "draft"
    assert [(b["type"], b.get("name")) for b in doc.blocks] == [("failure", "ZeroDivisionError")]


def test_papermills_error_marks_code_and_hidden_cells_do_not_show():
    """They are for the person at the notebook."""
    mark = new_markdown_cell('<span style="color:red">broken</span>', metadata={"tags": ["papermill-error-cell-tag"]})
    hidden = new_markdown_cell("hidden", metadata={"tags": ["hide"]})
    stream = new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text="noise")])

    doc = document(notebook_of(mark, hidden, stream, "shown"), "html")

    assert [markdown.plain(b["inlines"]) for b in doc.blocks] == ["shown"]


@pytest.mark.parametrize(("target", "expected"), [("html", "drag to zoom"), ("pdf", "printed")])
def test_a_cell_may_be_for_one_format_only(target, expected):
    """Nobody drags on paper."""
    screen = new_markdown_cell("drag to zoom", metadata={"tags": ["html-only"]})
    paper = new_markdown_cell("printed", metadata={"tags": ["pdf-only"]})

    doc = document(notebook_of(screen, paper), target)

    assert [markdown.plain(b["inlines"]) for b in doc.blocks] == [expected]


def test_the_title_moves_to_the_cover_and_headings_leave_no_level_out():
    """One h1, then no jumps: the order a screen reader walks."""
    nb = notebook_of("# Traffic", "### Deep first\n\n# Another top", "###### Deepest")

    assert document(nb, "html").cover["title"] == "Traffic"
    assert headings(nb) == [(2, "Deep first"), (2, "Another top"), (3, "Deepest")]


def test_equal_headings_get_anchors_of_their_own():
    """Two platforms may be called alike; a link must lead to one of them."""
    ids = [b["id"] for b in document(notebook_of("## Views\n\n## Views\n\n## 视频"), "html").blocks]

    assert ids == ["s-views", "s-views-2", "s-section"]


def test_figures_and_tables_are_numbered_apart():
    """Text refers to them by these numbers."""
    doc = document(notebook_of(figure("a"), table(caption="b"), figure("c"), table(caption="d")), "pdf")

    assert [(b["type"], b["number"]) for b in doc.blocks] == [("figure", 1), ("table", 1), ("figure", 2), ("table", 2)]


def test_one_source_has_one_note_however_often_it_is_used():
    """Forty figures from one query need one note."""
    notes = collect_provenance(report())

    assert len(notes) == 1
    assert notes[0]["note"] == 1
    assert notes[0]["provenance"]["definition"] == "youtube.views@2026-08-24"
    assert notes[0]["where"][1:] == ["Figure 1", "Table 1"]


def test_reading_a_notebook_does_not_change_it():
    """Both exporters get the same object."""
    nb = report()
    before = nb.copy() and str(nb)

    document(nb, "html")
    document(nb, "pdf")

    assert str(nb) == before


def test_metadata_of_the_notebook_overrides_the_cover():
    """A rerun may be published under another brand without touching the notebook."""
    nb = notebook_of(shown(cover()))
    nb.metadata["report"] = {"brand": "Other", "status": "draft"}

    made = document(nb, "html").cover

    assert (made["brand"], made["status"], made["title"]) == ("Other", "draft", "Traffic report")


def test_raw_html_and_images_in_markdown_stay_words():
    """A page that asks for nothing from the network shows no remote picture."""
    blocks = markdown.parse(
        "<b>x</b> ![alt words](https://evil/x.png) [go](javascript:alert(1)) [ok](https://a.example)"
    )

    inlines = blocks[0]["inlines"]
    assert markdown.plain(inlines) == "<b>x</b> alt words [go](javascript:alert(1)) ok"
    assert [node["href"] for node in inlines if node["t"] == "link"] == ["https://a.example"]


def test_a_stray_value_is_set_as_plain_text():
    """An analyst's own notebook may end a cell with a number."""
    cell = new_code_cell("1+1", outputs=[new_output("execute_result", data={"text/plain": "<2>"}, execution_count=1)])

    assert document(notebook_of(cell), "html").blocks == [{"type": "code", "text": "<2>"}]


def test_a_callout_keeps_its_words():
    """The title says in words what the colour says."""
    (block,) = document(notebook_of(display.callout("Mind **this**.", "bad", title="Wrong")), "pdf").blocks

    assert (block["kind"], block["title"], markdown.plain(block["blocks"][0]["inlines"])) == (
        "bad",
        "Wrong",
        "Mind this.",
    )


def test_a_heading_inside_a_callout_is_a_strong_line():
    """It belongs to no outline: there it would break the order of headings."""
    (block,) = document(notebook_of(display.callout("#### Mind\n\nthis")), "pdf").blocks

    assert [inner["type"] for inner in block["blocks"]] == ["paragraph", "paragraph"]
    assert block["blocks"][0]["inlines"][0]["t"] == "strong"


def test_setting_a_document_leaves_the_language_of_later_figures_alone():
    """A German report must not turn the next one's figures German."""
    display.use_language("de")

    document(notebook_of("text"), "html")

    assert language() == "de"


@pytest.mark.parametrize(
    ("issued", "language", "words"),
    [
        ("2026-11-02", "de", "2. Nov. 2026"),
        ("2026-11-02T06:30:00+00:00", "en", "2 Nov 2026 06:30"),
        ("soon", "en", "soon"),
    ],
)
def test_the_date_of_issue_is_written_in_words(issued, language, words):
    """The ISO form stays the file's time stamp."""
    made = document(notebook_of(shown(cover(issued=issued, language=language))), "html").cover

    assert made["issued_words"].replace("\u00a0", " ") == words
    assert made["issued"] == issued
