"""Where the figures of a report come from, to read and to copy: the Markdown file beside its PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analytics.reports.exporters.common import Document, Node, note_rows
from analytics.reports.exporters.words import words
from analytics.wording import formats

COPIED = {"query": "sql", "command": "sh"}  # what is to be copied stands as code, by the language it is in
MARKS = re.compile(r"[\\`*_<>\[\]]")
SQL = re.compile(r"\s*(SELECT|WITH)\b")


def sources(doc: Document) -> str:
    """Every numbered note of a document: the places that bear the number, and what gives their figures again."""
    said = words(doc.cover["language"])
    head = " · ".join(filter(None, (doc.cover["title"], doc.cover["period"])))
    parts = [f"# {said['sources']}: {_text(head)}", said["sources_note"]]
    for note in doc.notes:
        parts += [f"## {note['note']}", "; ".join(dict.fromkeys(map(_text, note["where"]))) + "."]
        parts += _entries(note, doc.cover["language"])
    return "\n\n".join(parts) + "\n"


def _text(text: str) -> str:
    """Text that formats nothing, and is still read easily as it is."""
    return MARKS.sub(r"\\\g<0>", formats.clean(text))


def _entries(note: Node, language: str) -> Iterator[str]:
    labels = note_rows(note, language)
    for key, (label, text) in zip(note["provenance"], labels, strict=True):
        if key in COPIED and (key != "query" or SQL.match(text)):
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
            yield f"{label}:\n\n{fence}{COPIED[key]}\n{text}\n{fence}"
        else:
            yield f"{label}: {_text(text)}"
