"""Which table of which dashboard: found by its header, wherever in the sheet that stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analytics.adapters.exports.cells import TOTALS, shown
from analytics.adapters.exports.formats import BY_DAY, FORMATS, Format
from analytics.adapters.exports.languages import FOREIGN, english, language_of, normal
from analytics.adapters.exports.sheets import Row, Sheet

META_PLATFORMS = ("facebook", "instagram")
_NEEDED = {name for form in (*FORMATS, *BY_DAY.values()) for need in form.needs for name in need.split("|")}
_HEADERS = frozenset(_NEEDED | {name for table in FOREIGN.values() for name in table})


@dataclass(slots=True)
class Table:
    """A header with its rows; `first` is the column it begins in, `above` the nearest text over it.

    `header` is in English, `names` as the file has it.
    """

    sheet: Sheet
    form: Format
    line: int
    header: tuple[str, ...]
    names: tuple[str, ...]
    first: int
    above: str
    notes: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)

    @property
    def language(self) -> str:
        """What its header is written in."""
        return language_of(self.form.platform, self.names)

    def place_of(self, names: Sequence[str]) -> int | None:
        """Which column is called by the first of `names` that is there."""
        return next((self.header.index(name) for name in names if name in self.header), None)


def format_of(header: Sequence[str], platform: str | None) -> tuple[Format, tuple[str, ...]] | None:
    """The format whose columns are all there, the one that needs most, and the header in English; None: there is none.

    Args:
        header: as `normal` leaves it.
        platform: whose formats may be meant; None: anybody's.
    """
    asked = [f for f in FORMATS if platform is None or f.platform == platform or _is_meta(f, platform)]
    read = {name: tuple(english(name, cell) for cell in header) for name in {f.platform for f in asked}}
    fitting = [f for f in asked if _fits(f, read[f.platform])]
    if fitting:
        # a table that names posts is of posts, however much of a day's table it has too
        best = max(
            fitting, key=lambda f: (bool(f.content), len(f.needs), len(f.columns.keys() & set(read[f.platform])))
        )
        return best, read[best.platform]
    day = BY_DAY.get(platform or "")
    if day is None:
        return None
    names = tuple(english(day.platform, cell) for cell in header)
    return (day, names) if _fits(day, names) and day.columns.keys() & set(names) else None


def _fits(form: Format, header: Sequence[str]) -> bool:
    return all(not set(need.split("|")).isdisjoint(header) for need in form.needs)


def tables_of(sheet: Sheet, platform: str | None) -> list[Table]:
    """Every known table of a sheet, below each other or side by side, with its rows."""
    found: list[Table] = []
    current: list[Table] = []
    notes: list[str] = []
    for row in sheet.rows:
        cells = row.cells
        if not any(shown(cell) for cell in cells):
            notes = notes if not current else []
            current = []
            continue
        started = list(_headers(sheet, row, platform, notes))
        if started:
            found += started
            current, notes = started, []
        elif current:
            _share(row, current)
        else:
            resumed = [t for t in found[-1:] if _continues(row, t)]
            if resumed:
                _share(row, resumed)
                current = resumed
            else:
                notes.append(" ".join(text for cell in cells if (text := shown(cell))))
    return found


def _is_meta(form: Format, platform: str) -> bool:
    return form.platform == "meta" and platform in META_PLATFORMS


def _headers(sheet: Sheet, row: Row, platform: str | None, notes: Sequence[str]) -> Iterator[Table]:
    """Tables that begin on this row: its runs of filled cells that are a header."""
    texts = [normal(shown(cell)) for cell in row.cells]
    if _HEADERS.isdisjoint(texts):
        return
    whole = format_of(texts, platform)
    runs = [(0, texts)] if whole and len(set(texts) - {""}) == len([t for t in texts if t]) else list(_runs(texts))
    for first, header in runs:
        found = format_of(header, platform)
        if found:
            above = notes[-1] if notes else ""
            yield Table(sheet, found[0], row.line, found[1], tuple(header), first, above, tuple(notes))


def _runs(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    start = 0
    for at, text in enumerate([*texts, ""]):
        if not text:
            if at > start:
                yield start, list(texts[start:at])
            start = at + 1


def _share(row: Row, tables: Sequence[Table]) -> None:
    for table in tables:
        alone = len(tables) == 1 and table.first == 0
        cells = row.cells if alone else row.cells[table.first : table.first + len(table.header)]
        if any(shown(cell) for cell in cells):
            table.rows.append(Row(row.line, cells))


def _continues(row: Row, table: Table) -> bool:
    """Whether a row after an empty line still belongs to the table: it fills its columns."""
    return len(row.cells) == len(table.header) > 1 and sum(bool(shown(c)) for c in row.cells) > 1


def is_total(row: Row, keys: Sequence[int]) -> bool:
    """Whether a row is the dashboard's sum of the others."""
    words = [shown(cell).lower().rstrip(":") for cell in row.cells]
    named = [words[key] for key in keys if key < len(words)]
    first = next((word for word in words if word), "")
    return any(word in TOTALS for word in named) or (first in TOTALS and not all(named))
