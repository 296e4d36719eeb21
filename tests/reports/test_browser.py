"""The page in a real browser that cannot reach any network."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_notebook
from playwright.sync_api import Browser, Page, sync_playwright

from analytics.reports.document import charts, display
from analytics.reports.document.display import Column
from analytics.reports.exporters.html import ReportHTMLExporter
from analytics.reports.publishing.site import publish
from tests.reports.publishing.test_site import BRAND, DRAFT
from tests.reports.sample import HOSTILE, cover, figure, notebook_of, report, shown

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not shutil.which(CHROMIUM):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"no Chromium at {CHROMIUM}: install the package chromium"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site") / "report.html"
    path.write_text(ReportHTMLExporter().from_notebook_node(report())[0], "utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page, and everything it complained about or asked for."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="light", offline=True)
    page = context.new_page()
    events: list[str] = []
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.goto(file.as_uri())
    yield page, events
    context.close()


def drawn(page: Page) -> None:
    page.locator("#figure-1").scroll_into_view_if_needed()
    page.wait_for_selector("#figure-1.ready")


def span(page: Page) -> float:
    low, high = page.evaluate("reportViews.get('figure-1').scale('x').domain().map(Number)")
    return float(high - low)


def plot(page: Page) -> Any:
    return page.locator("#figure-1 .live svg").bounding_box()


def test_charts_draw_and_nothing_is_asked_for_or_complained_about(opened, file):
    """One request, the file; no violation of the policy, no error, no dialog."""
    page, events = opened

    drawn(page)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)

    assert page.locator("#figure-1 .live svg path").count() > 5
    assert events == [f"request: {file.as_uri()}"]


def test_a_hostile_title_stays_text(opened):
    """As the browser sees it, after all scripts ran."""
    page, _ = opened

    assert page.locator("tbody th").first.inner_text() == HOSTILE
    assert page.locator("main img, main script:not(.packed), iframe, object").count() == 0


def test_dragging_zooms_and_a_double_click_resets(opened):
    """The wheel alone scrolls the page, as everywhere else."""
    page, _ = opened
    drawn(page)
    full, box = span(page), plot(page)

    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 100, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    zoomed = span(page)
    page.mouse.dblclick(box["x"] + 300, box["y"] + 100)
    page.wait_for_timeout(100)

    assert zoomed == pytest.approx(full * 200 / (box["width"] - 50), rel=0.1)
    assert span(page) == full


def test_the_keyboard_zooms_moves_and_resets(opened):
    """Whatever a mouse can do."""
    page, _ = opened
    drawn(page)
    full = span(page)

    page.locator("#figure-1 .live").focus()
    page.keyboard.press("+")
    page.wait_for_timeout(100)
    half = span(page)
    page.keyboard.press("0")
    page.wait_for_timeout(100)

    assert half == pytest.approx(full / 2)
    assert span(page) == full


def test_pointing_shows_reading_expectation_and_range(opened):
    """The tip is text; it goes with the pointer."""
    page, _ = opened
    drawn(page)
    box = plot(page)

    page.mouse.move(box["x"] + 300, box["y"] + 100)
    shown = page.locator("#tip").inner_text()
    page.mouse.move(5, 5)

    assert [word for word in ("observed", "expected", "usual range", "Oct") if word not in shown] == []
    assert page.locator("#tip").is_hidden()


def test_a_tip_speaks_the_reports_language(browser, tmp_path):
    """Words by the catalogue, date and figures by the browser's own knowledge of the language."""
    path = tmp_path / "german.html"
    cells = notebook_of(shown(cover(language="de")), figure())
    path.write_text(ReportHTMLExporter().from_notebook_node(cells)[0], "utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(path.as_uri())
    drawn(page)
    box = plot(page)

    page.mouse.move(box["x"] + 300, box["y"] + 100)
    shown_tip = page.locator("#tip").inner_text()
    page.close()

    assert [word for word in ("beobachtet", "erwartet", "üblicher Bereich", "Okt") if word not in shown_tip] == []
    assert "observed" not in shown_tip


def test_a_source_shows_on_focus_and_hides_on_escape(opened):
    """WCAG 1.4.13: dismissable without moving."""
    page, _ = opened

    page.locator("a.ref").first.focus()
    shown = page.locator("#tip").inner_text()
    page.keyboard.press("Escape")

    assert "select 1" in shown
    assert page.locator("#tip").is_hidden()


def test_the_dark_theme_turns_the_page_and_its_charts(opened):
    """Also those drawn before the reader pressed the button."""
    page, _ = opened
    drawn(page)
    line = page.locator("#figure-1 .live svg path[stroke='#1f5fae']").last
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    before = (page.evaluate(ground), line.evaluate("e => getComputedStyle(e).stroke"))

    page.locator("button.theme").click()

    after = (page.evaluate(ground), line.evaluate("e => getComputedStyle(e).stroke"))
    assert before == ("rgb(255, 255, 255)", "rgb(31, 95, 174)")
    assert after == ("rgb(16, 21, 29)", "rgb(111, 173, 245)")


def test_paper_is_light_and_shows_the_pictures(opened):
    """Printed from the dark theme, with charts alive."""
    page, _ = opened
    drawn(page)
    page.locator("button.theme").click()

    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#figure-1 .still").is_visible()
    assert page.locator("#figure-1 .live").is_hidden()


def test_a_heading_sorts_its_table(opened):
    """Numbers by size, not by their first digit; the direction is told to a screen reader."""
    page, _ = opened
    page.locator("#table-1 th button", has_text="Views").click()

    values = page.locator("#table-1 tbody tr td:nth-child(2)").all_inner_texts()

    assert [value.replace("\u00a0", " ") for value in values] == ["12.3 k", "2", "1"]
    assert page.locator("#table-1 th[aria-sort=descending]").inner_text().startswith("Views")


@pytest.fixture(scope="module")
def wide_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is hard to show on a telephone: callouts, grids of long names, wide tables, tables of sentences."""
    names = [f"Instagram orchard/harvest number {n} engagement per day" for n in range(14)]
    days = [f"{day:02d}" for day in range(1, 32)]
    weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    rows = pd.DataFrame(
        [(name, day, (len(name) * int(day)) % 4) for name in names for day in days], columns=list("ydn")
    )
    week = pd.DataFrame([(name, day, 0.87 + len(name)) for name in names for day in weekdays], columns=list("ydn"))
    bars = pd.DataFrame({"name": names, "n": [1234.5 * (n + 1) for n in range(14)]})
    many = pd.DataFrame({f"Column number {n}": [123456.0] * 3 for n in range(12)}).assign(name=names[:3])
    columns = [Column("name", "Series"), *(Column(str(name)) for name in many.columns if name != "name")]
    said = pd.DataFrame({"when": ["soon"], "what": [f"Find out what became of {names[0]}."], "n": [3.0]})
    said_columns = [Column("when"), Column("what", "What to do", wide=True), Column("n", "Incidents")]
    began = charts.heatmap(rows, x="d", y="y", value="n", title="Incidents that began")
    shape = charts.heatmap(week, x="d", y="y", value="n", text_format=".2f", title="1 = an ordinary day")
    cells = [
        *report().cells,
        shown(display.callout(" ".join(names[:3]), title="A remark")),
        shown(display.figure(began, caption="Days", alt="d")),
        shown(display.figure(shape, caption="Week", alt="w")),
        shown(display.figure(charts.bars(bars, category="name", value="n", title="views"), caption="Bars", alt="b")),
        shown(display.table(many, caption=" ".join(names[:2]), columns=columns)),
        shown(display.table(said, caption="Actions", columns=said_columns)),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    path = tmp_path_factory.mktemp("wide") / "wide.html"
    path.write_text(ReportHTMLExporter().from_notebook_node(new_notebook(cells=cells))[0], "utf-8")
    return path


BEYOND = """() => [...document.body.querySelectorAll('*')].filter((e) => {
  const box = e.getBoundingClientRect();
  const isApart = e.closest('.scroll, .still, .unseen, svg');
  return box.width && box.right > document.documentElement.clientWidth + 1 && !isApart;
}).map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`)"""
# Words of the page and of its charts as drawn, without those inside boxes that scroll: none may cover another.
COVERED = """() => {
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const isSeen = node.data.trim() && parent.checkVisibility({ opacityProperty: true });
    if (!isSeen || parent.closest('.scroll, .still, .unseen, .skip, script, style')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const said = node.data.trim().slice(0, 30);
    for (const box of range.getClientRects()) if (box.width > 1) words.push([said, box, parent]);
  }
  const found = [];
  words.forEach(([one, a, of], i) => words.slice(i + 1).forEach(([other, b, parent]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const upright = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const slack = of.closest('svg') ? 3 : 5;  // a line's box is higher than its letters
    if (across > 2 && upright > slack && of !== parent) found.push(`${one} / ${other}`);
  }));
  return found;
}"""
CHART_WORDS = """() => [...document.querySelectorAll('.live')].flatMap((live) => {
  const edge = live.querySelector('svg').getBoundingClientRect();
  const seen = (t) => t.textContent.trim() && t.checkVisibility({ opacityProperty: true });
  return [...live.querySelectorAll('text')].filter(seen).map((t) => {
    const box = t.getBoundingClientRect();
    const beyond = [edge.left - box.left, box.right - edge.right, edge.top - box.top, box.bottom - edge.bottom];
    return [t.textContent, parseFloat(getComputedStyle(t).fontSize), Math.max(...beyond)];
  });
})"""
ALL_DRAWN = "document.querySelectorAll('figure.ready').length === document.querySelectorAll('.packed').length"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_everything_can_be_read_at_the_width_of_a_telephone_a_tablet_and_a_desk(browser, wide_file, width, scheme):
    """Nothing wider than the page, no words on words, every chart in letters one can read, inside its edges."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(wide_file.as_uri())
    for figure_ in page.locator("figure").all():
        figure_.scroll_into_view_if_needed()
    page.wait_for_function(ALL_DRAWN)
    page.wait_for_timeout(100)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(COVERED) == []
    words = page.evaluate(CHART_WORDS)
    assert len(words) > 60
    assert [word for word in words if word[1] < 9.5 or word[2] > 1] == []
    page.close()


def test_a_table_wider_than_a_telephone_shows_that_it_goes_on(browser, wide_file):
    """A shade at its edge, its names in place while it moves, its caption whole; one of sentences is set row by row."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(wide_file.as_uri())
    box = page.locator(".scroll", has=page.locator("table:has-text('Column number 11')"))

    box.evaluate("e => { e.scrollLeft = 400 }")

    assert box.evaluate("e => e.scrollWidth > e.clientWidth + 400")
    assert box.evaluate("e => getComputedStyle(e).backgroundImage").count("linear-gradient") == 4
    assert box.locator("tbody th").first.bounding_box()["x"] == pytest.approx(18, abs=1)
    said = box.locator("caption .said").bounding_box()
    assert said["x"] >= 17
    assert said["x"] + said["width"] <= 390
    sentences = page.locator("table.stacked").last
    assert sentences.evaluate("e => e.scrollWidth <= e.parentElement.clientWidth")
    assert sentences.locator("td.wide").evaluate("e => getComputedStyle(e, '::before').content") == '"What to do"'
    page.close()


def test_a_telephone_that_is_turned_gets_the_other_form(browser, wide_file):
    """Names on two lines upright, on one line lying."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(wide_file.as_uri())
    days = page.locator("figure", has_text="Days").last
    days.scroll_into_view_if_needed()
    days.locator(".live tspan").first.wait_for()

    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_timeout(300)
    days.scroll_into_view_if_needed()
    days.locator(".live text", has_text="Instagram orchard/harvest number").first.wait_for()

    assert days.locator(".live tspan").count() == 0
    assert days.locator(".live").count() == 1
    page.close()


def test_without_javascript_the_pictures_are_there(browser, file):
    """A reader's mail program runs none."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()

    page.goto(file.as_uri())

    assert page.locator("#figure-1 .still svg").is_visible()
    assert page.locator("button.theme").is_hidden()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("what", ["report", "gallery"])
def test_axe_finds_no_fault(browser, file, tmp_path, what, scheme):
    """Contrast, names, roles, order of headings: the rules of WCAG 2.1 A and AA, with every chart drawn."""
    if what == "gallery":
        publish(tmp_path / "site", DRAFT, {"html": file, "pdf": file}, brand=BRAND)
    context = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto((file if what == "report" else tmp_path / "site" / "index.html").as_uri())
    if what == "report":
        drawn(page)
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}

    found = Axe().run(page, options=options).response

    faults = {v["id"]: [node["target"] for node in v["nodes"]][:3] for v in found["violations"]}
    context.close()
    assert len(found["passes"]) > 10
    assert faults == {}


def test_axe_sees_a_fault_where_there_is_one(browser):
    """The check above can fail."""
    page = browser.new_page()
    page.set_content(
        "<html lang='en'><title>t</title><img src='x.png'><p style='color:#eee;background:#fff'>pale words</p>"
    )

    found = Axe().run(page).response

    page.close()
    assert {"image-alt", "color-contrast"} <= {violation["id"] for violation in found["violations"]}
