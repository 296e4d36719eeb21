"""A report as a letter: words first, two charts as pictures, the PDF attached; readable as plain text too."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import nbformat

from analytics.errors import InputError
from analytics.reports.document import theme
from analytics.reports.exporters.common import document
from analytics.reports.exporters.svg import chart_png
from analytics.reports.publishing.versions import Version
from analytics.wording.language import say

CHARTS = 2
WIDTH = 620
SCALE = 1.5
LARGEST = 20_000_000  # above, mail servers refuse; the letter then has the link alone

ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"  # letters of other scripts too (RFC 6531), if the server takes them
LOCAL = re.compile(rf"{ATOM}(\.{ATOM})*")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MOST_LOCAL, MOST_ADDRESS = 64, 254  # bytes


def address(text: str) -> str:
    """One mail address, its domain in ASCII; as RFC 5321 has it, without comments, quotes and numbers for a host.

    Raises:
        InputError: it is none.

    >>> address("ana.lima+reports@bücher.example")
    'ana.lima+reports@xn--bcher-kva.example'
    """
    local, at, domain = text.rpartition("@")
    try:
        host = domain.encode("idna").decode("ascii").lower() if domain.isprintable() else ""
    except UnicodeError:
        host = ""
    labels = host.split(".")
    is_host = all(map(LABEL.fullmatch, labels)) and (len(labels) > 1 or host == "localhost")
    if not (at and LOCAL.fullmatch(local) and is_host) or labels[-1].isdecimal():
        raise InputError(f"{text!r} is not a mail address; expected one, as in ana@example.com")
    if len(local.encode()) > MOST_LOCAL or len(f"{local}@{host}".encode()) > MOST_ADDRESS:
        raise InputError(f"{text[:60]!r}… is too long for a mail address")
    return f"{local}@{host}"


def message_id(site_id: UUID, version: Version, recipient: str, sender: str) -> str:
    """The same for every try to send a version to a recipient, so that a mailbox shows it once."""
    named = uuid5(site_id, f"{version.folder} {version.seal} {recipient}")
    return f"<{named}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def letter(
    version: Version,
    notebook_path: Path,
    whole: Path | None,
    *,
    sender: str,
    recipient: str,
    named: str,
    brand: str,
    accent: str,
    link: str,
) -> EmailMessage:
    """The message for one recipient.

    Args:
        whole: the report as PDF or web page, attached unless it is too large.
        named: its Message-ID.
        link: leads to the published version, '' where readers cannot reach one.
    """
    notebook = nbformat.read(notebook_path, as_version=4)  # type: ignore[no-untyped-call]
    doc = document(notebook, "html")
    pictures = [block for block in doc.blocks if block["type"] == "figure" and "spec" in block][:CHARTS]
    names = [make_msgid(domain="report.invalid") for _ in pictures]
    lang = str(doc.cover["language"])
    attached = whole if whole is not None and whole.stat().st_size <= LARGEST else None
    where = _where(attached, lang)
    message = EmailMessage()
    message["Subject"] = _line(f"{version.title}: {version.label}" + _again(version, lang))
    message["From"], message["To"] = sender, recipient
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = named
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(version, doc.cover, brand, link, lang, where))
    captions = [str(block["caption"]) for block in pictures]
    alts = [str(block["alt"]) for block in pictures]
    shown = list(zip(names, captions, alts, strict=True))
    message.add_alternative(
        _html(version, doc.blocks, shown, brand=brand, accent=accent, link=link, lang=lang, where=where), subtype="html"
    )
    page: Any = message.get_payload()[1]  # type: ignore[index]
    for name, block in zip(names, pictures, strict=True):
        page.add_related(chart_png(block["spec"], scale=SCALE, language=lang), "image", "png", cid=name)
    if attached is not None:
        main, sub = ("application", "pdf") if attached.suffix == ".pdf" else ("text", "html")
        message.add_attachment(attached.read_bytes(), maintype=main, subtype=sub, filename=attached.name)
    return message


def _where(attached: Path | None, lang: str) -> str:
    """Where the whole report is, for a letter without a link."""
    if attached is None:
        return say("The whole report could not be attached; ask its sender for it.", lang=lang)
    if attached.suffix == ".pdf":
        return say("The whole report is attached as PDF.", lang=lang)
    return say("The whole report is attached as a web page.", lang=lang)


def summary(version: Version, link: str) -> str:
    """The same in a few lines, for channels that take text."""
    lines = [f"• {sentence}" for sentence in version.headline]
    return "\n".join([*lines, *([f"\n{link}"] if link else [])])


def _again(version: Version, lang: str) -> str:
    if version.version == 1:
        return ""
    return say(" (version {number}: {changed})", lang=lang, number=version.version, changed=version.changed)


def _line(text: str) -> str:
    """A header's text: one line, whatever stands in a title."""
    return " ".join(text.split())[:200]


