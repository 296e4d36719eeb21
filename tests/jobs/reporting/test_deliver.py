"""A published report reaches people: a real mail server, a real channel, once each, and a failure is seen."""

from __future__ import annotations

import email
import email.policy
import json
import multiprocessing
import socket
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, BinaryIO

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
from analytics.settings import Settings
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


BAD = [
    "nobody", "a@b,c@d.de", "a@b.de\r\nBcc: x@y.de", "<a@b.de>", "a b@c.de", "a@b c.de", "a@b@c.de", "@c.de", "a@",
    "a[b@c.de", "a@b", "a@b..de", "a@-b.de", "a.@b.de", ".a@b.de", "a..b@c.de", "a@[127.0.0.1]", "a@127.0.0.1",
    "a@b_c.de", "a\x00@b.de", "a@b.de\x1b[31m", "\u202ea@b.de", f"{'a' * 65}@b.de", f"a@{'b.' * 130}de", "a@\ud800.de",
]  # fmt: skip


def test_a_recipient_that_is_none_costs_itself_alone(published, box):
    """One slip in a list once kept the report from everybody in it."""
    with open_store(published) as store:
        done = deliver(published, store, "traffic", to=["ana@example.com", *BAD, "bo@example.com"])
        lines = deliveries.select(store)

    assert [d.status for d in done] == ["sent", *(["refused"] * len(BAD)), "sent"]
    assert all("recipient" in d.error or "mail address" in d.error for d in done if d.status == "refused")
    assert [letter["To"] for letter in box.letters] == ["ana@example.com", "bo@example.com"]
    assert {line.recipient for line in lines} == {"ana@example.com", "bo@example.com"}


@pytest.mark.parametrize("to", ["o'neil+x@b.example.com", "ana@bücher.example", "ana@localhost", "A.B@1a.example"])
def test_unusual_addresses_are_addresses(published, box, to):
    with open_store(published) as store:
        (done,) = deliver(published, store, "traffic", to=[to])

    assert done.status == "sent", done.error


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


