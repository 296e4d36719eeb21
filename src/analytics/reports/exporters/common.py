"""An executed notebook as a document: one list of plain blocks that HTML and PDF both set.

Code is never shown. A cell tagged `html-only` or `pdf-only` reaches one of them; `hide` reaches none.
Papermill's error markers are dropped, and a notebook with a failed cell is refused or stamped a draft.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from nbformat import NotebookNode

from analytics.errors import ReportError
from analytics.reports.document import display, theme
from analytics.reports.document.blocks import COVER_DEFAULTS, DATA
from analytics.reports.document.logo import checked
from analytics.reports.exporters import markdown
from analytics.reports.exporters.words import words
from analytics.wording import formats
from analytics.wording.language import say, translated

Node = dict[str, Any]
Target = Literal["html", "pdf"]
PAPERMILL_ERROR_TAGS = frozenset({"papermill-error-cell-tag"})
HIDDEN_TAGS = frozenset({"hide", "remove-cell", "parameters", "injected-parameters"})


@dataclass
class Document:
    """What both exporters set.

    `cover` has the keys of `display.cover`; `notes` are the distinct provenances in order of first use,
    numbered from 1, each with the places (`where`) that refer to it.
    """

    cover: Node
    blocks: list[Node]
    notes: list[Node] = field(default_factory=list)
    parameters: Node = field(default_factory=dict)
    draft: bool = False

    @property
    def headline(self) -> tuple[str, ...]:
        """The sentences of the summary, which is the first list, as plain text."""
        items: list[list[Node]] = next((b["items"] for b in self.blocks if b["type"] == "list"), [])
        return tuple(markdown.plain(item[0].get("inlines", [])) for item in items if item)


def document(notebook: NotebookNode, target: Target, *, draft: bool = False) -> Document:
    """Read an executed notebook.

    Args:
        notebook: with outputs.
        target: which exporter asks: decides on cells tagged for one of them.
        draft: set a notebook with a failed cell all the same, stamped as a draft with a banner at the cell.
    Raises:
        ReportError: a cell failed and `draft` was not asked for.
    """
    failed = first_error(notebook)
    if failed and not draft:
        index, name, value = failed
        raise ReportError(
            f"cell {own_number(notebook, index)} failed with {name}: {value}; a failed notebook is not exported"
        )
    reader = _Reader(target, language_of(notebook))
    for cell in notebook.cells:
        reader.read(cell)
    reader.blocks = _without_title(reader.blocks, reader.cover)
    _number_headings(reader.blocks)
    cover = {**_default_cover(), **reader.cover, **dict(notebook.metadata.get("report", {}))}
    cover["logo"] = checked(str(cover["logo"])) if cover["logo"] else None
    cover["issued_words"] = _in_words(str(cover["issued"]), str(cover["language"]))
    if failed or draft:
        cover["status"] = "draft"
    parameters = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
    return Document(cover, reader.blocks, reader.notes, parameters, draft=bool(failed))


def language_of(notebook: NotebookNode) -> str:
    """The language its cover names; English where it shows none."""
    named = dict(notebook.metadata.get("report", {})).get("language")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            named = named or output.get("data", {}).get(display.COVER, {}).get("language")
    return str(named or COVER_DEFAULTS["language"])


def _in_words(issued: str, language: str) -> str:
    """An ISO date in the report's language; other words as they are."""
    try:
        return formats.day(date.fromisoformat(issued[:10]), lang=language) + issued[10:16].replace("T", " ")
    except ValueError:
        return issued


def first_error(notebook: NotebookNode) -> tuple[int, str, str] | None:
    """Index of the first failed cell with error name and message, or None."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return index, str(output.ename), str(output.evalue)
    return None


def own_number(notebook: NotebookNode, index: int) -> int:
    """A cell's number as the author counts: from 1, without the cells papermill puts in."""
    added = PAPERMILL_ERROR_TAGS | {"injected-parameters"}
    return sum(1 for cell in notebook.cells[: index + 1] if not added & set(cell.metadata.get("tags", [])))


def collect_provenance(notebook: NotebookNode) -> list[Node]:
    """Where every figure, table, tile and sentence of a notebook comes from, for the JSON sidecar.

    One entry a distinct provenance: its `note` number, the places (`where`) that carry it, and its own keys.
    """
    return document(notebook, "html", draft=True).notes


def _default_cover() -> Node:
    """The cover of a notebook that shows none."""
    return {**COVER_DEFAULTS, "title": "Report", "accent": theme.ACCENT}


