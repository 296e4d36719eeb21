"""Substack's mails through the three services, in the shapes they post."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import urlencode

import httpx
import pytest

from analytics.errors import DataFileError
from analytics.ingest.mails import parse_mail

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENDER = "Substack <no-reply@substack.com>"
SUBJECT = "New free subscriber to Let's get going!"
HTML = '<h1>New free subscriber</h1><p><strong>Email:</strong> <a href="mailto:ada@x.com">ada@x.com</a></p>'
DKIM = "{@substack.com : pass}"
HEADERS = "Message-ID: <1@substack>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n"


def multipart(**fields):
    request = httpx.Request("POST", "http://x", files={name: (None, value) for name, value in fields.items()})
    return request.read(), request.headers["content-type"]


def form(**fields):
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def mime(sender=SENDER, subject=SUBJECT):
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = sender, subject, "<1@substack>"
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0000"
    message.set_content(HTML, subtype="html", cte="quoted-printable")
    return message.as_string()


POSTMARK = {
    "From": "no-reply@substack.com",
    "Subject": SUBJECT,
    "HtmlBody": HTML,
    "Date": "Fri, 20 Nov 2026 10:00:00 +0000",
    "Headers": [
        {"Name": "Message-ID", "Value": "<1@substack>"},
        {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU"},
    ],
}
POSTED = {
    "sendgrid": multipart(**{"from": SENDER, "subject": SUBJECT, "html": HTML, "headers": HEADERS, "dkim": DKIM}),
    "sendgrid raw": multipart(email=mime(), dkim=DKIM),
    "mailgun": form(**{"from": SENDER, "subject": SUBJECT, "body-html": HTML, "Message-Id": "<1@substack>"}
                    | {"Date": "Fri, 20 Nov 2026 10:00:00 +0000",
                       "message-headers": '[["X-Mailgun-Dkim-Check-Result", "Pass"]]'}),
    "mailgun mime": multipart(**{"from": SENDER, "body-mime": "X-Mailgun-Dkim-Check-Result: Pass\r\n" + mime()}),
    "postmark": (json.dumps(POSTMARK).encode(), "application/json; charset=utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("service", POSTED)
def test_a_new_subscriber_is_the_same_event_through_every_service(service):
    """A mail forwarded to two of them counts once."""
    (event,) = parse_mail(*POSTED[service], received_at=AT).events

    assert (event.kind, event.count, event.at) == ("subscribe", 1, datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert event.event_id == parse_mail(*POSTED["sendgrid raw"], received_at=AT).events[0].event_id
    assert event.reader == parse_mail(*POSTED["sendgrid raw"], received_at=AT).events[0].reader != ""
    assert "ada" not in repr(event)


@pytest.mark.parametrize(
    ("subject", "kind", "count"),
    [
        ("New paid subscriber to Orchard!", "paid", 1),
        ("New founding subscriber to Orchard", "paid", 1),
        ("You have a new subscriber", "subscribe", 1),
        ("You got 12 new free subscribers", "subscribe", 12),
        ("1,204 new subscribers", "subscribe", 1204),
        ("Ada just subscribed to Orchard", "subscribe", 1),
        ("Ada has become a paid subscriber", "paid", 1),
        ("Fwd: New free subscriber to Orchard", "subscribe", 1),
        ("Ada unsubscribed from Orchard", "unsubscribe", 1),
        ("10 essays you might like this week", None, 0),
        ("Your Substack login verification code: 849201", None, 0),
        ("How I got my first subscriber", None, 0),
        ("", None, 0),
    ],
)
def test_wordings(subject, kind, count):
    parsed = parse_mail(*form(**{"from": SENDER, "subject": subject, "text": "", "dkim": DKIM}), received_at=AT)

    assert [(event.kind, event.count) for event in parsed.events] == ([(kind, count)] if kind else [])
    assert len(parsed.events) + len(parsed.passed_over) == 1


@pytest.mark.parametrize(
    "sender", ["a@substack.com.evil.example", "Substack no-reply@substack.com <x@evil.example>", ""]
)
def test_a_mail_from_anybody_else_counts_nothing(sender):
    parsed = parse_mail(*multipart(**{"from": sender or " ", "subject": SUBJECT}), received_at=AT)

    assert parsed.events == ()


def test_a_forged_sender_is_a_problem():
    """The service has checked the signature, and says that it does not hold."""
    parsed = parse_mail(*multipart(email=mime(), dkim="{@substack.com : fail}"), received_at=AT)

    assert parsed.events == ()
    assert "signature" in parsed.problems[0]


UNSIGNED = {
    "sendgrid": multipart(**{"from": SENDER, "subject": SUBJECT, "html": HTML}),
    "sendgrid, signed by another": multipart(**{"from": SENDER, "subject": SUBJECT, "dkim": "{@evil.example : pass}"}),
    "sendgrid, none": multipart(**{"from": SENDER, "subject": SUBJECT, "dkim": "none"}),
    "sendgrid raw": multipart(email=mime()),
    "mailgun": form(**{"from": SENDER, "subject": SUBJECT}),
    "mailgun, twice": form(**{"from": SENDER, "subject": SUBJECT, "message-headers": json.dumps(
        [["X-Mailgun-Dkim-Check-Result", "Pass"], ["X-Mailgun-Dkim-Check-Result", "Fail"]])}),
    "mailgun mime": multipart(**{"from": SENDER, "body-mime": mime()}),
    "postmark": (json.dumps(POSTMARK | {"Headers": []}).encode(), "application/json"),
    "postmark, valid but another's": (json.dumps(POSTMARK | {"Headers": [
        {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID"}]}).encode(), "application/json"),
    "a result the sender wrote below the service's": multipart(email=(
        "Authentication-Results: mx.example; dkim=none\r\n"
        "Authentication-Results: mx.example; dkim=pass header.d=substack.com\r\n" + mime())),
}  # fmt: skip


@pytest.mark.parametrize("service", UNSIGNED)
def test_an_unsigned_mail_counts_only_once_a_person_has_let_it_in(service):
    """Anybody can write Substack's name into a mail."""
    parsed = parse_mail(*UNSIGNED[service], received_at=AT)

    assert parsed.events == ()
    assert "mail says it is from substack.com, but" in parsed.problems[0]
    assert len(parse_mail(*UNSIGNED[service], received_at=AT, is_approved=True).events) == 1


@pytest.mark.parametrize(
    "result",
    ["dkim=pass header.d=substack.com", "spf=fail; dkim=pass (2048-bit) header.i=@mg.substack.com; dmarc=pass"],
)
def test_a_result_of_the_service_is_believed(result):
    raw = f"Authentication-Results: mx.example; {result}\r\n{mime()}"

    assert len(parse_mail(*multipart(email=raw), received_at=AT).events) == 1


@pytest.mark.parametrize("count", ["99999999999999999999", "2,000,000", "9" * 5000])
def test_a_number_no_newsletter_gains_is_not_read(count):
    """One beyond 64 bits stopped all counting."""
    parsed = parse_mail(*form(**{"from": SENDER, "subject": f"{count} new subscribers", "dkim": DKIM}), received_at=AT)

    assert parsed.events == ()
    assert "expected at most" in parsed.problems[0]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b"x", "text/plain"),
        (b"x", ""),
        (b"", "multipart/form-data; boundary=x"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"nothing", "multipart/form-data"),
    ],
)
def test_what_is_no_mail_is_said(body, kind):
    with pytest.raises(DataFileError, match="inbound mail"):
        parse_mail(body, kind, received_at=AT)
