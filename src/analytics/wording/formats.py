"""Numbers, changes, durations and dates as a reader of each language expects them."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from analytics.model import Month, Period
from analytics.wording.language import language, say

MISSING = "–"
MINUS = "\u2212"
NBSP = "\u00a0"
THIN = "\u202f"


@dataclass(frozen=True, slots=True)
class Tongue:
    """How one language writes magnitudes, lengths of time (days, hours, minutes, seconds) and dates, by CLDR 46.

    The patterns are CLDR's for a day, a day in full, a day of the year, a month, and a day of the year in short.
    """

    magnitudes: tuple[str, ...]
    units: tuple[str, str, str, str]
    patterns: tuple[str, str, str, str, str]


_TONGUES = {
    "en": Tongue(("k", "M", "bn"), ("d", "h", "min", "s"), ("d MMM y", "d MMMM y", "d MMMM", "LLLL y", "d MMM")),
    "de": Tongue(
        ("Tsd.", "Mio.", "Mrd."),
        ("Tg.", "Std.", "Min.", "Sek."),
        ("d. MMM y", "d. MMMM y", "d. MMMM", "LLLL y", "d. MMM"),
    ),
    "fr": Tongue(("k", "M", "Md"), ("j", "h", "min", "s"), ("d MMM y", "d MMMM y", "d MMMM", "LLLL y", "d MMM")),
    "es": Tongue(  # Spanish has no short word for 10⁹ and goes on in millions
        ("mil", "M"), ("d", "h", "min", "s"), ("d MMM y", "d 'de' MMMM 'de' y", "d 'de' MMMM", "LLLL 'de' y", "d MMM")
    ),
}


def _tongue(lang: str | None) -> Tongue:
    return _TONGUES[_code(lang)]


def _code(lang: str | None) -> str:
    """A language's code: the one set where none is named, English where it is not known."""
    code = lang or language()
    return code if code in _TONGUES else "en"


