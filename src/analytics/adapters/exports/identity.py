"""Which post a row is of: its id as the platform gave it, or none. A spreadsheet keeps 15 digits of a number.

A longer id that went through one ends in zeros or stands as 1.85E+18; such an id names another post, or nobody's. The
post's link has it whole.
"""

from __future__ import annotations

import re

from analytics.adapters.exports.cells import Cell, shown
from analytics.adapters.exports.recognise import Table
from analytics.adapters.exports.sheets import Row
from analytics.errors import DataFileError

LINKS = ("post link", "permalink", "tweet permalink", "tweet link", "link", "url", "post url")
EXACT_DIGITS = 15
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]?\d+", flags=re.IGNORECASE | re.ASCII)
_AS_TEXT = re.compile(r"=\s*\"(?P<id>[^\"]*)\"")  # how a CSV keeps a spreadsheet from rounding
_LONG_ID = re.compile(r"\d{6,}", flags=re.ASCII)


def id_text(table: Table, row: Row, place: int) -> str:
    """The content's id or address as written, or from the post's link where a spreadsheet rounded it.

    Raises:
        DataFileError: it is empty, a formula, or rounded and there is no link with it.
    """
    cell = row.cells[place]
    text = shown(cell)
    if quoted := _AS_TEXT.fullmatch(text):
        return quoted["id"].strip()
    where = f"{table.sheet.place}: line {row.line}: {table.names[place]}"
    if not text:
        raise DataFileError(f"{where} is empty")
    if text.startswith("="):
        raise DataFileError(f"{where}: {text!r:.60} is a formula, not an id; download the file again")
    if not is_rounded(cell):
        return text
    linked = _linked(table, row)
    if linked is None:
        raise DataFileError(
            f"{where}: {text!r:.40} was rounded by a spreadsheet, which keeps {EXACT_DIGITS} digits; download the file "
            "again and import it without opening it"
        )
    return linked


def is_rounded(cell: Cell) -> bool:
    """Whether digits of an id are lost.

    >>> is_rounded("1.85123E+18"), is_rounded(1.78414e16), is_rounded("1851234567890123456"), is_rounded(77.0)
    (True, True, False, False)
    """
    if isinstance(cell, float):
        return bool(abs(cell) >= 10.0**EXACT_DIGITS)
    text = shown(cell)
    if _SCIENTIFIC.fullmatch(text):
        return True
    return text.isdecimal() and len(text) > EXACT_DIGITS + 2 and set(text[EXACT_DIGITS:]) == {"0"}


def _linked(table: Table, row: Row) -> str | None:
    place = table.place_of(LINKS)
    found = _LONG_ID.findall(shown(row.cells[place]).partition("?")[0]) if place is not None else []
    return found[-1] if found else None
