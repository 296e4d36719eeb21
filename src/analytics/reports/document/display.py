"""What a report notebook shows: figures, tables, tiles, prose, callouts, definitions and the cover.

Each function returns an object whose output carries the data itself (Vega-Lite or small JSON payloads)
beside an HTML form for JupyterLab, so that each exporter can set it in its own way. Text that came from
a platform is data: it is cleaned of control characters, and shown, never interpreted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from analytics.errors import ReportError
from analytics.reports.document import theme
from analytics.reports.document.blocks import (
    ARROWS,
    CALLOUT,
    COVER,
    DATA,
    DEFINITIONS,
    PROSE,
    TABLE,
    TILES,
    VEGALITE,
    Block,
    Blocks,
    Provenance,
    Tone,
    blocks,
    escaped,
    finite,
    make_block,
)
from analytics.reports.document.logo import checked, logo_address
from analytics.reports.document.tables import Column, table
from analytics.wording import formats
from analytics.wording.language import say, use_language

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = [
    "ARROWS", "CALLOUT", "COVER", "DATA", "DEFINITIONS", "PROSE", "TABLE", "TILES", "VEGALITE", "Block", "Blocks",
    "Column", "Provenance", "Tile", "Tone", "blocks", "callout", "cover", "definition_list", "figure", "figures",
    "literal", "logo_address", "prose", "table", "tiles", "use_language",
]  # fmt: skip


def figures(frame: pd.DataFrame, *, title: str) -> Block:
    """Figures for a report's data files, which its pages do not show; unknown ones are None."""
    rows = frame.astype(object).where(frame.notna(), None).to_numpy(object).tolist()
    payload = {"title": title, "columns": [{"name": str(name)} for name in frame.columns], "rows": rows}
    return make_block(DATA, payload, f"{title}: {len(rows)} rows", f"<p>{escaped(title)}: {len(rows)} rows</p>")


def literal(text: Any) -> str:
    """Text from outside, for use inside `prose` or `callout`: it shows as it is and formats nothing."""
    return formats.literal(text)


def figure(
    chart: alt.TopLevelMixin, *, caption: str, alt: str, provenance: Provenance | None = None, number: bool = True
) -> Block:
    """A chart with its caption, and a sentence saying what it shows to those who cannot see it.

    `alt` is required: it is read aloud in place of the picture and becomes the PDF's alternative text.
    `number` False leaves the figure out of the count.
    """
    if not alt.strip() or not caption.strip():
        raise ReportError("figure: caption and alt must say something")
    from altair import data_transformers
    from altair.utils.data import MaxRowsError

    from analytics.reports.document.chart_data import NAME

    try:
        with data_transformers.enable(NAME):
            spec = _merged(theme.config(), chart.to_dict())
    except MaxRowsError as exc:
        raise ReportError(f"figure {caption!r}: more than 5000 rows to draw; thin the series first") from exc
    spec["description"] = alt
    report = {"caption": caption, "alt": alt, "numbered": number}
    if provenance:
        report["provenance"] = dict(provenance)
    return Block({VEGALITE: spec, "text/plain": alt}, {"report": report})


