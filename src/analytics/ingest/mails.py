"""Substack's notification mails, as inbound-mail services post them: Substack has no webhooks, but it writes to you.

A mail names one event and no total, so the figures are gains. The wording is Substack's; `PATTERNS` has what was
seen, the newest last, and a mail of another kind is passed over with its subject's first words. Anybody can write
Substack's name into a mail: only one whose signature (DKIM) the service found good counts, others wait for a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

from analytics.errors import DataFileError
from analytics.ingest.webhooks import Event, Kind, Parsed, hash_of, reader_of

SENDER_DOMAINS = ("substack.com",)
_YOU = r"^(?:you (?:just )?(?:got|have) )?"
_PLAN = r"(?P<plan>free|paid|founding|gift|annual|monthly)?"
PATTERNS = tuple(
    re.compile(text, flags=re.IGNORECASE)
    for text in (
        rf"{_YOU}(?:a |an )?new {_PLAN} ?(?:subscriber|subscription|signup)\b",
        rf"{_YOU}(?P<count>\d[\d,.]*) new {_PLAN} ?(?:subscribers|subscriptions|signups)\b",
        rf"(?:has |have |just )+(?:signed up|subscribed|become a {_PLAN} ?subscriber)\b",
    )
)
_LOST = re.compile(r"(?:has |just )?(?:unsubscribed|cancelled|canceled)\b", flags=re.IGNORECASE)
_PAID = frozenset({"paid", "founding", "annual", "monthly", "gift"})
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_FORWARDED = re.compile(r"^(?:(?:fwd?|wg|tr|rv)\s*:\s*)+", flags=re.IGNORECASE)
_SENDGRID_DKIM = re.compile(r"@([\w.-]+)\s*:\s*(\w+)")  # "{@substack.com : pass, @mg.example : fail}"
_RESULT = re.compile(r"\bdkim\s*=\s*(\w+)([^;]*)", flags=re.IGNORECASE)
_SIGNER = re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^@\s;\"]*@)?([\w.-]+)", flags=re.IGNORECASE)
MOST_IN_ONE_MAIL = 1_000_000  # more new subscribers than any newsletter gains at once


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as a service posted it; `signed` is what the service says of the sender's signature.

    `pass` (Substack's own signature holds), `fail`, or '' where it says nothing of a signature of Substack's.
    """

    sender: str
    subject: str
    text: str
    message_id: str = ""
    sent_at: datetime | None = None
    signed: str = ""


def parse_mail(body: bytes, content_type: str, *, received_at: datetime, is_approved: bool = False) -> Parsed:
    """What a mail from Substack tells.

    Args:
        body: the form or JSON of SendGrid Inbound Parse, a Mailgun route or Postmark's inbound stream.
        content_type: of the body.
        received_at: the event's time where the mail has no date.
        is_approved: a person has looked at it: it counts without a good signature.
    Raises:
        DataFileError: it is no mail.
    """
    mail = mail_of(body, content_type)
    domain = _domain_of(mail.sender)
    if not _is_substack(domain):
        return Parsed(passed_over=(f"mail from {domain or 'nobody'}",))
    event = _event(mail, received_at)
    if event is None:
        return Parsed(passed_over=(f"mail {mail.subject[:60]!r}",))
    if event.count > MOST_IN_ONE_MAIL:
        return Parsed(problems=(f"mail {mail.subject[:60]!r}: expected at most {MOST_IN_ONE_MAIL} in one mail",))
    if mail.signed != "pass" and not is_approved:
        found = "its signature does not hold" if mail.signed else "no service vouches for a signature of Substack's"
        return Parsed(problems=(f"mail says it is from {domain}, but {found}: {mail.subject[:60]!r}",))
    return Parsed((event,))


def _is_substack(domain: str) -> bool:
    return any(domain == known or domain.endswith(f".{known}") for known in SENDER_DOMAINS)


def _domain_of(sender: str) -> str:
    """The host of a From line: what stands in the last brackets counts, whatever the name before says.

    >>> _domain_of('"no-reply@substack.com" <x@evil.example>'), _domain_of("no-reply@substack.com")
    ('evil.example', 'substack.com')
    """
    bracketed = re.search(r"<([^<>]*)>[^<>]*$", sender)
    address = re.fullmatch(r"[^\s@,]+@([^\s@,]+)", (bracketed[1] if bracketed else sender).strip())
    return address[1].lower() if address else ""


def _event(mail: Mail, received_at: datetime) -> Event | None:
    subject = _FORWARDED.sub("", " ".join(mail.subject.split()))
    found = next((match for pattern in PATTERNS if (match := pattern.search(subject))), None)
    lost = None if found else _LOST.search(subject)
    if not found and not lost:
        return None
    named = found.groupdict() if found else {}
    digits = re.sub(r"\D", "", named.get("count") or "1")
    count = int(digits[:20])  # longer ones are refused anyway, and Python reads no more than 4300
    kind: Kind = "unsubscribe" if lost else "paid" if (named.get("plan") or "").lower() in _PAID else "subscribe"
    reader = next((a for a in _ADDRESS.findall(mail.text) if not a.lower().endswith("substack.com")), "")
    at = mail.sent_at or received_at
    identity = mail.message_id or f"{subject}|{reader_of(reader)}|{at.isoformat()}"
    return Event(kind, hash_of("mail", identity), at, reader=reader_of(reader), count=count)