def _plain(version: Version, cover: dict[str, Any], brand: str, link: str, lang: str, where: str) -> str:
    lines = [f"{brand}", f"{version.title}: {version.label}{_again(version, lang)}", ""]
    lines += [f"- {sentence}" for sentence in version.headline]
    lines += ["", *(f"{label}: {value}" for label, value in cover["facts"]), ""]
    whole = say("The whole report: {link}", lang=lang, link=link)
    lines += [whole if link else where]
    return "\n".join(lines) + "\n"


def _html(
    version: Version,
    blocks: list[dict[str, Any]],
    pictures: list[tuple[str, str, str]],
    *,
    brand: str,
    accent: str,
    link: str,
    lang: str,
    where: str,
) -> str:
    """Tables and inline styles: what mail programs of any age show as it is meant."""
    shade = theme.accents(accent)["cover_from"]
    grey = "color:#56627a;font-size:13px"
    tiles: list[dict[str, Any]] = next((block["tiles"] for block in blocks if block["type"] == "tiles"), [])
    cells = "".join(
        f'<td style="padding:10px 14px;border:1px solid #dde3ec;border-radius:8px" width="33%">'
        f'<div style="{grey}">{escape(str(t["label"]))}</div>'
        f'<div style="font-size:22px;font-weight:700">{escape(str(t["value"]))}'
        f' <span style="{grey}">{escape(str(t.get("unit") or ""))}</span></div>'
        + "".join(f'<div style="font-size:12px">{escape(str(d["text"]))}</div>' for d in t.get("deltas", []))
        + "</td>"
        + ("</tr><tr>" if n % 3 == 2 else "")
        for n, t in enumerate(tiles[:6])
    )
    said = "".join(f'<li style="margin:6px 0">{escape(sentence)}</li>' for sentence in version.headline)
    charts = "".join(
        f'<p style="margin:22px 0 4px"><img src="cid:{name[1:-1]}" alt="{escape(alt)}" width="{WIDTH}"'
        f' style="max-width:100%;height:auto;border:0"></p><p style="{grey};margin:0">{escape(caption)}</p>'
        for name, caption, alt in pictures
    )
    button = (
        f'<p style="margin:26px 0"><a href="{escape(link)}" style="background:{shade};color:#ffffff;padding:11px 20px;'
        f'border-radius:8px;text-decoration:none;font-weight:600">{escape(say("Open the report", lang=lang))}</a></p>'
        if link
        else f'<p style="{grey};margin:26px 0">{escape(where)}</p>'
    )
    return (
        f'<!doctype html><html lang="{lang}"><body style="margin:0;background:#ffffff;color:#172033;'
        'font:15px/1.55 Inter,Segoe UI,Helvetica,Arial,sans-serif">'
        f'<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td bgcolor="{shade}"'
        f' style="background:{shade};color:#ffffff;padding:26px 28px"><div style="font-size:13px">{escape(brand)}</div>'
        f'<div style="font-size:26px;font-weight:700">{escape(version.title)}</div>'
        f"<div>{escape(version.label + _again(version, lang))}</div></td></tr></table>"
        f'<div style="max-width:{WIDTH + 56}px;padding:20px 28px">'
        f'<table role="presentation" width="100%" cellspacing="6" cellpadding="0"><tr>{cells}</tr></table>'
        f'<ul style="padding-left:20px">{said}</ul>{button}{charts}</div></body></html>'
    )
