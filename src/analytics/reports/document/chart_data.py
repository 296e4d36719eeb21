"""A chart's rows as one CSV text inside its specification, as Vega-Lite reads it.

A list of mappings says every field's name in every row: a page of fifty charts is then a quarter of a million small
objects, each copied, checked and written several times on its way through notebook and exporters.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd
from altair.utils import sanitize_pandas_dataframe

NAME = "analytics-csv"
NUMBERS = {"integer", "floating", "mixed-integer-float", "empty"}


def as_csv(data: Any) -> Any:
    r"""Altair's data transformer: a frame as CSV with the type of each column, anything else as it came.

    A column that is neither numbers, truths, texts nor times leaves its frame a list of rows.

    Raises:
        MaxRowsError: more rows than a chart should draw.

    >>> made = as_csv(pd.DataFrame({"at": [1, 2], "views": [5.5, None], "who": ["a,b", ""]}))
    >>> made["values"], made["format"]["parse"]
    ('at,views,who\n1,5.5,"a,b"\n2,,\n', {'at': 'number', 'views': 'number'})
    """
    alt.limit_rows(data)
    if not isinstance(data, pd.DataFrame):
        return alt.to_values(data)
    rows = sanitize_pandas_dataframe(data)
    kinds = {str(name): _kind(data[name], rows[name]) for name in rows.columns}
    if "" in kinds.values():
        return alt.to_values(data)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kinds)
    writer.writerows(zip(*(_words(rows[name], kind) for name, kind in kinds.items()), strict=True))
    parse = {name: kind for name, kind in kinds.items() if kind != "text"}
    return {"values": text.getvalue(), "format": {"type": "csv", "parse": parse}}


alt.data_transformers.register(NAME, as_csv)


def _kind(given: pd.Series[Any], clean: pd.Series[Any]) -> str:
    """What Vega reads a column as; `text` is left as written, and nothing is said of what cannot be CSV."""
    if pd.api.types.is_datetime64_any_dtype(given):
        return "date"
    inferred = pd.api.types.infer_dtype(clean, skipna=True)
    if inferred in NUMBERS:
        return "number"
    if inferred == "boolean":
        return "boolean"
    if inferred != "string":
        return ""
    return "string" if clean.isna().any() else "text"


def _words(column: pd.Series[Any], kind: str) -> list[Any]:
    """A column as it is written; missing is empty."""
    writers: dict[str, Callable[[Any], str]] = {"number": _number, "boolean": lambda value: str(bool(value)).lower()}
    write = writers.get(kind, str)
    return [None if value is None or value != value else write(value) for value in column]


def _number(value: float) -> str:
    whole = int(value)
    return str(whole) if whole == value else repr(float(value))


def columns_of(spec: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """The columns of every set of rows in a specification, by the set's name; what was empty is None."""
    formats = dict(_formats(spec))
    return {
        name: _read(rows, formats[name]) if isinstance(rows, str) else _of_rows(rows)
        for name, rows in spec.get("datasets", {}).items()
    }


def with_columns(spec: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """A specification with its sets given as these columns, which no longer says how its texts are read."""
    texts = {name for name, rows in spec.get("datasets", {}).items() if isinstance(rows, str)}
    bare = {key: _without_formats(value, texts) for key, value in spec.items() if key != "datasets"}
    return bare | {"datasets": dict(columns)}


def _without_formats(spec: Any, texts: set[str]) -> Any:
    if isinstance(spec, Mapping):
        read = isinstance(spec.get("name"), str) and spec["name"] in texts
        return {key: _without_formats(value, texts) for key, value in spec.items() if not (read and key == "format")}
    return [_without_formats(item, texts) for item in spec] if isinstance(spec, list) else spec


def _formats(spec: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each named set of CSV and how its columns are read."""
    if isinstance(spec, Mapping):
        if "name" in spec and isinstance(spec.get("format"), Mapping):
            yield spec["name"], spec["format"].get("parse", {})
        for value in spec.values():
            yield from _formats(value)
    elif isinstance(spec, list):
        for item in spec:
            yield from _formats(item)


def _read(text: str, parse: Mapping[str, str]) -> dict[str, list[Any]]:
    names, *rows = csv.reader(io.StringIO(text))
    read: dict[str, Callable[[str], Any]] = {"number": _parsed, "boolean": lambda word: word == "true"}
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        name: [read.get(parse.get(name, ""), str)(word) if word or name not in parse else None for word in column]
        for name, column in zip(names, columns, strict=True)
    }


def _parsed(word: str) -> float:
    return float(word) if "." in word or "e" in word else int(word)


def _of_rows(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
