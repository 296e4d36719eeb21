"""What a report notebook shows: figures, tables, tiles, prose, callouts, definitions and the cover.

Each function returns an object whose output carries the data itself (Vega-Lite or small JSON payloads)
beside an HTML form for JupyterLab, so that each exporter can set it in its own way. Text that came from
a platform is data: it is cleaned of control characters, and shown, never interpreted.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from analytics.errors import ReportError
from analytics.model import SEVERITIES
from analytics.reports import formats, theme

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

VEGALITE = "application/vnd.vegalite.v5+json"
TABLE = "application/vnd.report.table+json"
TILES = "application/vnd.report.tiles+json"
PROSE = "application/vnd.report.prose+json"
CALLOUT = "application/vnd.report.callout+json"
DEFINITIONS = "application/vnd.report.definitions+json"
COVER = "application/vnd.report.cover+json"

Format = Literal[
    "text", "code", "number", "compact", "percent", "change", "difference", "date", "datetime", "duration",
    "severity", "badge", "spark", "bar",
]  # fmt: skip
Tone = Literal["good", "bad", "warn", "neutral"]
Provenance = Mapping[str, Any]
NUMERIC = frozenset({"number", "compact", "percent", "change", "difference", "duration", "bar"})
ARROWS = {"up": "▲", "down": "▼", "flat": "■"}


class _State:
    language = "en"


def use_language(code: str) -> None:
    """Set the language of numbers and dates for all that is shown from here on (en, de, fr, es)."""
    if code not in formats.LANGUAGES:
        raise ReportError(f"language {code!r}: expected one of {', '.join(formats.LANGUAGES)}")
    _State.language = code


def literal(text: Any) -> str:
    """Text from outside, for use inside `prose` or `callout`: it shows as it is and formats nothing."""
    return formats.literal(text)


@dataclass(frozen=True)
class Block:
    """One displayed thing: MIME types with their data, and metadata for the exporters."""

    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        del include, exclude
        return self.data, self.metadata


@dataclass(frozen=True)
class Blocks:
    """Several things shown one after another by one call of a notebook."""

    items: tuple[Block | Blocks, ...]

    def __iter__(self) -> Iterator[Block | Blocks]:
        return iter(self.items)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for item in self.items:
            display(item)  # type: ignore[no-untyped-call]


def blocks(*items: Block | Blocks | None) -> Blocks:
    """Group what one call shows; None is left out."""
    return Blocks(tuple(item for item in items if item is not None))


def _block(mime: str, payload: dict[str, Any], plain: str, shown: str, provenance: Provenance | None = None) -> Block:
    report = {"provenance": dict(provenance)} if provenance else {}
    return Block({mime: payload, "text/html": shown, "text/plain": plain}, {"report": report} if report else {})


def figure(
    chart: alt.TopLevelMixin, *, caption: str, alt: str, provenance: Provenance | None = None, number: bool = True
) -> Block:
    """A chart with its caption, and a sentence saying what it shows to those who cannot see it.

    `alt` is required: it is read aloud in place of the picture and becomes the PDF's alternative text.
    `number` False leaves the figure out of the count.
    """
    if not alt.strip() or not caption.strip():
        raise ReportError("figure: caption and alt must say something")
    from altair.utils.data import MaxRowsError

    try:
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
    sets = {name: [_known(row) for row in rows] for name, rows in spec.get("datasets", {}).items()}
    return {**spec, "config": {**config, **own}, **({"datasets": sets} if sets else {})}


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with null for NaN and infinity, which JSON has no word for."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}


@dataclass(frozen=True)
class Column:
    """One column of a table: where its values come from and how they are written.

    Args:
        name: column of the frame.
        label: heading; the name where not given.
        format: `number` and `compact` are amounts; `percent` and `change` are ratios (0.1 is 10 %), `change` and
            `difference` are written with sign and arrow; `duration` is seconds; `severity` one of the four;
            `badge` a short word; `spark` a sequence of numbers; `bar` an amount with a bar behind it.
        unit: written in the heading, in brackets.
        decimals: fixed number of decimals for numbers; as the size needs where not given.
        good: which direction of a `change` or `difference` is welcome; None colours neither.
        align: `start`, `end` or `center`; by format where not given.
        total: whether the column is wide text that takes what room is left.
    """

    name: str
    label: str = ""
    format: Format = "text"
    unit: str = ""
    decimals: int | None = None
    good: Literal["up", "down"] | None = None
    align: Literal["start", "end", "center"] | None = None
    wide: bool = False

    def head(self) -> dict[str, Any]:
        """The column as the exporters read it."""
        align = self.align or ("end" if self.format in NUMERIC or self.format in {"date", "datetime"} else "start")
        label = self.label or self.name
        return {"label": label, "unit": self.unit, "align": align, "kind": self.format, "wide": self.wide}


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    columns: Sequence[Column] | None = None,
    note: str | None = None,
    group: str | None = None,
    total_row: bool = False,
    provenance: Provenance | None = None,
    empty: str = "Nothing to show.",
) -> Block:
    """A table; unknown values show as an en dash.

    Args:
        frame: one row a line, in the order to show.
        columns: which columns, in order; all of them as text or numbers where not given.
        note: a sentence below the table.
        group: a column whose runs of equal values become heading rows.
        total_row: whether the last row is a total, set apart.
        empty: what is said in place of a table without rows.
    Raises:
        ReportError: a column the frame does not have, or a severity that is none.
    """
    chosen = (
        list(columns) if columns is not None else [_guessed(frame, name) for name in frame.columns if name != group]
    )
    for name in [*(column.name for column in chosen), *([group] if group else [])]:
        if name not in frame.columns:
            raise ReportError(f"table {caption!r}: no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    scales = {c.name: _largest(frame[c.name]) for c in chosen if c.format == "bar"}
    rows = [
        [_cell(value, column, scales.get(column.name, 0.0)) for value, column in zip(values, chosen, strict=True)]
        for values in zip(*(frame[column.name].tolist() for column in chosen), strict=True)
    ]
    payload: dict[str, Any] = {"caption": caption, "columns": [c.head() for c in chosen], "rows": rows, "empty": empty}
    if note:
        payload["note"] = note
    if group:
        payload["groups"] = _runs([formats.clean(value) for value in frame[group]])
    if total_row and rows:
        payload["total_row"] = True
    return _block(TABLE, payload, f"{caption} ({len(rows)} rows)", _table_html(payload), provenance)


def _guessed(frame: pd.DataFrame, name: str) -> Column:
    kind = frame[name].dtype.kind
    return Column(name, format="number" if kind in "iuf" else "datetime" if kind == "M" else "text")


def _largest(values: pd.Series[Any]) -> float:
    return max((abs(float(v)) for v in values if not formats.is_missing(v)), default=0.0)


def _runs(names: list[str]) -> list[dict[str, Any]]:
    starts = [i for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
    return [{"start": start, "label": names[start]} for start in starts]


def _cell(value: Any, column: Column, largest: float) -> dict[str, Any]:
    """One cell: `text` to show, `sort` to sort by, and what the format adds."""
    lang = _State.language
    if column.format == "spark":
        return {"text": "", "spark": _finite(value)}
    if formats.is_missing(value):
        return {"text": formats.MISSING, "missing": True}
    match column.format:
        case "number" | "bar":
            cell: dict[str, Any] = {"text": formats.number(value, decimals=column.decimals, lang=lang)}
            if column.format == "bar" and largest > 0:
                cell["share"] = round(abs(float(value)) / largest, 3)
        case "compact":
            cell = {"text": formats.compact(value, lang=lang)}
        case "percent":
            cell = {
                "text": formats.percent(value, decimals=1 if column.decimals is None else column.decimals, lang=lang)
            }
        case "change" | "difference":
            return _signed(value, column)
        case "duration":
            cell = {"text": formats.duration(value, lang=lang)}
        case "date":
            return {"text": formats.day(value, lang=lang), "sort": str(value)}
        case "datetime":
            return {"text": formats.moment(value, lang=lang), "sort": str(value)}
        case "severity":
            if value not in SEVERITIES:
                raise ReportError(f"table: severity {value!r}; expected one of {', '.join(SEVERITIES)}")
            return {"text": str(value), "severity": str(value), "sort": SEVERITIES.index(value)}
        case "badge":
            return {"text": formats.clean(value), "badge": True}
        case _:
            shown = formats.number(value, lang=lang) if type(value) in {int, float} else formats.clean(value)
            return {"text": shown}
    cell["sort"] = float(value)
    return cell


def _finite(values: Sequence[Any]) -> list[float | None]:
    return [None if formats.is_missing(value) else float(value) for value in values]


def _signed(value: Any, column: Column) -> dict[str, Any]:
    if column.format == "change":
        places = 1 if column.decimals is None else column.decimals
        text = formats.percent(value, decimals=places, signed=True, lang=_State.language)
    else:
        text = formats.number(value, decimals=column.decimals, signed=True, lang=_State.language)
    way = {"+": "up", formats.MINUS: "down"}.get(text[0], "flat")  # as written: what rounds to zero has no direction
    tone = "neutral" if column.good is None or way == "flat" else "good" if way == column.good else "bad"
    return {"text": text, "way": way, "tone": tone, "sort": float(value)}


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
        shown = (
            formats.clean(self.value)
            if isinstance(self.value, str)
            else formats.compact(self.value, lang=_State.language)
        )
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
        if self.sparkline is not None:
            found["spark"] = _finite(self.sparkline)
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
    return _block(TILES, payload, plain, f"<table><tr>{cells}</tr></table>")


def _tile_html(tile: dict[str, Any]) -> str:
    deltas = "".join(f"<br><small>{_e(delta['text'])}</small>" for delta in tile["deltas"])
    value = f"<b style='font-size:1.5em'>{_e(tile['value'])}</b> {_e(tile['unit'])}"
    return f"<td style='padding:.6em 1em'><small>{_e(tile['label'])}</small><br>{value}{deltas}</td>"


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
    shown = "<dl>" + "".join(f"<dt><b>{_e(term)}</b></dt><dd>{_e(text)}</dd>" for term, text in pairs) + "</dl>"
    return _block(DEFINITIONS, payload, "\n".join(f"{term}: {text}" for term, text in pairs), shown, provenance)


def cover(
    *,
    title: str,
    period: str,
    brand: str = "",
    accent: str = theme.ACCENT,
    language: str = "en",
    logo: str | None = None,
    issued: str = "",
    status: Literal["final", "provisional", "draft"] = "final",
    version: str = "",
    facts: Mapping[str, str] | None = None,
    subtitle: str = "",
) -> Block:
    """The report's head: what, for when, by whom. Show it once, first.

    `issued` is a date in words or ISO; `facts` are further lines (time zone, snapshot, …); `logo` is a
    `data:image/svg+xml` or `data:image/png` address. Also sets the language of numbers and dates.
    """
    use_language(language)
    payload = {
        "title": title, "subtitle": subtitle, "period": period, "brand": brand, "accent": accent, "language": language,
        "logo": logo, "issued": issued, "status": status, "version": version, "facts": list((facts or {}).items()),
    }  # fmt: skip
    plain = " · ".join(part for part in (brand, title, period, issued and f"issued {issued}", status) if part)
    return _block(COVER, payload, plain, f"<h1>{_e(title)}</h1><p>{_e(plain)}</p>")


def _e(text: Any) -> str:
    return html.escape(str(text), quote=True)


def _table_html(payload: dict[str, Any]) -> str:
    """The plain form JupyterLab shows."""
    align = {"start": "left", "end": "right", "center": "center"}
    heads = "".join(f"<th style='text-align:{align[c['align']]}'>{_e(_headed(c))}</th>" for c in payload["columns"])
    body = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:{align[column['align']]}'>{_e(_worded(cell))}</td>"
            for cell, column in zip(row, payload["columns"], strict=True)
        )
        + "</tr>"
        for row in payload["rows"]
    )
    caption = f"<caption>{_e(payload['caption'])}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _headed(column: dict[str, Any]) -> str:
    return f"{column['label']} ({column['unit']})" if column["unit"] else str(column["label"])


def _worded(cell: dict[str, Any]) -> str:
    return f"{ARROWS[cell['way']]} {cell['text']}" if cell.get("way") in {"up", "down"} else str(cell["text"])
