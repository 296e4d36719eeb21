"""Numbers and dates as dashboards write them, in the reader's language: what one cell cannot tell, the others do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal

Order = Literal["mdy", "dmy"]
Cell = str | float | datetime | None

# what dashboards write where there is no figure: unknown, never zero
UNKNOWN = frozenset(
    {"", "-", "--", "---", "–", "—", "n/a", "na", "n.a.", "null", "none", "nan", "not available", "#n/a"}
    | {"k. a.", "k.a.", "nicht verfügbar", "non disponible", "no disponible", "sin datos", "indisponível", "sem dados"}
    | {"n/d", "nd", "n.d."}
)
TOTALS = frozenset(
    {"total", "totals", "grand total", "sum", "gesamt", "gesamtsumme", "insgesamt", "summe", "somme", "totale"}
    | {"total général", "total general", "totaal", "suma", "łącznie", "итого", "合計", "总计", "합계"}
)
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner jän janv janvier ene enero gen gennaio janeiro",
            "feb february februar févr fév février febrero febbraio fev fevereiro",
            "mar march märz mär mrz mars marzo março",
            "apr april avr avril abr abril aprile",
            "may mai mayo maggio mag maio",
            "jun june juni juin junio giugno giu junho",
            "jul july juli juil juillet julio luglio lug julho",
            "aug august août aou ago agosto",
            "sep sept september septembre septiembre setiembre settembre set setembro",
            "oct october okt oktober octobre octubre ottobre ott out outubro",
            "nov november novembre noviembre novembro",
            "dec december dez dezember déc décembre dic diciembre dicembre dezembro",
        ),
        1,
    )
    for name in names.split()
}
_INVISIBLE = {0xFEFF: None, 0x00AD: None}  # YouTube puts soft hyphens into German words
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u202f\u2009' ’](?=\d{3}(\D|$))")
_SUFFIX = {"k": 1e3, "tsd": 1e3, "mil": 1e3, "m": 1e6, "mi": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9}
_PLAIN = re.compile(r"([+-]?)([\d.,]+)\s*(%|k|tsd\.?|mil|mio\.?|mi|m|bn|b|mrd\.?)?", flags=re.IGNORECASE | re.ASCII)
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]\d)(?:\.\d+)?", flags=re.ASCII)
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)", flags=re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(?!\d)", flags=re.ASCII)
_WORDS = re.compile(r"[^\W\d_]+|\d+")


def shown(cell: Cell) -> str:
    """A cell as text, without odd spaces."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell).translate(_INVISIBLE).strip()
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else f"{cell:.15g}"
    return cell.isoformat()


def is_unknown(cell: Cell) -> bool:
    """Whether a cell says that there is no figure."""
    return shown(cell).lower() in UNKNOWN


@dataclass(frozen=True, slots=True)
class Locale:
    """How a file writes what is ambiguous: the decimal mark, and whether 03/04 is in March (mdy) or April (dmy)."""

    decimal: Literal[".", ","] = "."
    order: Order | None = None


def decimal_mark(cells: Iterable[Cell], *, default: Literal[".", ","]) -> Literal[".", ","]:
    """The decimal mark of a file, from the cells that show it; `default` where none does.

    >>> decimal_mark(["1.234", "1.234,5"], default="."), decimal_mark(["1,234"], default=".")
    (',', '.')
    """
    for cell in cells:
        match = _PLAIN.fullmatch(_GROUPED.sub("", cell.strip())) if isinstance(cell, str) else None
        if match is None:
            continue
        digits = match[2]
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0 or digits.count(digits[last]) > 1:
            continue
        mark: Literal[".", ","] = "." if digits[last] == "." else ","
        both = "." in digits and "," in digits
        if both or len(digits) - last - 1 != 3 or last == 0 or last > 3 or digits.startswith("0"):
            return mark
    return default


def as_figure(cell: Cell, locale: Locale, *, whole: bool) -> float | None:
    """A number; None where the cell says that there is none.

    Args:
        cell: text as the dashboard wrote it, or a spreadsheet's number.
        locale: the file's decimal mark.
        whole: counts have no decimals, so a mark before three digits groups them.
    Raises:
        ValueError: it is neither.

    >>> as_figure("1.234", Locale(","), whole=True), as_figure("1,2K", Locale(","), whole=True)
    (1234.0, 1200.0)
    """
    if isinstance(cell, float):
        return cell
    if isinstance(cell, datetime):
        raise ValueError("expected a number, found a date")
    if is_unknown(cell):
        return None
    text = _GROUPED.sub("", shown(cell)).replace("\u2212", "-")
    match = _PLAIN.fullmatch(text)
    if match is None or not any(c.isdigit() for c in match[2]):
        raise ValueError(f"expected a number, found {shown(cell)!r:.60}")
    suffix = (match[3] or "").lower().rstrip(".")
    number = float(match[1] + _plain(match[2], locale.decimal, whole=whole and suffix in ("", "%"), cell=cell))
    return number * _SUFFIX.get(suffix, 1.0)


