"""A published report reaches people: a real mail server, a real channel, once each, and a failure is seen."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from analytics.errors import InputError
from analytics.jobs.reporting.deliver import deliver
from analytics.jobs.reporting.published import site_dir
from analytics.reports.document import display
from analytics.reports.publishing import site
from analytics.reports.publishing.versions import Version
from analytics.store import deliveries, open_store
from tests.reports.sample import figure, notebook_of

DRAFT = Version(
    name="traffic", period="2026-10", version=0, title="Traffic\r\nBcc: evil@example.com", label="October 2026",
    published_at="2026-11-01T06:00:00+00:00", files={}, sizes={}, platforms=("X",),
    headline=("Views <rose> by 4 %.",), parameters={}, rerun="analytics report traffic", seal="a",
)  # fmt: skip
BRAND = {"name": "Acme", "accent": "#1c5fb0", "language": "en"}


@dataclass
class Box:
    """A mail server that keeps what it takes; `answer` is what it says to a message."""

    port: int = 0
    answer: str = "250 taken"
    letters: list[email.message.EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        if self.answer.startswith("250"):
            self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answer


@pytest.fixture
def box() -> Iterator[Box]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        made = Box(free.getsockname()[1])
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    yield made
    controller.stop()


@pytest.fixture
def published(settings, box, tmp_path: Path):
    """An installation with one published report, and where its mail goes."""
    chosen = settings.model_copy(
        update={
            "smtp_url": SecretStr(f"smtp+plain://127.0.0.1:{box.port}"),
            "mail_from": "reports@example.com",
            "public_url": "https://reports.example.com",
        }
    )
    (chosen.params_dir / "reports").mkdir(parents=True)
    (chosen.params_dir / "reports" / "traffic.yaml").write_text("recipients: [ana@example.com, bo@example.com]\n")
    (chosen.params_dir / "alerts.yaml").write_text("channels: {team: TEAM_CHANNEL}\n")
    files = report_files(tmp_path)
    site.publish(site_dir(chosen), DRAFT, files, brand=BRAND)
    return chosen


def report_files(tmp_path: Path) -> dict[str, Path]:
    notebook = notebook_of(display.cover(title="Traffic", period="October 2026", brand="Acme"), figure(), figure())
    files = {"ipynb": tmp_path / "t.ipynb", "html": tmp_path / "t.html", "pdf": tmp_path / "t.pdf"}
    nbformat.write(notebook, files["ipynb"])
    files["html"].write_text("page")
    files["pdf"].write_bytes(b"%PDF-1.7 x")
    return files


def test_each_recipient_gets_one_letter_with_pdf_pictures_and_words(published, box):
    with open_store(published) as store:
        first = deliver(published, store, "traffic")
        second = deliver(published, store, "traffic")

    assert [d.status for d in first] == ["sent", "sent"]
    assert [d.status for d in second] == ["before", "before"]
    assert sorted(letter["To"] for letter in box.letters) == ["ana@example.com", "bo@example.com"]
    letter = box.letters[0]
    assert letter["Bcc"] is None
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds.count("image/png") == 2
    (pdf,) = letter.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content()) == ("t.pdf", b"%PDF-1.7 x")
    assert "- Views <rose> by 4 %." in letter.get_body(("plain",)).get_content()
    page = letter.get_body(("html",)).get_content()
    assert "Views &lt;rose&gt; by 4 %." in page
    assert "https://reports.example.com/traffic/2026-10/v1/t.html" in page
    cids = {part["Content-ID"][1:-1] for part in letter.walk() if part.get_content_type() == "image/png"}
    assert all(f"cid:{cid}" in page for cid in cids)


def test_what_fails_is_tried_again_recorded_and_sent_by_the_next_call(published, box):
    box.answer = "451 try later"
    waits: list[float] = []
    with open_store(published) as store:
        failed = deliver(published, store, "traffic", to=["ana@example.com"], sleep=waits.append)
        (line,) = deliveries.select(store)
        box.answer = "250 taken"
        again = deliver(published, store, "traffic", to=["ana@example.com"])
        (after,) = deliveries.select(store)

    assert (failed[0].status, line.status, line.attempts, waits) == ("failed", "failed", 3, [0.0, 2.0, 10.0])
    assert "try later" in line.error
    assert (again[0].status, after.status, after.attempts, after.error) == ("sent", "sent", 4, "")
    assert len(box.letters) == 1


def test_a_channel_gets_summary_and_link(published, monkeypatch):
    taken: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("TEAM_CHANNEL", f"json://127.0.0.1:{server.server_port}")
    try:
        with open_store(published) as store:
            done = deliver(published, store, "traffic", to=["team"])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert [d.status for d in done] == ["sent"]
    assert "https://reports.example.com/traffic/2026-10/v1/t.html" in taken[0]["message"]


@pytest.mark.parametrize("to", ["nobody", "a@b,c@d", "a@b\r\nBcc: x@y", "<a@b>", "a b@c", "a@b c", "a@b@c", "@c"])
def test_a_recipient_that_is_none_is_refused_before_anything_is_sent(published, box, to):
    with open_store(published) as store, pytest.raises(InputError, match="recipient"):
        deliver(published, store, "traffic", to=["ana@example.com", to])

    assert box.letters == []


def test_without_a_mail_server_it_is_said_how_to_name_one(published):
    mute = published.model_copy(update={"smtp_url": None})
    with open_store(mute) as store:
        (done,) = deliver(mute, store, "traffic", to=["ana@example.com"], sleep=lambda _: None)

    assert "ANALYTICS_SMTP_URL" in done.error


def test_nothing_published_is_an_error_that_says_what_to_do(settings):
    settings.params_dir.mkdir(parents=True)
    with open_store(settings) as store, pytest.raises(InputError, match="analytics report traffic --month"):
        deliver(settings, store, "traffic")


def test_only_a_month_that_is_over_and_as_configured_is_sent_unasked(published, box, tmp_path):
    """A slice made for oneself, or a preview, once went to everybody as the newest report."""
    files = report_files(tmp_path)
    files["html"].write_text("other")
    drafts = [
        replace(DRAFT, period="2026-11", label="November", published_at="2026-11-20T06:00:00+00:00"),
        replace(DRAFT, is_usual=False, parameters={"platforms": ["youtube"]}, label="Slice"),
        replace(DRAFT, period="2026-10-05--2026-10-18", label="Days"),
        replace(DRAFT, name="globex", period="2026-11", published_at="2026-11-20T06:00:00+00:00"),
    ]
    for draft in drafts:
        site.publish(site_dir(published), draft, files, brand=BRAND)
    with open_store(published) as store:
        deliver(published, store, "traffic", to=["ana@example.com"])
        deliver(published, store, "traffic", to=["ana@example.com"], period="2026-11")
        with pytest.raises(InputError, match=r"only 2026-11; `analytics report traffic --name globex --month …`"):
            deliver(published, store, "globex", to=["ana@example.com"])

    assert [letter["Subject"].rpartition(": ")[2] for letter in box.letters] == ["October 2026", "November"]


@pytest.mark.parametrize("url", ["smtp+tls://127.0.0.1:25", "smtp://127.0.0.1:port", "127.0.0.1"])
def test_an_address_that_is_no_mail_server_claims_nothing(published, box, url):
    """It once was found out after the claim: the next call said that everybody had the report."""
    wrong = published.model_copy(update={"smtp_url": SecretStr(url)})
    with open_store(published) as store:
        with pytest.raises(InputError, match="ANALYTICS_SMTP_URL"):
            deliver(wrong, store, "traffic")
        done = deliver(published, store, "traffic")

    assert [d.status for d in done] == ["sent", "sent"]


def test_what_breaks_in_the_middle_is_tried_by_the_next_call(published, box):
    def broken(_: float) -> None:
        raise KeyboardInterrupt

    with open_store(published) as store:
        with pytest.raises(KeyboardInterrupt):
            deliver(published, store, "traffic", to=["ana@example.com"], sleep=broken)
        (done,) = deliver(published, store, "traffic", to=["ana@example.com"])

    assert (done.status, len(box.letters)) == ("sent", 1)


def test_a_letter_promises_only_what_it_holds(published, box, tmp_path):
    """Without a PDF and a link the web page itself goes along."""
    files = report_files(tmp_path)
    del files["pdf"]
    site.publish(site_dir(published), replace(DRAFT, name="page"), files, brand=BRAND)
    (published.params_dir / "reports" / "page.yaml").write_text("title: Page\n")
    alone = published.model_copy(update={"public_url": None})
    with open_store(alone) as store:
        deliver(alone, store, "page", to=["ana@example.com"])

    (letter,) = box.letters
    (page,) = letter.iter_attachments()
    assert (page.get_filename(), page.get_content_type(), page.get_content()) == ("t.html", "text/html", "page")
    assert "attached as a web page" in letter.get_body(("plain",)).get_content()
    assert "PDF" not in letter.get_body(("html",)).get_content()
