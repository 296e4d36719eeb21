"""Exported files as tables of cells: CSV in any encoding and with any separator, xlsx, and zips of these."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from analytics.adapters.exports.cells import Cell
from analytics.errors import DataFileError

MAX_UNPACKED_BYTES = 256 * 1024 * 1024  # of a file with all that is packed in it
MAX_CELLS = 5_000_000
MAX_CELL_CHARACTERS = 100_000
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r'^"?sep=(.)"?[ \t]*(\r\n|\r|\n)', flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells with the number of the line (or sheet's row) they begin on."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a file; `place` is what a message calls it, `delimiter` None for a spreadsheet's."""

    place: str
    name: str
    rows: tuple[Row, ...]
    delimiter: str | None = None


def text_of(raw: bytes) -> str:
    """The text of a file: by its byte-order mark, else UTF-8 or UTF-16 by its zeros, else Windows-1252."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    head = raw[:512]
    if head.count(0) > len(head) // 4:
        return raw.decode("utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


@dataclass(slots=True)
class _Budget:
    """What a file may still hold: bytes unpacked, and cells."""

    place: str
    bytes_left: int = MAX_UNPACKED_BYTES
    cells_left: int = MAX_CELLS

    def unpack(self, size: int) -> None:
        """Count bytes that are about to be unpacked."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise DataFileError(f"{self.place}: would unpack to more than {MAX_UNPACKED_BYTES // 2**20} MB")

    def row(self, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """Count a row's cells."""
        self.cells_left -= len(cells)
        if self.cells_left < 0:
            raise DataFileError(f"{self.place}: holds more than {MAX_CELLS:,} cells, which no dashboard's file does")
        if any(isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            raise DataFileError(f"{self.place}: a cell holds more than {MAX_CELL_CHARACTERS:,} characters")
        return cells


def sheets_of(raw: bytes, place: str, budget: _Budget | None = None) -> Iterator[tuple[Sheet, ...]]:
    """Each table of a file, in every way it can be read: a CSV once a separator, so that its header may decide.

    Raises:
        DataFileError: it cannot be one of these kinds.
    """
    budget = budget or _Budget(place)
    if not raw.strip():
        raise DataFileError(f"{place}: is empty")
    if raw.startswith(OLD_EXCEL):
        raise DataFileError(f"{place}: is an old Excel file (.xls); open it and save it as .xlsx or CSV")
    if raw.startswith(b"PK\x03\x04"):
        yield from _packed(raw, place, budget)
    elif raw.lstrip()[:1] == b"<":
        raise DataFileError(f"{place}: is a web page, not a table; download the file again while signed in")
    elif raw.startswith((b"PAR1", b"\x1f\x8b")):
        raise DataFileError(f"{place}: is no dashboard's file; `analytics import` reads Parquet and gzip")
    else:
        yield _delimited(text_of(raw), place, budget)


def _delimited(text: str, place: str, budget: _Budget) -> tuple[Sheet, ...]:
    said = _SEPARATOR.match(text)
    body = text[said.end() :] if said else text
    name = place.rpartition("/")[2]
    found, fault = [], None
    for delimiter in (said[1],) if said else DELIMITERS:
        if delimiter not in body[:65536] and delimiter != ",":
            continue
        try:
            found.append(Sheet(place, name, tuple(_rows(body, delimiter, 1 if said else 0, budget)), delimiter))
        except csv.Error as exc:
            fault = fault or DataFileError(f"{place}: {exc}")
    if not found and fault:
        raise fault
    return tuple(found)


def _rows(body: str, delimiter: str, before: int, budget: _Budget) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    line = before + 1
    try:
        for cells in reader:
            yield Row(line, budget.row(tuple(cells)))
            line = before + reader.line_num + 1
    except csv.Error as exc:
        raise csv.Error(f"line {line}: cannot be read as CSV ({exc})") from exc


def _packed(raw: bytes, place: str, budget: _Budget) -> Iterator[tuple[Sheet, ...]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if "[Content_Types].xml" in packed.namelist():
                budget.unpack(sum(member.file_size for member in packed.infolist()))
                yield from _workbook(raw, place, budget)
                return
            members = [member for member in packed.infolist() if _is_table(member.filename)]
            budget.unpack(sum(member.file_size for member in members))
            for member in members:
                content = packed.read(member)
                if content.strip():
                    yield from sheets_of(content, f"{place}/{member.filename}", budget)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as exc:
        raise DataFileError(f"{place}: is no readable zip ({exc})") from exc


def _is_table(name: str) -> bool:
    hidden = name.startswith(("__MACOSX/", ".")) or "/." in name
    return name.lower().endswith((".csv", ".tsv", ".txt", ".xlsx")) and not hidden


def _workbook(raw: bytes, place: str, budget: _Budget) -> Iterator[tuple[Sheet, ...]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, OSError) as exc:
        raise DataFileError(f"{place}: is no readable workbook ({exc})") from exc
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some exporters write a wrong size
            rows = [
                Row(n, budget.row(tuple(_plain(v) for v in values)))
                for n, values in enumerate(sheet.iter_rows(values_only=True), 1)
            ]
            yield (Sheet(f"{place}/{sheet.title}", sheet.title, tuple(rows)),)
    finally:
        book.close()


def _plain(value: Any) -> Cell:
    if value is None or isinstance(value, str | datetime):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, time):
        return value.isoformat()
    return str(value)
