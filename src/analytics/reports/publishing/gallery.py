"""The site's first page and its Atom feed, from the versions published."""

from __future__ import annotations

import base64
import hashlib
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any

from markupsafe import Markup

from analytics.reports.exporters import html as html_exporter
from analytics.reports.exporters.words import words
from analytics.reports.publishing.versions import ORDER, Version, standing_of
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import counted

ATOM = "http://www.w3.org/2005/Atom"
TYPES = {"html": "text/html", "pdf": "application/pdf"}
NAMES = {
    "html": "HTML", "pdf": "PDF", "xlsx": "Excel", "csv": "CSV", "json": "JSON", "parquet": "Parquet",
    "ipynb": mark("Notebook"), "provenance": mark("Provenance"),
}  # fmt: skip
SCRIPT = (html_exporter.TEMPLATES / "site.js").read_text("utf-8")


def gallery(standing: Sequence[Version], brand: Mapping[str, str]) -> str:
    """One self-contained page: the newest report, then every period with its versions and files."""
    shown = html_exporter.words_of([dict(brand), [asdict(version) for version in standing]])
    style = html_exporter.style_of(brand["accent"], shown) + (html_exporter.TEMPLATES / "site.css").read_text("utf-8")
    lang = brand["language"]
    entries = [_entry(list(group), lang) for _, group in groupby(standing, key=lambda v: (v.name, v.period))]
    entries.sort(key=lambda entry: (entry["period"], entry["published"], entry["name"]), reverse=True)
    return (
        html_exporter.environment()
        .get_template("site.html.j2")
        .render(
            brand=brand,
            w=words(lang),
            title=say("{brand}: reports", lang=lang, brand=brand["name"]),
            entries=entries,
            latest=next((entry for entry in entries if entry["is_regular"]), entries[0] if entries else None),
            platforms=sorted({name for entry in entries for name in entry["platforms"]}),
            years=[(year, list(group)) for year, group in groupby(entries, key=lambda entry: entry["period"][:4])],
            style=Markup(style),  # noqa: S704 - our own files
            script=Markup(SCRIPT),  # noqa: S704 - our own file
            policy=_policy(style),
        )
    )


def _policy(style: str) -> str:
    """Nothing from outside; exactly this script and style sheet."""

    def name(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {name(style)}; script-src {name(SCRIPT)}; font-src data:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _entry(versions: list[Version], lang: str) -> dict[str, Any]:
    """A period as the page shows it, by the version that stands for it."""
    newest = standing_of(versions)
    return {
        "name": newest.name,
        "period": newest.period,
        "is_regular": newest.is_regular,
        "label": newest.label,
        "title": newest.title,
        "status": "" if newest.status == "final" else say(newest.status, lang=lang),
        "published": newest.published_at,
        "about": say("{title} · published {when}", lang=lang, title=newest.title, when=_moment(newest, lang)),
        "platforms": list(newest.platforms),
        "headline": list(newest.headline),
        "rerun": newest.rerun,
        "links": [_link(newest.stable(kind), kind, newest, lang) for kind in ORDER if kind in newest.files],
        "more": counted(
            len(versions),
            "{n} version, and how to make it again",
            "{n} versions, and how to make it again",
            lang=lang,
        ),
        "versions": [
            {
                "number": v.version,
                "at": _moment(v, lang),
                "changed": v.changed,
                "links": [_link(v.address(kind), kind, v, lang) for kind in ORDER if kind in v.files],
            }
            for v in reversed(versions)
        ],
    }


def _moment(version: Version, lang: str) -> str:
    return formats.moment(datetime.fromisoformat(version.published_at), lang=lang) + " UTC"


def _link(address: str, kind: str, version: Version, lang: str) -> dict[str, str]:
    size = version.sizes.get(kind, 0)
    text = say(NAMES.get(kind, kind), lang=lang)
    return {"href": address, "kind": kind, "text": text, "size": _size(size, lang)}


def _size(size: int, lang: str) -> str:
    """Bytes in words.

    >>> _size(1_600_000, "en"), _size(14_300, "en")
    ('1.6 MB', '14 kB')
    """
    if size >= 1e6:
        return say("{size} MB", lang=lang, size=formats.number(size / 1e6, decimals=1, lang=lang))
    return say("{size} kB", lang=lang, size=formats.number(max(size / 1e3, 1), decimals=0, lang=lang))


def feed(standing: Sequence[Version], brand: Mapping[str, str], own_id: uuid.UUID, *, most: int = 50) -> bytes:
    """Atom (RFC 4287): an entry a version, the newest first; links are relative, so that the site may be moved.

    Ids are names below the site's own: those of two sites never meet, whatever their reports are called.
    """
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed")
    newest = sorted(standing, key=lambda v: (v.published_at, v.name, v.period, v.version), reverse=True)[:most]
    _text(root, "title", say("{brand}: reports", lang=brand["language"], brand=brand["name"]))
    _text(root, "id", own_id.urn)
    _text(root, "updated", newest[0].published_at if newest else "1970-01-01T00:00:00+00:00")
    ET.SubElement(_text(root, "author", ""), f"{{{ATOM}}}name").text = brand["name"]
    ET.SubElement(root, f"{{{ATOM}}}link", rel="self", href="feed.xml", type="application/atom+xml")
    ET.SubElement(root, f"{{{ATOM}}}link", rel="alternate", href="index.html", type="text/html")
    for version in newest:
        entry = ET.SubElement(root, f"{{{ATOM}}}entry")
        number = say(" (version {number})", lang=brand["language"], number=version.version)
        again = number if version.version > 1 else ""
        _text(entry, "title", f"{version.title}, {version.label}{again}")
        _text(entry, "id", uuid.uuid5(own_id, version.folder).urn)
        _text(entry, "updated", version.published_at)
        _text(entry, "summary", " ".join([version.changed, *version.headline]).strip())
        for kind, mime in TYPES.items():
            if kind in version.files:
                rel = "alternate" if kind == "html" else "enclosure"
                ET.SubElement(entry, f"{{{ATOM}}}link", rel=rel, href=version.address(kind), type=mime)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = formats.clean(text) or None
    return element
