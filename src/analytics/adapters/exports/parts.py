"""Tables that hold parts of a figure (a country's views, a week's) where days of a channel or totals are expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from analytics.adapters.exports.cells import is_unknown, shown
from analytics.adapters.exports.recognise import Table, is_total
from analytics.adapters.exports.sheets import Row
from analytics.errors import DataFileError

MOST_NAMED = 3
FEWEST_DATES = 3


def refuse_parts(table: Table, figures: Iterable[int], keys: Sequence[int]) -> None:
    """Refuse rows that are parts of a whole.

    Args:
        figures: places of the columns read as figures.
        keys: places of the columns that say what a row is of: day, content, account.
    Raises:
        DataFileError: naming the column that splits the figures.
    """
    rows = [row for row in table.rows if not is_total(row, keys[:1])]
    apart = set(figures) | set(keys)
    words = [p for p in range(len(table.names)) if p not in apart and table.names[p] and _holds_words(table, p)]
    of_content = bool(table.form.content)
    for place in words:
        cells = list(dict.fromkeys(shown(row.cells[place]) for row in rows if shown(row.cells[place])))
        if (cells and not of_content) or (len(cells) > 1 and _repeats(rows, keys, place)):
            named = ", ".join(repr(cell[:40]) for cell in cells[:MOST_NAMED])
            where = f"{table.sheet.place}: line {table.line}: column {table.names[place]!r}"
            raise DataFileError(f"{where} splits the figures ({named} …): download the table without it")


def refuse_long_steps(table: Table, days: Iterable[date]) -> None:
    """Refuse a table whose rows are weeks or months: their figures are no day's.

    Raises:
        DataFileError: saying how far apart the rows are.
    """
    known = sorted(set(days))
    gaps = {later - earlier for earlier, later in pairwise(known)}
    if len(known) < FEWEST_DATES:
        return
    week = timedelta(days=7)
    span = "weeks" if gaps == {week} else "months" if all(28 <= gap.days <= 31 for gap in gaps) else ""
    if span:
        raise DataFileError(
            f"{table.sheet.place}: line {table.line}: its rows are {span} ({known[0]}, {known[1]} …), not days; "
            "download the figures by day"
        )


def _holds_words(table: Table, place: int) -> bool:
    cells = [row.cells[place] for row in table.rows if place < len(row.cells) and not is_unknown(row.cells[place])]
    return any(isinstance(cell, str) and any(char.isalpha() for char in cell) for cell in cells)


def _repeats(rows: Sequence[Row], keys: Sequence[int], place: int) -> bool:
    """Whether rows of one key differ in that column."""
    seen: dict[tuple[str, ...], str] = {}
    return any(seen.setdefault(key, cell) != cell for key, cell in _keyed(rows, keys, place))


def _keyed(rows: Sequence[Row], keys: Sequence[int], place: int) -> Iterator[tuple[tuple[str, ...], str]]:
    for row in rows:
        yield tuple(shown(row.cells[key]) for key in keys), shown(row.cells[place])
