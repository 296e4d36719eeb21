"""Tables as data: each cell is written once, here, and set by every exporter in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from analytics.errors import ReportError
from analytics.model import SEVERITIES
from analytics.reports.document.blocks import ARROWS, TABLE, Block, Provenance, escaped, finite, make_block
from analytics.wording import formats
from analytics.wording.language import mark, say

if TYPE_CHECKING:
    import pandas as pd

Format = Literal[
    "text", "code", "number", "compact", "percent", "change", "difference", "date", "datetime", "duration",
    "severity", "badge", "spark", "bar",
]  # fmt: skip
NUMERIC = frozenset({"number", "compact", "percent", "change", "difference", "duration", "bar"})


@dataclass(frozen=True)
class Precise:
    """An amount that a `compact` column writes with so many figures `more` than its three."""

    value: float
    more: int

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Column:
    """One column of a table: where its values come from and how they are written.

    Args:
        name: column of the frame.
        label: heading, in English or in words of one's own; the name where not given.
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
        label = say(self.label or self.name)
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
    empty: str = mark("Nothing to show."),
) -> Block:
    """A table; unknown values show as an en dash.

    Args:
        frame: one row a line, in the order to show; without rows it needs no columns.
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
    needed = [*(column.name for column in chosen), *([group] if group else [])]
    if frame.empty and not len(frame.columns):  # what a list without entries gives
        frame = frame.reindex(columns=needed)
    for name in needed:
        if name not in frame.columns:
            raise ReportError(f"table {caption!r}: no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    scales = {c.name: _largest(frame[c.name]) for c in chosen if c.format == "bar"}
    rows = [
        [_cell(value, column, scales.get(column.name, 0.0)) for value, column in zip(values, chosen, strict=True)]
        for values in zip(*(frame[column.name].tolist() for column in chosen), strict=True)
    ]
    heads = [c.head() for c in chosen]
    payload: dict[str, Any] = {"caption": caption, "columns": heads, "rows": rows, "empty": say(empty)}
    if note:
        payload["note"] = note
    if group:
        payload["groups"] = _runs([formats.clean(value) for value in frame[group]])
    if total_row and rows:
        payload["total_row"] = True
    return make_block(TABLE, payload, f"{caption} ({len(rows)} rows)", _table_html(payload), provenance)


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
    if column.format == "spark":
        return {"text": "", "spark": finite(value)}
    if formats.is_missing(value):
        return {"text": formats.MISSING, "missing": True}
    match column.format:
        case "number" | "bar":
            cell: dict[str, Any] = {"text": formats.number(value, decimals=column.decimals)}
            if column.format == "bar" and largest > 0:
                cell["share"] = round(abs(float(value)) / largest, 3)
        case "compact":
            cell = {"text": formats.compact(float(value), more=value.more if isinstance(value, Precise) else 0)}
        case "percent":
            cell = {"text": formats.percent(value, decimals=1 if column.decimals is None else column.decimals)}
        case "change" | "difference":
            return _signed(value, column)
        case "duration":
            cell = {"text": formats.duration(value)}
        case "date":
            return {"text": formats.day(value), "sort": str(value)}
        case "datetime":
            return {"text": formats.moment(value), "sort": str(value)}
        case "severity":
            if value not in SEVERITIES:
                raise ReportError(f"table: severity {value!r}; expected one of {', '.join(SEVERITIES)}")
            return {"text": say(str(value)), "severity": str(value), "sort": SEVERITIES.index(value)}
        case "badge":
            return {"text": formats.clean(value), "badge": True}
        case _:
            shown = formats.number(value) if type(value) in {int, float} else formats.clean(value)
            return {"text": shown}
    cell["sort"] = float(value)
    return cell


def _signed(value: Any, column: Column) -> dict[str, Any]:
    if column.format == "change":
        places = 1 if column.decimals is None else column.decimals
        text = formats.percent(value, decimals=places, signed=True)
    else:
        text = formats.number(value, decimals=column.decimals, signed=True)
    way = {"+": "up", formats.MINUS: "down"}.get(text[0], "flat")  # as written: what rounds to zero has no direction
    tone = "neutral" if column.good is None or way == "flat" else "good" if way == column.good else "bad"
    return {"text": text, "way": way, "tone": tone, "sort": float(value)}


def _table_html(payload: dict[str, Any]) -> str:
    """The plain form JupyterLab shows."""
    align = {"start": "left", "end": "right", "center": "center"}
    heads = "".join(
        f"<th style='text-align:{align[c['align']]}'>{escaped(_headed(c))}</th>" for c in payload["columns"]
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:{align[column['align']]}'>{escaped(_worded(cell))}</td>"
            for cell, column in zip(row, payload["columns"], strict=True)
        )
        + "</tr>"
        for row in payload["rows"]
    )
    caption = f"<caption>{escaped(payload['caption'])}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _headed(column: dict[str, Any]) -> str:
    return f"{column['label']} ({column['unit']})" if column["unit"] else str(column["label"])


def _worded(cell: dict[str, Any]) -> str:
    return f"{ARROWS[cell['way']]} {cell['text']}" if cell.get("way") in {"up", "down"} else str(cell["text"])
