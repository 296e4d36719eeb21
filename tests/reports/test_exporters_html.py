"""The HTML page: one file, no request, nothing in the data becomes markup."""

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

import pandas as pd
import pytest
from nbconvert.exporters import get_exporter

from analytics.reports.document import display
from analytics.reports.exporters.html import ReportHTMLExporter
from tests.reports.sample import HOSTILE, cover, figure, notebook_of, report, shown, table


class Page(HTMLParser):
    """Tags with attributes, and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in {"meta", "br", "img", "hr", "link"}:
            self._open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        for tag in set(self._open):
            self.text[tag][-1] += data

    def all(self, name: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def export(nb, **options) -> str:
    return ReportHTMLExporter(**options).from_notebook_node(nb)[0]


@pytest.fixture(scope="module")
def text() -> str:
    return export(report())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nbconvert_knows_the_exporter_by_name():
    """`jupyter nbconvert --to analytics-html` works in any notebook tool."""
    assert get_exporter("analytics-html") is ReportHTMLExporter


def test_the_page_asks_the_network_for_nothing(text: str, page: Page):
    """Every address is a place in the page or inside it."""
    addresses = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]

    assert all(address.startswith(("#", "data:")) for address in addresses)
    style = page.text["style"][0]
    assert set(re.findall(r"url\((\w+:)", style)) == {"data:"}
    assert "@import" not in style
    assert not page.all("link")


def test_the_policy_allows_exactly_our_scripts_and_style(page: Page):
    """By hash: an injected script or style would not run even if it got in. Vega needs no eval here."""
    policy = page.all("meta")[1]["content"]
    ours = [t for (tag, attrs), t in zip([t for t in page.tags if t[0] == "script"], page.text["script"], strict=True)
            if "type" not in attrs]  # fmt: skip

    for content in [*ours, page.text["style"][0]]:
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy
    assert policy.count("sha256-") == len(ours) + 1 == 3
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_style_or_handler_stands_in_an_attribute(page: Page):
    """The policy would refuse them, and no data may bring one in."""
    assert not [name for _, attrs in page.tags for name in attrs if name == "style" or name.startswith("on")]


def test_a_hostile_title_stays_text(page: Page):
    """It appears word for word, and none of it as an element."""
    assert HOSTILE in "".join(page.text["th"])
    assert HOSTILE.split(" 🔥")[0] in "".join(page.text["p"])
    assert not page.all("img")
    assert not page.all("b") or all(not attrs for attrs in page.all("b"))
    assert not [attrs for attrs in page.all("a") if "javascript" in attrs.get("href", "")]


def test_a_hostile_cover_stays_text():
    """Brand and title come from params, which may be somebody else's file."""
    page = Page(export(notebook_of(shown(cover(title=HOSTILE, brand=HOSTILE, period=HOSTILE)), "text")))

    assert page.text["h1"] == [HOSTILE]
    assert not page.all("img")
    assert len(page.all("script")) == 2


def test_code_is_never_shown(text: str):
    """The reader gets the report, not the program."""
    assert "secret_code" not in text


def test_the_page_has_one_main_heading_landmarks_and_a_skip_link(page: Page):
    """What a screen reader moves by."""
    tags = Counter(tag for tag, _ in page.tags)

    assert (tags["h1"], tags["main"], tags["nav"], tags["header"], tags["footer"]) == (1, 1, 1, 1, 1)
    assert page.all("a")[0]["href"] == "#report"
    assert page.all("html")[0]["lang"] == "en"


def test_ids_are_unique_and_links_lead_somewhere(page: Page):
    """Drawings bring ids of their own."""
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]

    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")} <= set(ids)


def test_tables_have_captions_and_scoped_headings(page: Page):
    """A cell's meaning is read with it."""
    assert page.text["caption"][0].startswith("Table 1. Posts")
    assert all(attrs.get("scope") in {"col", "row", "rowgroup"} for attrs in page.all("th"))


def test_every_chart_is_a_picture_with_words(page: Page):
    """Without JavaScript, on paper and to the ear."""
    pictures = [attrs for attrs in page.all("svg") if attrs.get("role") == "img"]

    assert [attrs["aria-label"] for attrs in pictures] == ["Views, usual range and anomalies: a daily rhythm."]
    assert all("aria-hidden" in attrs for attrs in page.all("svg") if "role" not in attrs)


def test_a_change_is_told_by_sign_and_arrow(text: str):
    """Not by colour alone."""
    assert '<span class="arrow" aria-hidden="true">▲</span> +6.2' in text
    assert '<span class="arrow" aria-hidden="true">▼</span> −1.0' in text


def test_every_figure_leads_to_its_source(page: Page):
    """Hover or focus shows it; the list at the end holds it."""
    notes = [attrs for attrs in page.all("a") if attrs.get("class") == "ref"]

    assert {attrs["href"] for attrs in notes} == {"#note-1"}
    assert len(notes) == 3
    assert "select 1" in "".join(page.text["dd"])


def test_the_same_notebook_gives_the_same_bytes(text: str):
    """Also the second time in one process, where the drawing library counts on."""
    assert export(report()) == text


def test_without_the_chart_library_the_page_is_small(text: str):
    """For e-mail: pictures only."""
    small = export(report(), interactive=False)

    assert len(small) < 400_000 < len(text)
    assert "vegaEmbed" not in Page(small).text["script"][0]
    assert '<svg role="img"' in small


def test_a_draft_says_so():
    """Stamp and remark."""
    page = Page(export(notebook_of("# Title", "text"), draft=True))

    assert "Do not pass it on" in "".join(page.text["main"])


def test_words_follow_the_brands_language():
    """Contents, captions, buttons."""
    page = Page(export(notebook_of(shown(cover(language="de")), "## Übersicht", figure(), table())))

    assert page.all("html")[0]["lang"] == "de"
    assert page.text["caption"][0].startswith("Tabelle 1.")
    assert page.text["figcaption"][0].startswith("Abbildung 1.")


def test_an_empty_table_says_so_in_words():
    """A heading over nothing would look like a fault."""
    empty = display.table(pd.DataFrame({"title": []}), caption="Posts")

    page = Page(export(notebook_of(empty)))

    assert "Posts: Nothing to show." in "".join(page.text["p"])


def test_nine_platforms_with_five_metrics_stay_below_three_megabytes():
    """Charts of a month at five minutes, forty-five of them: the file must go by e-mail. Five are measured."""
    few, many = (len(export(notebook_of("# R", *(figure(f"S{n}", days=31, seed=n) for n in range(c))))) for c in (1, 5))

    one = (many - few) / 4

    assert few + 44 * one < 3_000_000
