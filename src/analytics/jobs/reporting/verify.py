"""Verify a report: make it again from the store, and compare the file and every figure with what comes of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.errors import InputError
from analytics.jobs.reporting.published import site_dir
from analytics.jobs.reporting.report import Progress, make_report
from analytics.model import period_of
from analytics.reports.publishing import site
from analytics.reports.publishing.versions import MANIFEST
from analytics.settings import Settings

SIDE = ".json"
FORMS = (".html", ".pdf", ".ipynb", ".csv", ".xlsx", ".parquet", ".json", ".provenance.json", ".sources.md")
TEXTS = (".html", ".ipynb", ".csv", ".json", ".provenance.json", ".sources.md")
MADE_WITH = ("program", "params")
AROUND = 40  # letters shown before and after the first that differs in a line
MOST_PLACES = 10


@dataclass(frozen=True)
class Difference:
    """One figure, or one line of the file, that is not what the store gives now."""

    where: str
    shown: Any
    now: Any


@dataclass(frozen=True)
class Verified:
    """What the comparison found.

    `differences` are figures; `places` lines of the file, where it is text. `reasons` say what may explain them: with
    none, data, parameters and program are those it was made with, so what differs was changed by hand.
    """

    compared: int
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    same_bytes: bool
    places: tuple[Difference, ...] = ()

    @property
    def was_changed(self) -> bool:
        """Whether the file is certainly not as it was made."""
        return not self.same_bytes and not self.reasons


def _silent(step: str, done: float) -> None:
    """No progress wanted."""


def verify(settings: Settings, file: Path, *, progress: Progress = _silent) -> Verified:
    """Compare a report's file, byte by byte, and its figures with those made anew with its parameters.

    Args:
        file: any file of the report; its figures stand in the JSON beside it.
    Raises:
        InputError: no file of a report, or the JSON with its figures is not beside it.
        NoDataError, ReportError: it cannot be made again.
    """
    content, stem, form = _figures(file)
    parameters = dict(content["parameters"])
    period = period_of(parameters["month"])
    name = stem.removesuffix(f"-{parameters['month']}")
    overrides = {key: value for key, value in parameters.items() if key not in ("month", "notebook", "brand")}
    kind = form[1:].removesuffix(SIDE).removesuffix(".md")
    with tempfile.TemporaryDirectory() as folder:
        # nothing kept is used: a figure compared with a copy of itself would prove nothing
        there = settings.model_copy(update={"output_dir": Path(folder), "reuse": False})
        formats = tuple(dict.fromkeys(["json", kind] if kind not in ("ipynb", "provenance", "sources") else ["json"]))
        made = make_report(there, name, month=period, overrides=overrides, formats=formats, progress=progress)
        again = json.loads(made.files["json"].read_text("utf-8"))
        mine, twin = file.read_bytes(), made.files[kind].read_bytes()
    before, now = dict(_cells(content)), dict(_cells(again))
    differences = tuple(
        Difference(where, before.get(where, "not there"), now.get(where, "not there"))
        for where in {**before, **now}
        if not _same(before.get(where, ...), now.get(where, ...))
    )
    reasons = [*_moved_on(content, again), *_made_otherwise(_made_with(settings, file, stem, name), made.made_with)]
    places = tuple(_places(mine, twin)) if form in TEXTS and mine != twin else ()
    return Verified(len(before), differences, tuple(reasons), mine == twin, places)


def _figures(file: Path) -> tuple[dict[str, Any], str, str]:
    """The figures beside a file, and the two parts of its name."""
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    form = next((form for form in reversed(FORMS) if file.name.endswith(form)), None)
    if form is None:
        raise InputError(f"{file}: no file of a report; expected one that ends in {', '.join(FORMS)}")
    stem = file.name.removesuffix(form)
    beside = file.parent / f"{stem}{SIDE}"
    try:
        content = json.loads(beside.read_text("utf-8"))
        content["parameters"]["month"]
    except FileNotFoundError as exc:
        raise InputError(f"{beside}: the figures of the report; verifying needs it beside {file.name}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise InputError(f"{beside}: holds no report's figures ({type(exc).__name__})") from exc
    return content, stem, form


def _cells(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every cell of every table by name: table, the row's first text (of a daily figure day and series), column.

    Before them what stands at the head of the report: tiles and sentences.
    """
    for n, tile in enumerate(content.get("tiles", []), start=1):
        yield f"Tile {n}", " ".join([tile["label"], tile["value"], tile["unit"], *tile["changes"]])
    for n, sentence in enumerate(content.get("summary", []), start=1):
        yield f"Summary {n}", sentence
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


def _moved_on(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """What the cover says of data and period, where it says something else now."""
    then, today = (dict(content.get("facts", [])) for content in (before, now))
    for label in {**then, **today}:
        if then.get(label) != today.get(label):
            yield f"{label}: {then.get(label)} in the file, {today.get(label)} now"


def _made_with(settings: Settings, file: Path, stem: str, name: str) -> Mapping[str, str]:
    """Names of the program and the params it was made with; empty where no record of these very figures is found."""
    for record in (file.parent / f"{stem}.stamp", file.parent / MANIFEST):
        try:
            content = json.loads(record.read_text("utf-8"))
            return dict(content["made_with"] if record.name == MANIFEST else content)
        except (OSError, ValueError, TypeError, KeyError):
            continue
    figures = (file.parent / f"{stem}{SIDE}").read_bytes()
    folder = site_dir(settings)
    for version in reversed(site.versions(folder, name)):
        path = folder / version.folder / f"{stem}{SIDE}"
        if version.made_with and path.is_file() and path.read_bytes() == figures:
            return version.made_with
    return {}


def _made_otherwise(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    if not then:
        yield "which program and params made it is not on record here"
    for what in MADE_WITH:
        if then and then.get(what) != now[what]:
            yield f"the {what} {'has' if what == 'program' else 'have'} changed since it was made"


def _places(mine: bytes, twin: bytes) -> Iterator[Difference]:
    """The first lines that differ, cut to where they do."""
    one, other = (text.decode("utf-8", "replace").splitlines() for text in (mine, twin))
    found = [n for n in range(max(len(one), len(other))) if one[n : n + 1] != other[n : n + 1]]
    for n in found[:MOST_PLACES]:
        left, right = ("".join(lines[n : n + 1]) for lines in (one, other))
        pairs = zip(left, right, strict=False)
        at = max(0, next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right))) - AROUND)
        yield Difference(f"line {n + 1}", left[at : at + 2 * AROUND], right[at : at + 2 * AROUND])