class Stubborn:
    """A mail server that takes letters and answers them, or the farewell after them, as it likes."""

    def __init__(self, *, silent: bool = False, rude: bool = False) -> None:
        self.silent, self.rude = silent, rude
        self.logins: list[str] = []
        self.refused: set[str] = set()
        self.letters: list[email.message.EmailMessage] = []
        self.waiting = Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            Thread(target=self._talk_once, args=(connection,), daemon=True).start()

    def _talk_once(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            self._talk(connection, lines)

    def _talk(self, connection: socket.socket, lines: BinaryIO) -> None:
        connection.sendall(b"220 hello\r\n")
        for line in lines:
            word = line.split()[0].upper()
            if word == b"DATA":
                connection.sendall(b"354 go on\r\n")
                text = b"".join(iter(lines.readline, b".\r\n"))
                self.letters.append(email.message_from_bytes(text, policy=email.policy.default))
                if self.silent:
                    self.waiting.set()
                    lines.read()
                    return
                connection.sendall(b"250 taken\r\n")
            elif word == b"QUIT" and self.rude:
                return
            elif word == b"EHLO":
                connection.sendall(b"250-me\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                self.logins.append(b64decode(line.split()[-1]).decode())
                connection.sendall(b"235 welcome\r\n")
            elif word == b"RCPT" and any(address in line.decode() for address in self.refused):
                connection.sendall(b"550 no such user\r\n")
            else:
                connection.sendall(b"250 well\r\n")


@pytest.fixture
def stubborn() -> Iterator[Stubborn]:
    made = Stubborn()
    yield made
    made.socket.close()


def towards(settings: Settings, server: Stubborn, user: str = "") -> Settings:
    return settings.model_copy(update={"smtp_url": SecretStr(f"smtp+plain://{user}127.0.0.1:{server.port}")})


def _sends(settings: Settings) -> None:
    with open_store(settings) as store:
        deliver(settings, store, "traffic", to=["ana@example.com"])


def test_a_letter_that_was_taken_is_sent_although_the_farewell_fails(published, stubborn):
    """It was sent again, three to six times, each time under another Message-ID."""
    stubborn.rude = True
    own = towards(published, stubborn)
    with open_store(own) as store:
        first = deliver(own, store, "traffic", to=["ana@example.com"])
        second = deliver(own, store, "traffic", to=["ana@example.com"])

    assert ([d.status for d in first], [d.status for d in second]) == (["sent"], ["before"])
    assert len(stubborn.letters) == 1


def test_a_sender_killed_before_the_answer_is_followed_by_the_next_call(published, stubborn):
    """It was lost without a word: the next call said that everybody had it. The mailbox shows both tries once."""
    stubborn.silent = True
    own = towards(published, stubborn)
    process = multiprocessing.get_context("spawn").Process(target=_sends, args=(own,))
    process.start()
    assert stubborn.waiting.wait(60)
    with open_store(own) as store:
        (meanwhile,) = deliver(own, store, "traffic", to=["ana@example.com"])
        process.kill()
        process.join()
        stubborn.silent = False
        while (later := deliver(own, store, "traffic", to=["ana@example.com"])[0]).status == "sending":
            pass  # until the database has noticed that its client is gone
        (line,) = deliveries.select(store)

    assert (meanwhile.status, meanwhile.has_it, later.status, line.status) == ("sending", False, "sent", "sent")
    first, second = stubborn.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@example.com>")


def test_two_processes_at_once_send_one_letter_each(published, stubborn):
    own = towards(published, stubborn)
    both = [multiprocessing.get_context("spawn").Process(target=_sends, args=(own,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()

    assert [process.exitcode for process in both] == [0, 0]
    assert len(stubborn.letters) == 1


def test_a_server_that_goes_away_without_an_answer_leaves_the_letter_under_way(published, stubborn, monkeypatch):
    """Neither sent nor failed: the next call tries again, and says so until then."""
    monkeypatch.setattr("analytics.jobs.reporting.deliver.ANSWER_S", 0.2)
    stubborn.silent = True
    own = towards(published, stubborn)
    with open_store(own) as store:
        (done,) = deliver(own, store, "traffic", to=["ana@example.com"])
        (line,) = deliveries.select(store)
        stubborn.silent = False
        (later,) = deliver(own, store, "traffic", to=["ana@example.com"])

    assert (done.status, line.status, line.attempts, later.status) == ("sending", "sending", 1, "sent")
    assert "did not say whether it took the letter" in done.error
    assert len({letter["Message-ID"] for letter in stubborn.letters}) == 1


def test_every_recipient_and_version_has_a_message_id_of_its_own(published, box, tmp_path):
    files = report_files(tmp_path)
    with open_store(published) as store:
        deliver(published, store, "traffic")
        files["html"].write_text("another")
        site.publish(site_dir(published), replace(DRAFT, seal="b"), files, brand=BRAND)
        deliver(published, store, "traffic")
        deliver(published, store, "traffic", again=True, to=["ana@example.com"])

    names = [letter["Message-ID"] for letter in box.letters]
    assert len(names) == 5
    assert len(set(names)) == 4
    assert names[4] == names[2]


def test_one_refused_for_good_costs_the_others_nothing_and_is_asked_once(published, stubborn):
    stubborn.refused = {"bo@example.com"}
    own = towards(published, stubborn)
    waits: list[float] = []
    with open_store(own) as store:
        done = deliver(own, store, "traffic", to=["bo@example.com", "ana@example.com"], sleep=waits.append)

    assert [d.status for d in done] == ["failed", "sent"]
    assert "no such user" in done[0].error
    assert waits == [0.0, 0.0]


def test_a_password_beyond_ascii_signs_in(published, stubborn):
    """It raised a UnicodeEncodeError, and nobody behind it got the report."""
    own = towards(published, stubborn, "ana:p%C3%A4ss%E2%82%AC@")
    with open_store(own) as store:
        (done,) = deliver(own, store, "traffic", to=["ana@example.com"])

    assert (done.status, stubborn.logins) == ("sent", ["\0ana\0päss€"])


def test_a_letter_that_cannot_be_made_costs_itself_alone(published, box):
    """Whatever is wrong with the files of a version, every recipient is told of and none ends the round."""
    next((site_dir(published) / "traffic" / "2026-10" / "v1").glob("*.ipynb")).write_text("{")
    with open_store(published) as store:
        done = deliver(published, store, "traffic", sleep=lambda _: None)

    assert [d.status for d in done] == ["failed", "failed"]
    assert box.letters == []


def test_a_sender_that_is_none_is_refused_before_anything_is_claimed(published, box):
    wrong = published.model_copy(update={"mail_from": "Reports <re[ports@example.com>"})
    with open_store(published) as store:
        with pytest.raises(InputError, match="ANALYTICS_MAIL_FROM"):
            deliver(wrong, store, "traffic")
        assert deliveries.select(store) == []


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
