"""What is said of a file that is not known, or not wholly: the nearest known name, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from analytics.adapters.exports.cells import Locale, as_figure, is_unknown, shown
from analytics.adapters.exports.columns import META_TITLES, Column
from analytics.adapters.exports.formats import FORMATS, Format
from analytics.adapters.exports.languages import FOREIGN, NAMES, normal
from analytics.adapters.exports.recognise import Table
from analytics.adapters.exports.sheets import Sheet
from analytics.errors import DataFileError

# around the name of a figure in Meta's lines: whose it is, and small words
_AROUND = re.compile(
    r"\b(facebook|instagram|page|seite|página|pagina|der|die|des|auf|von|in|la|le|de|du|sur|del|do|da|no|na|em|en)\b",
    flags=re.IGNORECASE,
)
_LOOKED_AT = 20  # rows that show whether a column holds figures


def unknown_header(place: str, sheets: Sequence[Sheet]) -> DataFileError:
    """No known header in any sheet: the row most like one, with the nearest known name of what is not known in it."""
    rows = [(sheet, row) for sheet in sheets for row in sheet.rows[:30] if sum(bool(shown(c)) for c in row.cells) > 1]
    if not rows:
        return DataFileError(f"{place}: holds no table with a header")
    known = {name for form in FORMATS for name in _known(form)}
    sheet, row = max(rows, key=lambda found: sum(normal(shown(c)) in known for c in found[1].cells))
    header = [shown(cell) for cell in row.cells if shown(cell)]
    names = ", ".join(repr(name[:40]) for name in header[:12])
    forms = ", ".join(dict.fromkeys(form.title.partition(",")[0] for form in FORMATS))
    return DataFileError(
        f"{sheet.place}: line {row.line}: no known header: found {names}{_nearest(header, known)}; known are files of "
        f"{forms}, in {_languages()}. Set the dashboard to one of these and download it again, rename the columns, or "
        "name the platform (--platform)"
    )


def no_figure(table: Table) -> DataFileError:
    """A table that is known, but none of its figures."""
    header = [name for name in table.names if name]
    return DataFileError(
        f"{table.sheet.place}: line {table.line}: is {table.form.title}, but none of its columns is a known figure: "
        f"found {', '.join(repr(name) for name in header[:12])}{_nearest(header, set(_known(table.form)))}; known in "
        f"{_languages()}: rename the columns, or set the dashboard to one of these and download it again"
    )


def meta_figure(table: Table) -> Column:
    """The figure in the line above one of Meta's tables; raise `DataFileError` if it is none that is known."""
    known = {_core(title): column for title, column in META_TITLES.items()}
    column = META_TITLES.get(normal(table.above)) or known.get(_core(table.above))
    if column is None:
        raise DataFileError(
            f"{table.sheet.place}: line {table.line}: no figure called {table.above!r:.60}"
            f"{_nearest([_core(table.above)], known)}; known are {', '.join(sorted(META_TITLES)[:12])} and more, in "
            f"{_languages()}"
        )
    return column


def unread_columns(table: Table) -> Iterator[str]:
    """Columns that hold figures of which nothing is known, each with its nearest name."""
    form = table.form
    if form.aggregate or form.platform == "meta":
        return
    known = set(_known(form)) | form.columns.keys()
    for place, name in enumerate(table.names):
        if name and table.header[place] not in known and _holds_figures(table, place):
            yield f"{table.sheet.place}: {name!r}{_nearest([name], known)}"


def _holds_figures(table: Table, place: int) -> bool:
    cells = [row.cells[place] for row in table.rows[:_LOOKED_AT] if place < len(row.cells)]
    told = [cell for cell in cells if not is_unknown(cell)]
    try:
        values = [as_figure(cell, Locale(), whole=True) for cell in told]
    except ValueError:
        return False
    return bool(values) and all(value is not None and abs(value) < 1e12 for value in values)  # longer ones are ids


def _known(form: Format) -> set[str]:
    """Every header a format reads, in every language."""
    names = {name for need in form.needs for name in need.split("|")}
    names |= {*form.columns, *form.day, *form.content, *form.account}
    return names | {name for name, (english, _) in FOREIGN[form.platform].items() if english in names}


def _nearest(header: Iterable[str], known: Iterable[str]) -> str:
    """The first names that are not known, each with what it is most like."""
    names = list(known)
    said = []
    for name in header:
        if normal(name) not in names and (close := difflib.get_close_matches(normal(name), names, n=1, cutoff=0.7)):
            said.append(f"{name!r:.40} is most like {close[0]!r}")
    return f" ({'; '.join(said[:3])})" if said else ""


def _core(title: str) -> str:
    return normal(re.sub(r"[\s\-]+", " ", _AROUND.sub(" ", normal(title))))


def _languages() -> str:
    *some, last = NAMES.values()
    return f"{', '.join(some)} and {last}"
