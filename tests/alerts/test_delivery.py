"""What a channel says when it takes nothing, and what is never repeated of it."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from pydantic import SecretStr

from analytics.alerts.delivery import push, send_all
from analytics.alerts.incidents import Incident
from analytics.alerts.rules import Notice
from analytics.model import SeriesKey


def test_a_channel_that_cannot_be_reached_says_so_without_its_address():
    """`analytics alerts test` said only that nothing was delivered; the reason lay in a log that was dropped."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"json://ana:hunter22@127.0.0.1:{closed.getsockname()[1]}/hidden"

        said = push("team", {"team": "CHANNEL"}, lambda _: SecretStr(address), title="t", body="b")

    assert said.startswith("channel team: not delivered: A Connection error occurred")
    assert not any(part in said for part in ("ana", "hunter22", "127.0.0.1", "hidden"))


def test_a_message_is_not_sent_on_to_another_address():
    """A channel that answers with a redirect would have the message sent to a place that params do not name."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"json://127.0.0.1:{server.server_port}/first"

        said = push("team", {"team": "CHANNEL"}, lambda _: SecretStr(address), title="t", body="b")
        server.shutdown()

    assert said.startswith("channel team: not delivered")
    assert _Elsewhere.paths == ["/first"]


class _Elsewhere(BaseHTTPRequestHandler):
    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.paths.append(self.path.rstrip("/"))
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(307)
        self.send_header("Location", "/second")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_channel_that_breaks_costs_its_own_message_only():
    """Its error ended the delivery of all others, which then counted as told."""

    def broken(name: str) -> SecretStr:
        raise UnicodeError(f"{name} holds a secret")

    event = Incident(datetime(2026, 11, 20, 12, tzinfo=UTC), SeriesKey("github", "stars"), "threshold", "high")
    notice = Notice("any", "team", "key", "critical", (event,))

    answers = send_all([notice, notice], {"team": "CHANNEL"}, broken)

    assert [answer.error for answer in answers] == ["channel team: not delivered: UnicodeError"] * 2


def test_a_mail_keeps_its_lines_in_both_parts_and_escapes_what_stands_in_them():
    """The letter was one run-on paragraph."""
    import email
    from email import policy

    from aiosmtpd.controller import Controller

    class Keep:
        messages: ClassVar[list[bytes]] = []

        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the library's name
            self.messages.append(envelope.content)
            return "250 kept"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(Keep(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        address = f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com"
        body = "github acme/orchard views\n12 where 40 is normal\n3 < 9 <script>"
        error = push("mail", {"mail": "MAIL"}, lambda _: SecretStr(address), title="t", body=body)
    finally:
        server.stop()

    assert error == ""
    message = email.message_from_bytes(Keep.messages[0], policy=policy.default)
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    assert body.splitlines()[:2] == parts["text/plain"].splitlines()[:2]
    if "text/html" in parts:
        assert parts["text/html"].count("<br") >= 2
        assert "<script>" not in parts["text/html"]