def _merged(config: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """`spec` with the report's configuration under its own; Altair's default size gives way."""
    own = {name: value for name, value in spec.pop("config", {}).items() if name != "view"}
    sets = {
        name: rows if isinstance(rows, str) else [_known(row) for row in rows]
        for name, rows in spec.get("datasets", {}).items()
    }
    return {**spec, "config": {**config, **own}, **({"datasets": sets} if sets else {})}


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with null for NaN and infinity, which JSON has no word for."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}


@dataclass(frozen=True)
class Tile:
    """One headline number.

    Args:
        label: what it is.
        value: the number, written compactly; or text as it is.
        unit: after the value.
        delta, delta_2: comparisons in words, as `+6.2 % on last month`; the sign gives the arrow.
        tone, tone_2: whether each comparison is welcome; `tone` also colours the tile's edge.
        sparkline: recent values, oldest first; None or NaN is a gap.
        note: a word set below, for example `provisional`.
        provenance: where the number comes from.
    """

    label: str
    value: float | str | None
    unit: str = ""
    delta: str = ""
    delta_2: str = ""
    tone: Tone = "neutral"
    tone_2: Tone = "neutral"
    sparkline: Sequence[float | None] | None = None
    note: str = ""
    provenance: Provenance | None = None

    def payload(self) -> dict[str, Any]:
        """The tile as the exporters read it."""
        shown = formats.clean(self.value) if isinstance(self.value, str) else formats.compact(self.value)
        found: dict[str, Any] = {
            "label": self.label,
            "value": shown,
            "unit": self.unit,
            "tone": self.tone,
            "note": self.note,
        }
        found["deltas"] = [
            _delta(text, tone) for text, tone in ((self.delta, self.tone), (self.delta_2, self.tone_2)) if text
        ]
        if isinstance(self.value, int | float) and math.isfinite(self.value):
            found["amount"] = float(self.value)  # as it is, for the data files
        if self.sparkline is not None:
            found["spark"] = finite(self.sparkline)
        if self.provenance:
            found["provenance"] = dict(self.provenance)
        return found


def _delta(text: str, tone: Tone) -> dict[str, Any]:
    first = text.strip()[:1]
    return {"text": text, "tone": tone, "way": "up" if first == "+" else "down" if first in {"-", "−"} else "none"}


def tiles(items: Sequence[Tile]) -> Block:
    """A row of headline numbers."""
    payload = {"tiles": [item.payload() for item in items]}
    plain = "; ".join(f"{tile['label']}: {tile['value']} {tile['unit']}".strip() for tile in payload["tiles"])
    cells = "".join(_tile_html(tile) for tile in payload["tiles"])
    return make_block(TILES, payload, plain, f"<table><tr>{cells}</tr></table>")


def _tile_html(tile: dict[str, Any]) -> str:
    deltas = "".join(f"<br><small>{escaped(delta['text'])}</small>" for delta in tile["deltas"])
    value = f"<b style='font-size:1.5em'>{escaped(tile['value'])}</b> {escaped(tile['unit'])}"
    return f"<td style='padding:.6em 1em'><small>{escaped(tile['label'])}</small><br>{value}{deltas}</td>"


def prose(markdown: str, *, provenance: Provenance | None = None) -> Block:
    """Sentences in Markdown. Put text from outside through `literal`; raw HTML shows as text in any case."""
    report = {"report": {"provenance": dict(provenance)}} if provenance else {}
    return Block({PROSE: {"markdown": markdown}, "text/markdown": markdown, "text/plain": markdown}, report)


def callout(markdown: str, kind: Literal["note", "warn", "bad", "good"] = "note", *, title: str = "") -> Block:
    """A remark set apart: `note`, `warn`, `bad` or `good`; the title says in words what the colour says."""
    shown = f"**{title}**\n\n{markdown}" if title else markdown
    payload = {"markdown": markdown, "kind": kind, "title": title}
    return Block({CALLOUT: payload, "text/markdown": "> " + shown.replace("\n", "\n> "), "text/plain": shown})


def definition_list(
    items: Mapping[str, str] | Sequence[tuple[str, str]], *, provenance: Provenance | None = None
) -> Block:
    """Terms with their meanings (Markdown)."""
    pairs = list(items.items()) if isinstance(items, Mapping) else list(items)
    payload = {"items": [{"term": term, "markdown": text} for term, text in pairs]}
    shown = (
        "<dl>" + "".join(f"<dt><b>{escaped(term)}</b></dt><dd>{escaped(text)}</dd>" for term, text in pairs) + "</dl>"
    )
    return make_block(DEFINITIONS, payload, "\n".join(f"{term}: {text}" for term, text in pairs), shown, provenance)


def cover(
    *,
    title: str,
    period: str,
    brand: str = "",
    accent: str = theme.ACCENT,
    language: str = "en",
    logo: str | None = None,
    issued: str = "",
    dated: str = "",
    status: Literal["final", "provisional", "draft"] = "final",
    version: str = "",
    facts: Mapping[str, str] | None = None,
    subtitle: str = "",
    sources: bool = True,
) -> Block:
    """The report's head: what, for when, by whom. Show it once, first.

    `issued` is a date in words or ISO, `dated` the PDF's own time stamp where there is none; `facts` are further lines
    (time zone, snapshot, …); `sources` sets queries and commands at the PDF's end, else they are in a file beside it;
    `logo` is a `data:image/svg+xml` or `data:image/png` address. Also sets the language of
    numbers and dates.
    """
    use_language(language)
    payload = {
        "title": title, "subtitle": subtitle, "period": period, "brand": brand, "accent": accent, "language": language,
        "logo": checked(logo) if logo else None,
        "issued": issued, "dated": dated, "status": status, "version": version, "facts": list((facts or {}).items()),
        "sources": sources,
    }  # fmt: skip
    plain = " · ".join(
        part for part in (brand, title, period, issued and say("issued {date}", date=issued), say(status)) if part
    )
    return make_block(COVER, payload, plain, f"<h1>{escaped(title)}</h1><p>{escaped(plain)}</p>")