def is_missing(value: Any) -> bool:
    """Whether a value is unknown: None, NaN or NaT.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    return value is None or (value != value) is True or type(value).__name__ in {"NaTType", "NAType"}


def number(value: Any, *, decimals: int | None = None, signed: bool = False, lang: str | None = None) -> str:
    """A number with grouped digits, a real minus, and as many decimals as its size needs.

    >>> number(1234567), number(-3.14159), number(0.01234), number(None)
    ('1,234,567', '−3.14', '0.0123', '–')
    >>> number(1234.5, decimals=1, lang="de"), number(5, signed=True)
    ('1.234,5', '+5')
    """
    if is_missing(value):
        return MISSING
    amount = float(value)
    if not math.isfinite(amount):
        return "∞" if amount > 0 else MINUS + "∞"
    places = decimals if decimals is not None else _places(amount)
    text = f"{abs(amount):,.{places}f}"
    sign = MINUS if amount < 0 and text.strip("0.,") else "+" if signed and text.strip("0.,") else ""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    code = _code(lang)
    return sign + text.translate({ord(","): get_group_symbol(code), ord("."): get_decimal_symbol(code)})


def _places(amount: float) -> int:
    if amount == int(amount) or abs(amount) >= 1000:
        return 0
    size = abs(amount)
    if size >= 100:
        return 1
    return 2 if size >= 1 else min(6, 2 - math.floor(math.log10(size)))


def compact(value: Any, *, more: int = 0, lang: str | None = None) -> str:
    """Three significant figures, or so many `more`, with a magnitude from ten thousand on.

    >>> " | ".join([compact(9876), compact(12345), compact(4.18e7), compact(-2.5e9)]).replace(NBSP, " ")
    '9,876 | 12.3 k | 41.8 M | −2.50 bn'
    >>> " | ".join([compact(183.6), compact(42.98), compact(105_234, more=2)]).replace(NBSP, " ")
    '184 | 43.0 | 105.23 k'
    """
    if is_missing(value):
        return MISSING
    amount = float(value)
    if not math.isfinite(amount) or abs(amount) < 10 or (abs(amount) < 10_000 and amount == int(amount)):
        return number(amount, lang=lang)
    if abs(amount) < 10_000:
        return number(amount, decimals=more + (1 if abs(amount) < 99.95 else 0), lang=lang)
    names = _tongue(lang).magnitudes
    power = min(len(names), int(math.log10(abs(amount)) // 3))
    scaled = amount / 1000**power
    if abs(scaled) >= 999.5 and power < len(names):  # 999,960 would round to "1000 k"
        power, scaled = power + 1, scaled / 1000
    places = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    return number(scaled, decimals=places + more, lang=lang) + NBSP + names[power - 1]


def percent(ratio: Any, *, decimals: int = 1, signed: bool = False, lang: str | None = None) -> str:
    """A ratio (0 to 1) in per cent.

    >>> " | ".join([percent(0.1234), percent(-0.05, signed=True)]).replace(NBSP, " ")
    '12.3 % | −5.0 %'
    """
    if is_missing(ratio):
        return MISSING
    return number(float(ratio) * 100, decimals=decimals, signed=signed, lang=lang) + NBSP + "%"


def duration(seconds: Any, *, lang: str | None = None) -> str:
    """A stretch of time in its two largest units.

    >>> " | ".join([duration(42), duration(900), duration(5400), duration(190800)]).replace(NBSP, " ")
    '42 s | 15 min | 1 h 30 min | 2 d 5 h'
    """
    if is_missing(seconds):
        return MISSING
    total = round(float(seconds))
    days, hours, minutes, second = _tongue(lang).units
    if total < 60:
        return f"{total}{NBSP}{second}"
    parts: list[str] = []
    for size, unit in ((86_400, days), (3600, hours), (60, minutes)):
        count, total = divmod(total, size)
        if count or parts:
            parts.append(f"{count}{NBSP}{unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def day(value: Any, *, lang: str | None = None) -> str:
    """A date in words.

    >>> " | ".join([day(date(2026, 11, 2)), day("2026-11-02", lang="de")]).replace(NBSP, " ")
    '2 Nov 2026 | 2. Nov. 2026'
    """
    if is_missing(value):
        return MISSING
    when = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return _dated(when, 0, lang).replace(" ", NBSP)


def day_of_year(when: date, *, lang: str | None = None) -> str:
    """A day without its year, short.

    >>> " | ".join(day_of_year(date(2026, 10, 31), lang=lang) for lang in ("en", "de")).replace(NBSP, " ")
    '31 Oct | 31. Okt.'
    """
    return _dated(when, 4, lang).replace(" ", NBSP)


def _dated(when: date, pattern: int, lang: str | None) -> str:
    from babel.dates import format_date

    return format_date(when, _tongue(lang).patterns[pattern], locale=_code(lang))


def period(of: Period, *, lang: str | None = None) -> str:
    """A month, or a run of days, in words.

    >>> from analytics.model import Span
    >>> period(Month(2026, 10), lang="es"), period(Span(date(2026, 10, 5), date(2026, 11, 1)))
    ('octubre de 2026', '5 October to 1 November 2026')
    >>> period(Span(date(2026, 10, 5), date(2026, 10, 18)), lang="de"), period(Span(*[date(2026, 10, 5)] * 2))
    ('5.–18. Oktober 2026', '5 October 2026')
    """
    if isinstance(of, Month):
        return _dated(of.first, 3, lang)
    if of.days == 1:
        return _dated(of.last, 1, lang)
    if (of.first.year, of.first.month) == (of.last.year, of.last.month):
        stop = _tongue(lang).patterns[2].split()[0].removeprefix("d")
        return f"{of.first.day}{stop}–{_dated(of.last, 1, lang)}"
    first = _dated(of.first, 2 if of.first.year == of.last.year else 1, lang)
    return say("{first} to {last}", lang=lang, first=first, last=_dated(of.last, 1, lang))


def weekdays(*, lang: str | None = None) -> list[str]:
    """Short names of the days of the week, Monday first.

    >>> weekdays(lang="fr")
    ['lun.', 'mar.', 'mer.', 'jeu.', 'ven.', 'sam.', 'dim.']
    """
    from babel.dates import get_day_names

    names = get_day_names("abbreviated", locale=_code(lang))
    return [names[day] for day in range(7)]


def moment(value: Any, *, lang: str | None = None) -> str:
    """A date and time of day, to the minute, in the value's own time zone; of a date the day.

    >>> moment(datetime(2026, 11, 2, 9, 5)).replace(NBSP, " ")
    '2 Nov 2026 09:05'
    """
    if is_missing(value):
        return MISSING
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{day(when, lang=lang)} {when:%H:%M}" if isinstance(when, datetime) else day(when, lang=lang)


_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_SPACE = re.compile(f"[^\\S{NBSP}{THIN}]+")  # a number keeps to its sign
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


UNSHOWN = "\N{WHITE SQUARE}"  # stands for a character that nothing can show
MOST_MARKS = 2  # in one place above or below a letter; no language stacks more, and a higher pile covers other lines


def clean(text: Any) -> str:
    """Text from outside as one harmless line: no control characters, no direction overrides, spaces collapsed.

    A private or half character becomes a square, so that a name of nothing else is not an empty one.

    >>> clean("a\\x07b\\n  c\\u202egpj \\ue000")
    'ab cgpj □'
    """
    shown = "".join(map(_shown, str(text)))
    return _SPACE.sub(" ", unstacked(_BIDI.sub("", shown))).strip()


def _shown(char: str) -> str:
    if char.isspace():
        return char
    category = unicodedata.category(char)
    if category == "Cc":
        return ""
    code = ord(char)
    is_no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return UNSHOWN if category in {"Cs", "Co"} or is_no_character else char


def unstacked(text: str) -> str:
    """The same text with at most `MOST_MARKS` marks in each place on a letter.

    >>> unstacked("x" + "\\u0301" * 9) == "x" + "\\u0301" * 2
    True
    """
    if text.isascii():
        return text
    kept: list[str] = []
    counts: dict[int, int] = {}
    for char in text:
        place = unicodedata.combining(char)
        if place == 0:
            counts.clear()
        counts[place] = counts.get(place, 0) + 1
        if place < 200 or counts[place] <= MOST_MARKS:  # below 200 are the marks of single scripts
            kept.append(char)
    return "".join(kept)


def literal(text: Any) -> str:
    """Text from outside for use inside Markdown: it shows exactly as it is and formats nothing.

    >>> literal("<b>*five* stars</b>")
    '\\\\<b\\\\>\\\\*five\\\\* stars\\\\<\\\\/b\\\\>'
    """
    return _PUNCTUATION.sub(r"\\\1", clean(text))