def _plain(digits: str, decimal: str, *, whole: bool, cell: Cell) -> str:
    """Digits with a dot for the decimal mark and no grouping."""
    group = "," if decimal == "." else "."
    grouped = re.fullmatch(r"\d{1,3}(([.,])\d{3})(\2\d{3})*", digits)
    if grouped and (whole or grouped[2] == group or grouped[3]):
        return re.sub(r"[.,]", "", digits)
    head, mark, tail = digits.partition(decimal)
    if (
        group in tail
        or decimal in tail
        or (group in head and not re.fullmatch(rf"\d{{1,3}}(\{group}\d{{2,3}})+", head))
    ):
        raise ValueError(f"expected a number, found {shown(cell)!r:.60}")
    return head.replace(group, "") + ("." + tail if mark and tail else "")


def as_seconds(cell: Cell, locale: Locale) -> float | None:
    """A duration: `0:03:21`, `3:21`, or a number of seconds; None where there is none."""
    match = _CLOCK.fullmatch(shown(cell)) if isinstance(cell, str) else None
    if match is None:
        return as_figure(cell, locale, whole=False)
    return float(int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3]))


def date_order(cells: Sequence[Cell]) -> Order | None:
    """Which comes first in a column of dates such as 03/04/2026; None where the column does not tell.

    A number over 12 tells, a dot tells, and so do rows a day apart.

    >>> date_order(["03/04/2026", "03/13/2026"]), date_order(["01/02/2026", "01/03/2026"]), date_order(["03/04/2026"])
    ('mdy', 'mdy', None)
    """
    found = [match for cell in cells if isinstance(cell, str) and (match := _NUMERIC_DATE.match(cell.strip()))]
    for match in found:
        first, second = int(match[1]), int(match[3])
        if match[2] == "." or first > 12:
            return "dmy"
        if second > 12:
            return "mdy"
    steps: dict[Order, int] = {"mdy": 0, "dmy": 0}
    for order in steps:
        days = [_numeric(match, order) for match in found]
        steps[order] = sum(abs(later - earlier) == timedelta(days=1) for earlier, later in pairwise(days))
    if steps["mdy"] == steps["dmy"]:
        return None
    return "mdy" if steps["mdy"] > steps["dmy"] else "dmy"


def as_moment(cell: Cell, locale: Locale) -> date | datetime:
    """A day, or an instant where the cell names one with its zone.

    Raises:
        ValueError: it is no date, or it could be two and the file does not tell which.

    >>> as_moment("Fri, Nov 20, 2026", Locale()).isoformat(), as_moment("20. November 2026", Locale()).isoformat()
    ('2026-11-20', '2026-11-20')
    """
    if isinstance(cell, datetime):
        return cell.astimezone(UTC) if cell.tzinfo else cell.date()
    text = _SPACES.sub(" ", shown(cell))
    try:
        if match := _YEAR_FIRST.match(text):
            return _iso(text, date(int(match[1]), int(match[3]), int(match[4])))
        if match := _NUMERIC_DATE.match(text):
            order = "dmy" if match[2] == "." or int(match[1]) > 12 else "mdy" if int(match[3]) > 12 else locale.order
            if order is None:
                raise ValueError(f"date {text!r:.40} is ambiguous: say which comes first, day (dmy) or month (mdy)")
            return _numeric(match, order)
        if re.fullmatch(r"\d{8}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return _worded(text)
    except ValueError as exc:
        if "ambiguous" in str(exc):
            raise
        raise ValueError(f"expected a date, found {text!r:.60}") from exc


def _iso(text: str, day: date) -> date | datetime:
    """The instant if the text names a zone, else the day."""
    cleaned = re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", text.replace(" UTC", "Z").replace("/", "-"))
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        if len(text) > 10 and not re.match(r"[ T]\d{1,2}:\d{2}", text[10:]):
            raise
        return day
    return moment.astimezone(UTC) if moment.tzinfo else day


def _numeric(match: re.Match[str], order: Order) -> date:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    day, month = (first, second) if order == "dmy" or first > 12 else (second, first)
    return date(year + 2000 if year < 100 else year, month, day)


def _worded(text: str) -> date:
    words = _WORDS.findall(text.lower())
    if len([word for word in words if word in MONTHS]) == 2 and words[0] == "mar":
        words = words[1:]  # a Tuesday in French and Spanish: `mar. 3 mars 2026`
    months = [MONTHS[word] for word in words if word in MONTHS]
    numbers = [word for word in words if word.isdecimal()]
    years = [int(word) for word in numbers if len(word) == 4]
    days = [int(word) for word in numbers if len(word) <= 2]
    if len(months) != 1 or len(years) != 1 or not days:
        raise ValueError(text)
    return date(years[0], months[0], days[0])
