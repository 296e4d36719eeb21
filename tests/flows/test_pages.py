"""Prefect's pages in a real browser, as an analyst uses them: a month asked for in the form, its report opened."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from analytics.model import Month
from tests.flows.conftest import until, with_stars

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE_MS = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not shutil.which(CHROMIUM):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Without moving pictures, which are drawn by the processor here."""
    with browser.new_context(reduced_motion="reduce") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def pages_of(up) -> str:
    return str(up.api.base_url).removesuffix("/api/")


def ask_for(page: Page, up, month: str) -> None:
    """By hand: Deployments → traffic-monthly → Run → Custom run → Month → Submit."""
    page.goto(f"{pages_of(up)}/deployments")
    page.get_by_placeholder("Search deployments").fill("traffic-monthly")  # a long list draws what is in sight only
    page.get_by_role("link", name="traffic-monthly").first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()
    page.locator("textarea").first.fill(month)
    while submitted(page) == 503:  # the server's SQLite is busy: the form stays, and one presses again
        page.wait_for_timeout(1000)


def submitted(page: Page) -> int:
    """Press the button; the server's status."""
    with page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as answer:
        page.get_by_role("button", name="Submit").click()
    return answer.value.status


def test_another_month_is_asked_for_and_its_report_opened(page, up):
    """The whole way of an analyst who is asked for August: form, run, artifact, report; nothing from elsewhere."""
    strangers = []
    page.context.on("request", lambda r: strangers.append(r.url) if "127.0.0.1" not in r.url else None)
    with_stars(up, Month(2026, 7))
    with_stars(up, Month(2026, 8))

    ask_for(page, up, "2026-08")
    (asked,) = until(lambda: [run for run in up.runs(limit=200) if run["name"] == "report traffic 2026-08"])
    up.finished(asked["id"])  # its page draws a moving picture all the while
    page.reload()  # the page looks for news by itself only every half-minute
    page.get_by_role("link", name="report traffic 2026-08").first.click()
    page.wait_for_url("**/runs/flow-run/*")
    page.get_by_text("Completed", exact=True).wait_for()
    page.get_by_text("Artifacts", exact=True).last.click()
    page.get_by_text("Open traffic 2026-08").click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="traffic 2026-08", exact=True).click()

    report = opening.value
    report.locator("#figure-1").scroll_into_view_if_needed()
    report.wait_for_selector("#figure-1.ready")
    report.get_by_text("GitHub, August 2026").first.wait_for()
    assert report.url.startswith(f"{up.web}/traffic/2026-08/v1/")
    assert strangers == []


@pytest.mark.parametrize("path", ["/", "/v2/", "/v2/deployments"])
def test_pages_call_nobody_but_this_server(browser, up, path):
    """The second pages hold a tracker; where the server's policy refuses it, no request is made, answered or not."""
    refused, asked = [], []
    with browser.new_context(reduced_motion="reduce") as context:
        context.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())  # the network is refused too
        page = context.new_page()
        page.on(
            "request", lambda r: asked.append(r.url) if r.url.startswith("http") and "127.0.0.1" not in r.url else None
        )
        page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)

        page.goto(pages_of(up) + path)
        page.get_by_text("Deployments", exact=True).first.wait_for()
        page.wait_for_load_state("load")
        if path == "/":
            assert "/v2" not in page.url
        else:  # it tries at once
            until(lambda: page.wait_for_timeout(100) or refused)

    assert asked == []
    assert all("amplitude.com" in said for said in refused)


def test_days_metrics_and_accounts_are_asked_for_as_in_a_command(up):
    """The answer to a name that does not exist is the command's."""
    asked = {"days": "2026-08-03--2026-08-16", "accounts": ["acme/orchard"], "metrics": ["starz"]}
    refused = up.finished(up.start("report/traffic-monthly", parameters=asked).json()["id"])

    assert (refused["state_type"], refused["name"]) == ("FAILED", "report traffic 2026-08-03--2026-08-16")
    assert "did you mean 'stars'" in refused["state"]["message"]


def test_an_impossible_month_is_refused_on_the_page(page, up):
    """Before a run is made, not minutes later in a red line."""
    ask_for(page, up, "2026-13")

    page.get_by_text("'2026-13' does not match").first.wait_for()
    assert page.url.split("?")[0].endswith("/run")
    assert not [run for run in up.runs(limit=200) if run["parameters"].get("month") == "2026-13"]