class _Reader:
    """Walks cells and outputs, counting figures, tables and provenance notes."""

    def __init__(self, target: Target, language: str) -> None:
        self.target = target
        self.language = language
        self.cover: Node = {}
        self.blocks: list[Node] = []
        self.notes: list[Node] = []
        self._known: dict[str, int] = {}
        self._counts = {"figure": 0, "table": 0}

    def read(self, cell: NotebookNode) -> None:
        tags = set(cell.metadata.get("tags", []))
        other = "pdf-only" if self.target == "html" else "html-only"
        if tags & (HIDDEN_TAGS | PAPERMILL_ERROR_TAGS) or other in tags:
            return
        if cell.cell_type == "markdown":
            self.blocks += markdown.parse(translated(cell.source, self.language))
        elif cell.cell_type == "code":
            for output in cell.get("outputs", []):
                self.blocks += self._output(output)

    def _output(self, output: NotebookNode) -> Iterator[Node]:
        if output.output_type == "error":
            yield {"type": "failure", "name": str(output.ename), "text": str(output.evalue)}
        if output.output_type not in {"display_data", "execute_result"}:
            return
        data, about = output.data, dict(output.metadata.get("report", {}))
        if DATA in data:
            return
        if display.COVER in data:
            self.cover = _plain(data[display.COVER])
        elif (chart := _vegalite(data)) is not None:
            yield self._figure(chart, about, str(data.get("text/plain", "")))
        elif display.TABLE in data:
            yield self._captioned("table", _plain(data[display.TABLE]), about)
        elif display.TILES in data:
            tiles = _plain(data[display.TILES])["tiles"]
            for tile in tiles:
                tile["note_number"] = self._note(tile.pop("provenance", None), tile["label"])
            yield {"type": "tiles", "tiles": tiles}
        elif display.PROSE in data:
            yield from self._prose(str(data[display.PROSE]["markdown"]), about)
        elif display.CALLOUT in data:
            payload = data[display.CALLOUT]
            inner = markdown.parse(payload["markdown"], inside=True)
            yield {"type": "callout", "kind": payload["kind"], "title": payload["title"], "blocks": inner}
        elif display.DEFINITIONS in data:
            items = data[display.DEFINITIONS]["items"]
            pairs = [{"term": item["term"], "blocks": markdown.parse(item["markdown"], inside=True)} for item in items]
            note = self._note(about.get("provenance"), say("definitions", lang=self.language))
            yield {"type": "definitions", "items": pairs, "note_number": note}
        elif "image/png" in data:
            image = {"png": str(data["image/png"]).replace("\n", ""), **_described(about, data, self.language)}
            yield self._captioned("figure", image, about)
        elif "text/markdown" in data:
            yield from markdown.parse(str(data["text/markdown"]))
        elif "text/plain" in data:
            yield {"type": "code", "text": str(data["text/plain"])}

    def _figure(self, chart: Node, about: Node, text: str) -> Node:
        described = _described(about, {"text/plain": text}, self.language)
        return self._captioned("figure", {"spec": chart, **described}, about)

    def _captioned(self, kind: str, block: Node, about: Node) -> Node:
        if about.get("numbered", True):
            self._counts[kind] += 1
            block["number"] = self._counts[kind]
        kinds = words(self.language)
        where = f"{kinds[kind]} {block['number']}" if "number" in block else str(block["caption"])
        return {"type": kind, **block, "note_number": self._note(about.get("provenance"), where)}

    def _prose(self, text: str, about: Node) -> Iterator[Node]:
        made = markdown.parse(text)
        if made and about.get("provenance"):
            is_list = made[-1]["type"] == "list"  # each sentence carries the note
            for carrier in [item[0] for item in made[-1]["items"]] if is_list else made[-1:]:
                said = markdown.plain(carrier.get("inlines", []))[:60]
                carrier["note_number"] = self._note(about["provenance"], said)
        yield from made

    def _note(self, provenance: Mapping[str, Any] | None, where: str) -> int | None:
        if not provenance:
            return None
        entry = _plain(provenance)
        key = json.dumps(entry, sort_keys=True, default=str)
        if key not in self._known:
            self.notes.append({"note": len(self.notes) + 1, "where": [], "provenance": entry})
            self._known[key] = len(self.notes)
        self.notes[self._known[key] - 1]["where"].append(where)
        return self._known[key]


def _described(about: Mapping[str, Any], data: Mapping[str, Any], lang: str) -> Node:
    alt = str(about.get("alt") or data.get("text/plain", "") or say("Chart without a description", lang=lang))
    return {"caption": str(about.get("caption", "")), "alt": alt}


def _vegalite(data: Mapping[str, Any]) -> Node | None:
    """The chart of an output, whichever version of the MIME type it was shown under."""
    for mime, payload in data.items():
        if re.fullmatch(r"application/vnd\.vegalite\.v[56]\+?\.?json", mime):
            chart: Node = _plain(payload)
            return chart
    return None


def _plain(value: Any) -> Any:
    """A copy as plain dicts and lists, so that nothing below changes the notebook."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _without_title(blocks: list[Node], cover: Node) -> list[Node]:
    """Drop the notebook's first heading where it is its title: the cover has it."""
    for position, block in enumerate(blocks):
        if block["type"] == "heading":
            if block["level"] == 1:
                cover.setdefault("title", block["plain"])
                return blocks[:position] + blocks[position + 1 :]
            break
    return blocks


def _number_headings(blocks: list[Node]) -> None:
    """Give headings an anchor and a number, and levels from 2 without a gap (1 is the cover's)."""
    headings = [block for block in blocks if block["type"] == "heading"]
    top = min((block["level"] for block in headings), default=2)
    seen: set[str] = set()
    counts = [0, 0, 0]
    level = 1
    for block in headings:
        level = min(block["level"] - top + 2, level + 1, 5)
        block["level"] = level
        block["id"] = _anchor(block["plain"], seen)
        if level <= 3:
            counts[level - 2] += 1
            counts[level - 1 :] = [0] * len(counts[level - 1 :])
            block["section"] = ".".join(str(n) for n in counts[: level - 1])


def _anchor(text: str, seen: set[str]) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:60] or "section"
    name, count = f"s-{slug}", 2
    while name in seen:
        name, count = f"s-{slug}-{count}", count + 1
    seen.add(name)
    return name


def note_rows(note: Mapping[str, Any], language: str) -> list[list[str]]:
    """A provenance's keys and values as a reader sees them."""
    provenance: Mapping[str, Any] = note["provenance"]
    return [[say(key.replace("_", " "), lang=language), shown(value)] for key, value in provenance.items()]


def shown(value: Any) -> str:
    """A provenance value as text; what is empty says nothing and is left out.

    >>> shown({"month": "2026-10", "metrics": [], "platforms": ["x", "y"]})
    'month 2026-10, platforms x y'
    """
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items() if inner not in ("", None, [], {}))
    if isinstance(value, list):
        return " ".join(shown(inner) for inner in value)
    return formats.clean(formats.MISSING if value is None else value)
