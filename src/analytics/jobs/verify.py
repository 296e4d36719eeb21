"""Verify a report: make it again from the store, and compare every figure with what the file holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.errors import InputError
from analytics.jobs.report import Progress, make_report
from analytics.model import period_of
from analytics.settings import Settings

SIDE = ".json"
FORMS = (".html", ".pdf", ".ipynb", ".csv", ".xlsx", ".parquet", ".json", ".provenance.json")


@dataclass(frozen=True)
class Difference:
    """One figure that is not what the store gives now."""

    where: str
    shown: Any
    now: Any


@dataclass(frozen=True)
class Verified:
    """What the comparison found; `reasons` say what may explain the differences."""

    compared: int
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    same_bytes: bool


def _silent(step: str, done: float) -> None:
    """No progress wanted."""


def verify(settings: Settings, file: Path, *, progress: Progress = _silent) -> Verified:
    """Compare a report's figures with those made anew with its parameters.

    Args:
        file: any file of the report; its figures stand in the JSON beside it.
    Raises:
        InputError: no file of a report, or the JSON with its figures is not beside it.
        NoDataError, ReportError: it cannot be made again.
    """
    content, stem = _figures(file)
    parameters = dict(content["parameters"])
    name = stem.removesuffix(f"-{parameters['month']}")
    overrides = {key: value for key, value in parameters.items() if key not in ("month", "notebook", "brand")}
    kind = file.suffix[1:] if file.suffix in (".html", ".pdf", ".csv", ".xlsx", ".parquet") else "json"
    with tempfile.TemporaryDirectory() as folder:
        # nothing kept is used: a figure compared with a copy of itself would prove nothing
        there = settings.model_copy(update={"output_dir": Path(folder), "reuse": False})
        formats = tuple(dict.fromkeys(["json", kind]))
        made = make_report(
            there, name, month=period_of(parameters["month"]), overrides=overrides, formats=formats, progress=progress
        )
        again = json.loads(made.files["json"].read_text("utf-8"))
        same = made.files[kind].read_bytes() == file.read_bytes() if file.suffix[1:] == kind else False
    before, now = dict(_cells(content)), dict(_cells(again))
    differences = tuple(
        Difference(where, before.get(where, "not there"), now.get(where, "not there"))
        for where in {**before, **now}
        if not _same(before.get(where, ...), now.get(where, ...))
    )
    return Verified(len(before), differences, tuple(_reasons(content, again, differences)), same)


def _figures(file: Path) -> tuple[dict[str, Any], str]:
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    stem = next((file.name.removesuffix(form) for form in reversed(FORMS) if file.name.endswith(form)), None)
    if stem is None:
        raise InputError(f"{file}: no file of a report; expected one that ends in {', '.join(FORMS)}")
    beside = file.parent / f"{stem}{SIDE}"
    try:
        content = json.loads(beside.read_text("utf-8"))
        content["parameters"]["month"]
    except FileNotFoundError as exc:
        raise InputError(f"{beside}: the figures of the report; verifying needs it beside {file.name}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise InputError(f"{beside}: holds no report's figures ({type(exc).__name__})") from exc
    return content, stem


def _cells(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every cell of every table by name: table, the row's first text (of a daily figure day and series), column."""
    for table in [*content["tables"], content["daily"]]:
        keys = 4 if table is content["daily"] else 1
        names = [column["name"] for column in table["columns"]]
        seen: dict[str, int] = {}
        for row in table["rows"]:
            texts = [str(value) for value in row if isinstance(value, str)][:keys]
            line = ", ".join(texts)
            seen[line] = seen.get(line, 0) + 1
            place = f"{line} #{seen[line]}" if seen[line] > 1 else line
            for name, value in zip(names, row, strict=True):
                yield f"{table['title']}: {place}: {name}", value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)
    return bool(one == other)


def _reasons(before: dict[str, Any], now: dict[str, Any], differences: tuple[Difference, ...]) -> Iterator[str]:
    then, today = (dict(content.get("facts", [])) for content in (before, now))
    for label in then:
        if then[label] != today.get(label):
            yield f"{label}: {then[label]} in the file, {today.get(label)} now"
    if differences and then == today:
        yield "the data are the same: the file was changed, or made by another version of the program"