def mail_of(body: bytes, content_type: str) -> Mail:
    """The mail in what a service posted; raise `DataFileError` if there is none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _postmark(body)
    fields = form_of(body, content_type)
    if "email" in fields:  # SendGrid's "raw" setting
        return _mime(fields["email"].encode("utf-8", "surrogateescape"), fields.get("dkim", ""))
    if "body-mime" in fields:
        return _mime(fields["body-mime"].encode("utf-8", "surrogateescape"), "")
    sender = fields.get("from") or fields.get("From") or fields.get("sender")
    if not sender:
        raise DataFileError("inbound mail: the form has no sender")
    html = fields.get("html") or fields.get("body-html") or ""
    headers = message_from_bytes(_headers_of(fields).encode("utf-8", "replace"), policy=policy.default)
    return Mail(
        sender=sender,
        subject=fields.get("subject") or fields.get("Subject") or "",
        text=fields.get("text") or fields.get("body-plain") or _plain(html),
        message_id=str(fields.get("Message-Id") or headers.get("message-id") or ""),
        sent_at=_date(fields.get("Date") or headers.get("date")),
        signed=_signed(fields.get("dkim", ""), [(name, str(value)) for name, value in headers.items()]),
    )


def form_of(body: bytes, content_type: str) -> dict[str, str]:
    """Fields of a form, files left out; raise `DataFileError` if it is none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000))
    if kind != "multipart/form-data":
        raise DataFileError(f"inbound mail: expected a form or JSON, found {kind or 'no content type'!r:.60}")
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + body, policy=policy.HTTP)
    fields: dict[str, str] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "surrogateescape")
    if not fields:
        raise DataFileError("inbound mail: the form has no fields")
    return fields


def _postmark(body: bytes) -> Mail:
    try:
        payload = json.loads(body)
        listed = [(str(h["Name"]), str(h["Value"])) for h in payload.get("Headers") or []]
        headers = {name.lower(): value for name, value in listed}
        return Mail(
            sender=str((payload.get("FromFull") or {}).get("Email") or payload["From"]),
            subject=str(payload.get("Subject") or ""),
            text=str(payload.get("TextBody") or "") or _plain(str(payload.get("HtmlBody") or "")),
            message_id=headers.get("message-id") or str(payload.get("MessageID") or ""),
            sent_at=_date(payload.get("Date")),
            signed=_signed("", listed),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise DataFileError(f"inbound mail: is no Postmark mail: {exc!r}"[:300]) from exc


def _mime(raw: bytes, signed: str) -> Mail:
    message = message_from_bytes(raw, policy=policy.default)
    return Mail(
        sender=str(message.get("from", "")),
        subject=str(message.get("subject", "")),
        text=_body(message),
        message_id=str(message.get("message-id", "")).strip(),
        sent_at=_date(message.get("date")),
        signed=_signed(signed, [(name, str(value)) for name, value in message.items()]),
    )


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, ValueError):
        return ""
    return content if part.get_content_subtype() == "plain" else _plain(content)


def _signed(field: str, headers: Sequence[tuple[str, str]]) -> str:
    """What the service found of a signature of Substack's: `pass`, `fail`, or '' for nothing.

    SendGrid says so in a field of the form. The others write headers, which a sender may have written too: a service
    puts its own on top, so of each name the first counts, and of Mailgun's, which may stand last, all must agree.

    >>> _signed("{@substack.com : pass}", []), _signed("{@evil.example : pass}", []), _signed("none", [])
    ('pass', '', '')
    """
    if field:
        return _verdict(result for domain, result in _SENDGRID_DKIM.findall(field) if _is_substack(domain.lower()))
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.lower(), []).append(value)
    if checks := named.get("x-mailgun-dkim-check-result"):
        return "pass" if all(check.strip().lower() == "pass" for check in checks) else "fail"
    if tests := named.get("x-spam-tests"):  # Postmark, by SpamAssassin: AU is the author's own domain
        rules = {rule.strip().upper() for rule in tests[0].split(",")}
        return "pass" if "DKIM_VALID_AU" in rules else "fail" if "DKIM_INVALID" in rules else ""
    first = next(iter(named.get("authentication-results", [])), "")
    results = ((result, _SIGNER.search(properties)) for result, properties in _RESULT.findall(first))
    return _verdict(result for result, signer in results if signer and _is_substack(signer[1].lower()))


def _verdict(results: Iterable[str]) -> str:
    """One good signature is enough; `none` and the like say nothing."""
    said = [result.lower() for result in results]
    return "pass" if "pass" in said else "fail" if said else ""


def _headers_of(fields: Mapping[str, str]) -> str:
    """Headers of a form: SendGrid's as text, Mailgun's as a JSON array of pairs."""
    try:
        pairs = json.loads(fields.get("message-headers", "[]"))
        listed = "".join(f"{name}: {' '.join(str(value).split())}\r\n" for name, value in pairs)
    except (ValueError, TypeError):
        listed = ""
    return (fields.get("headers") or listed).strip() + "\r\n\r\n"


def _plain(html: str) -> str:
    without = re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", html[:500_000])
    return unescape(re.sub(r"<[^>]{0,5000}>", " ", without))


def _date(text: Any) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(text))
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else None
