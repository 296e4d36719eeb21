"""The page in a real browser that cannot reach any network."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

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

    page.locator("a.note").first.focus()
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


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_is_never_wider_than_its_window(browser, file, width):
    """On a telephone only tables may be moved sideways, inside their own box."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    drawn(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
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
