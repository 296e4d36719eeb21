"""`analytics-pdf`: a tagged PDF (PDF/UA-1) set by Typst, with vector charts and embedded fonts.

The document reaches Typst as one JSON file beside its drawings; no text is ever pasted into Typst source,
so nothing in the data can become markup. System fonts are not looked at and the time stamp is the report's
own, so the same notebook gives the same bytes on every machine.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbconvert.exporters.base import Exporter
from nbformat import NotebookNode
from traitlets import Bool

from analytics.errors import ReportError
from analytics.reports.document import theme
from analytics.reports.exporters import svg, typefaces
from analytics.reports.exporters.common import Document, document, note_rows, shown
from analytics.reports.exporters.words import words

TEMPLATE = Path(__file__).resolve().parents[1] / "typst" / "report.typ"
TEXT_WIDTH_MM = 170.0
TALL_MM = 62.0  # a quarter of a page's text: more, left over, would be a gap
NOT_SHOWN = "PDF/UA-1 error"  # how Typst begins to say that a text cannot be displayed or read back
ZERO_WIDTH_SPACE = "\u200b"
_LONG_WORD = re.compile(r"[^\s/.-]{30,}")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class ReportPDFExporter(Exporter):
    """Export an executed report notebook as PDF."""

    export_from_notebook = "Analytics report (PDF)"
    output_mimetype = "application/pdf"
    draft = Bool(False, help="Export a notebook with a failed cell, stamped as a draft.").tag(config=True)

    def _file_extension_default(self) -> str:
        return ".pdf"

    def from_notebook_node(  # type: ignore[override]  # nbconvert declares a notebook and means its output
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Set the notebook as PDF; raises `ReportError` where a cell failed and `draft` is off."""
        checked, resources = super().from_notebook_node(nb, resources, **kw)
        return pdf(document(checked, "pdf", draft=self.draft)), resources


def pdf(doc: Document) -> bytes:
    """The finished file of a document.

    Raises:
        ReportError: Typst cannot set it.
    """
    import typst

    try:
        return _compiled(doc)
    except typst.TypstError as exc:
        if NOT_SHOWN not in exc.message:
            raise _refused(doc, exc) from exc
    # A name that not even its own font joins up costs its letters, never the report.
    try:
        return _compiled(doc, own_font_only=True)
    except typst.TypstError as exc:
        raise _refused(doc, exc) from exc


def _refused(doc: Document, exc: Any) -> ReportError:
    hints = "; ".join([exc.message, *exc.hints])
    return ReportError(f"the PDF of {doc.cover['title']!r} cannot be set: {hints}")


def _compiled(doc: Document, *, own_font_only: bool = False) -> bytes:
    import typst

    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        root = Path(folder)
        _write(doc, root, own_font_only=own_font_only)
        return bytes(
            typst.compile(
                str(root / "main.typ"),
                root=str(root),
                font_paths=[str(typefaces.FONT_DIR)],
                ignore_system_fonts=True,
                pdf_standards=["ua-1"],
                timestamp=_issued(doc.cover["issued"] or doc.cover["dated"]),
            )
        )


def _write(doc: Document, root: Path, *, own_font_only: bool) -> None:
    """Lay out what Typst reads: the template, `report.json`, one SVG or PNG a chart."""
    language = doc.cover["language"]
    blocks = [_named(block, number, language, root) for number, block in enumerate(doc.blocks, start=1)]
    logo = _logo(doc.cover.get("logo"), root)
    rows = [note_rows(n, language) for n in doc.notes]
    shared = [row for row in rows[0] if all(row in others for others in rows)] if len(rows) > 1 else []
    notes = [
        {"note": n["note"], "rows": [row for row in own if row not in shared]}
        for n, own in zip(doc.notes, rows, strict=True)
    ]
    content = {
        "cover": {**doc.cover, "logo": logo},
        "blocks": blocks,
        "notes": notes,
        "shared": shared,
        "parameters": shown(doc.parameters) if doc.parameters else "",
        "words": words(language),
        "families": typefaces.families(),
        "colours": {**theme.LIGHT, **theme.accents(doc.cover["accent"])},
    }
    content = _drawable(_with_sparks(content), own_font_only)
    (root / "report.json").write_text(json.dumps(content, ensure_ascii=False, sort_keys=True), "utf-8")
    (root / "main.typ").write_text(TEMPLATE.read_text("utf-8"), "utf-8")


def _named(block: dict[str, Any], number: int, language: str, root: Path) -> dict[str, Any]:
    """A block with what the template finds it by: its drawing's file, or its place in the document."""
    if block["type"] == "figure":
        return _figure(block, f"c{number}", language, root)
    return {**block, "anchor": f"table-{number}"} if block["type"] == "table" else block


def _figure(block: dict[str, Any], name: str, language: str, root: Path) -> dict[str, Any]:
    """A figure as the template reads it, with its SVG or PNG beside the document."""
    made = {key: value for key, value in block.items() if key not in {"spec", "png"}} | {"words": []}
    if "spec" in block:
        drawn, made["words"] = svg.without_foreign(svg.chart_svg(block["spec"], prefix=name, language=language))
        made["file"], picture, size = f"{name}.svg", drawn.encode("utf-8"), svg.size_of(drawn)
    else:
        picture = base64.b64decode(block["png"])
        made["file"], size = f"{name}.png", struct.unpack(">II", picture[16:24])  # as every PNG begins
    (root / made["file"]).write_bytes(picture)
    made["width_px"], made["height"] = size[0], _height_mm(*size)
    made["tall"] = made["height"] > TALL_MM
    return made


def _height_mm(width: float, height: float) -> float:
    """How high a picture stands that is as wide as the text."""
    return round(TEXT_WIDTH_MM * height / max(width, 1.0), 1)


def _logo(address: str | None, root: Path) -> str | None:
    if not address or "," not in address:
        return None
    head, _, body = address.partition(",")
    name = "logo.svg" if "svg" in head else "logo.png"
    (root / name).write_bytes(base64.b64decode(body))
    return name


def _with_sparks(value: Any) -> Any:
    """Replace each sparkline's values by its drawing."""
    if isinstance(value, dict):
        return {key: svg.sparkline(item) if key == "spark" else _with_sparks(item) for key, item in value.items()}
    return [_with_sparks(item) for item in value] if isinstance(value, list) else value


def _issued(text: str) -> datetime:
    """The report's date as the file's time stamp; a fixed one where it names none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return EPOCH
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _drawable(value: Any, own_only: bool = False) -> Any:
    """A copy with every text as far as the shipped fonts draw it; words longer than a narrow column may break anywhere.

    >>> _drawable("50 % off 🔥")
    '50 % off 🔥'
    """
    if isinstance(value, dict):
        return {key: _drawable(item, own_only) for key, item in value.items()}
    if isinstance(value, list):
        return [_drawable(item, own_only) for item in value]
    return _LONG_WORD.sub(_breakable, typefaces.drawable(value, own_only=own_only)) if isinstance(value, str) else value


def _breakable(found: re.Match[str]) -> str:
    letters = list(typefaces.clusters(found.group()))
    return ZERO_WIDTH_SPACE.join("".join(letters[start : start + 8]) for start in range(0, len(letters), 8))
