"""Numbers, changes, durations and dates as a reader of each language expects them."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

MISSING = "–"
MINUS = "\u2212"
NBSP = "\u00a0"
THIN = "\u202f"


@dataclass(frozen=True, slots=True)
class Language:
    """How one language groups digits and names months and magnitudes."""

    code: str
    decimal: str
    group: str
    months: tuple[str, ...]
    magnitudes: tuple[str, str, str]
    date_order: str = "{day} {month} {year}"


def _months(names: str) -> tuple[str, ...]:
    return tuple(names.split())


LANGUAGES = {
    "en": Language("en", ".", ",", _months("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"), ("k", "M", "bn")),
    "de": Language(
        "de",
        ",",
        ".",
        _months("Jan. Feb. März Apr. Mai Juni Juli Aug. Sep. Okt. Nov. Dez."),
        ("Tsd.", "Mio.", "Mrd."),
        "{day}. {month} {year}",
    ),
    "fr": Language(
        "fr", ",", THIN, _months("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."), ("k", "M", "Md")
    ),
    "es": Language("es", ",", ".", _months("ene feb mar abr may jun jul ago sep oct nov dic"), ("mil", "M", "mM")),
}


def language(code: str) -> Language:
    """The language of that code; English where the code is not known."""
    return LANGUAGES.get(code, LANGUAGES["en"])


def is_missing(value: Any) -> bool:
    """Whether a value is unknown: None, NaN or NaT.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    return value is None or (value != value) is True or type(value).__name__ in {"NaTType", "NAType"}


def number(value: Any, *, decimals: int | None = None, signed: bool = False, lang: str = "en") -> str:
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
    tongue = language(lang)
    return sign + text.translate({ord(","): tongue.group, ord("."): tongue.decimal})


def _places(amount: float) -> int:
    if amount == int(amount) or abs(amount) >= 1000:
        return 0
    size = abs(amount)
    if size >= 100:
        return 1
    return 2 if size >= 1 else min(6, 2 - math.floor(math.log10(size)))


def compact(value: Any, *, lang: str = "en") -> str:
    """Three significant figures with a magnitude from ten thousand on.

    >>> " | ".join([compact(9876), compact(12345), compact(4.18e7), compact(-2.5e9)]).replace(NBSP, " ")
    '9,876 | 12.3 k | 41.8 M | −2.50 bn'
    """
    if is_missing(value):
        return MISSING
    amount = float(value)
    if abs(amount) < 10_000 or not math.isfinite(amount):
        return number(amount, lang=lang)
    power = min(3, int(math.log10(abs(amount)) // 3))
    scaled = amount / 1000**power
    if abs(scaled) >= 999.5 and power < 3:  # 999,960 would round to "1000 k"
        power, scaled = power + 1, scaled / 1000
    places = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    return number(scaled, decimals=places, lang=lang) + NBSP + language(lang).magnitudes[power - 1]


def percent(ratio: Any, *, decimals: int = 1, signed: bool = False, lang: str = "en") -> str:
    """A ratio (0 to 1) in per cent.

    >>> " | ".join([percent(0.1234), percent(-0.05, signed=True)]).replace(NBSP, " ")
    '12.3 % | −5.0 %'
    """
    if is_missing(ratio):
        return MISSING
    return number(float(ratio) * 100, decimals=decimals, signed=signed, lang=lang) + NBSP + "%"


def duration(seconds: Any, *, lang: str = "en") -> str:
    """A stretch of time in its two largest units.

    >>> " | ".join([duration(42), duration(900), duration(5400), duration(190800)]).replace(NBSP, " ")
    '42 s | 15 min | 1 h 30 min | 2 d 5 h'
    """
    if is_missing(seconds):
        return MISSING
    total = round(float(seconds))
    if total < 60:
        return f"{total}{NBSP}s"
    parts: list[str] = []
    for size, unit in ((86_400, {"de": "T", "fr": "j"}.get(lang, "d")), (3600, "h"), (60, "min")):
        count, total = divmod(total, size)
        if count or parts:
            parts.append(f"{count}{NBSP}{unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def day(value: Any, *, lang: str = "en") -> str:
    """A date in words.

    >>> " | ".join([day(date(2026, 11, 2)), day("2026-11-02", lang="de")]).replace(NBSP, " ")
    '2 Nov 2026 | 2. Nov. 2026'
    """
    if is_missing(value):
        return MISSING
    when = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    tongue = language(lang)
    return tongue.date_order.format(day=when.day, month=tongue.months[when.month - 1], year=when.year).replace(
        " ", NBSP
    )


def moment(value: Any, *, lang: str = "en") -> str:
    """A date and time of day, to the minute, in the value's own time zone.

    >>> moment(datetime(2026, 11, 2, 9, 5)).replace(NBSP, " ")
    '2 Nov 2026 09:05'
    """
    if is_missing(value):
        return MISSING
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{day(when, lang=lang)} {when:%H:%M}"


_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def clean(text: Any) -> str:
    """Text from outside as one harmless line: no control characters, no direction overrides, spaces collapsed.

    >>> clean("a\\x07b\\n  c\\u202egpj")
    'ab cgpj'
    """
    shown = "".join(
        char for char in str(text) if char.isspace() or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"}
    )
    return " ".join(_BIDI.sub("", shown).split())


def literal(text: Any) -> str:
    """Text from outside for use inside Markdown: it shows exactly as it is and formats nothing.

    >>> literal("<b>*five* stars</b>")
    '\\\\<b\\\\>\\\\*five\\\\* stars\\\\<\\\\/b\\\\>'
    """
    return _PUNCTUATION.sub(r"\\\1", clean(text))
