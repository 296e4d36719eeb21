"""Which of the shipped fonts draws which text, on a machine that has none of its own.

Names come in every script. Inter draws Latin, Greek and Cyrillic, the fonts below `fonts/scripts` the rest; what none
of them can draw is written another way, because PDF/UA refuses a document with a character that cannot be seen.
"""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from analytics.wording.formats import UNSHOWN, unstacked

FONT_DIR = Path(__file__).resolve().parents[1] / "fonts"
ZWJ, ZWNJ = "\u200d", "\u200c"
_INVISIBLE = re.compile(f"[{ZWNJ}{ZWJ}\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_ZERO_WIDTH = {"\u200b", "\u2060", "\u00ad"}


@dataclass(frozen=True)
class Typeface:
    """A shipped font: its file, the family a program asks for it by, and the characters it draws."""

    path: Path
    family: str
    covers: frozenset[int]

    def draws(self, cluster: str) -> bool:
        """Whether it draws every part of a letter with its marks; a font never draws half of one."""
        return self.covers.issuperset(map(ord, _INVISIBLE.sub("", cluster)))


@cache
def typefaces() -> tuple[Typeface, ...]:
    """The shipped fonts in the order they are asked; the first is the report's own."""
    lines = (FONT_DIR / "coverage.txt").read_text("utf-8").splitlines()
    return tuple(
        Typeface(FONT_DIR / path, family, frozenset(_code_points(ranges.split())))
        for path, family, ranges in (line.split("\t") for line in lines)
    )


def _code_points(ranges: Iterable[str]) -> Iterator[int]:
    for part in ranges:
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def clusters(text: str) -> Iterator[str]:
    """A text letter by letter, each with its marks; an emoji joined from several is one.

    >>> list(clusters("e\u0301\U0001f469\u200d\U0001f4bbx")) == ["e\u0301", "\U0001f469\u200d\U0001f4bb", "x"]
    True
    """
    held = ""
    for char in text:
        code = ord(char)
        joins = (
            unicodedata.category(char)[0] == "M"
            or _INVISIBLE.match(char)
            or code in _SKIN_TONES
            or held.endswith(ZWJ)
            or (code in _FLAG_LETTERS and len(held) == 1 and ord(held) in _FLAG_LETTERS)
        )
        if held and not joins:
            yield held
            held = ""
        held += char
    if held:
        yield held


def drawable(text: str, *, own_only: bool = False) -> str:
    """The same text as far as the shipped fonts can draw it; with `own_only`, as far as the report's own font can,
    letter by letter.

    A mark no font has on this letter is left out, a symbol is written by its name, any other character is a square.

    >>> drawable("50 % off \u26f7\ufe0f \ue000"), drawable("x\u0301\u0301\u0301\u0301") == "x\u0301\u0301"
    ('50 % off \u26f7\ufe0f \u25a1', True)
    """
    if text.isascii() and text.isprintable():
        return text
    whole = unicodedata.normalize("NFC", text)
    return "".join(_drawn(cluster, own_only) for cluster in clusters(whole))


@lru_cache(maxsize=4096)
def _drawn(cluster: str, own_only: bool) -> str:
    first = cluster[0]
    if first == "\n" or first == "\t":
        return first.replace("\t", " ")
    if unicodedata.category(first) in {"Cc", "Cf"} and first not in _ZERO_WIDTH:
        return "".join(_drawn(rest, own_only) for rest in clusters(cluster[1:]))
    marked = unstacked(cluster)
    joined = unicodedata.normalize("NFC", marked)
    for form in (joined[0], first) if own_only else (marked, joined, first):
        if any(face.draws(form) for face in typefaces()[: 1 if own_only else None]):
            return _INVISIBLE.sub("", form) if typefaces()[0].draws(form) else form
    if unicodedata.category(first) == "So":
        return f"[{unicodedata.name(first, 'symbol').lower()}]"
    return "" if unicodedata.category(first)[0] == "M" else UNSHOWN


def families() -> list[str]:
    """Every family, in the order they are asked."""
    return [face.family for face in typefaces()]


def embedded_faces(text: str, family: str) -> str:
    """CSS that brings the glyphs of a text which the report's own font lacks, under one family name; '' if none."""
    own, *others = typefaces()
    foreign = [cluster for cluster in dict.fromkeys(clusters(text)) if not own.draws(cluster)]
    needed: dict[Typeface, str] = {}
    for cluster in foreign:
        face = next((face for face in others if face.draws(cluster)), None)
        if face is not None:
            needed[face] = needed.get(face, "") + cluster
    return "".join(_face(family, face, words) for face, words in needed.items())


def _face(family: str, face: Typeface, text: str) -> str:
    from fontTools import subset

    options = subset.Options(layout_features=["*"], hinting=False, notdef_outline=True, name_IDs=[], glyph_names=False)
    options.flavor = "woff"
    made = io.BytesIO()
    with subset.load_font(str(face.path), options) as font:
        chooser = subset.Subsetter(options)
        chooser.populate(text=text)
        chooser.subset(font)
        subset.save_font(font, made, options)
    data = base64.b64encode(made.getvalue()).decode()
    shown = ",".join(f"U+{code:X}" for code in sorted(set(map(ord, text))))
    source = f"url(data:font/woff;base64,{data}) format('woff')"
    return f"@font-face{{font-family:{family};unicode-range:{shown};src:{source}}}\n"
