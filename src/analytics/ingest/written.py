"""How a file writes its numbers and parts its columns, told from its first rows, so that nothing is read wrongly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analytics.errors import DataFileError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SPACES = " \u00a0\u202f\u2009'’"  # between thousands, as Swiss, French and Scandinavian files write them
_GROUPED = r"[+-]?\d{1,3}(?:%s\d{3})+"
_EITHER_WAY = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The decimal mark, and what may stand between thousands ('' for nothing)."""

    decimal: str = "."
    thousands: str = ""

    @property
    def said(self) -> str:
        """In words; '' for numbers as computers write them."""
        names = {".": "point", ",": "comma", " ": "blank", "": ""}
        decimal = f"decimal {names[self.decimal]}" if self.decimal != "." else ""
        thousands = f"{names[self.thousands]} between thousands" if self.thousands else ""
        return ", ".join(filter(None, (decimal, thousands)))

    def plain(self, text: pa.Array) -> pa.Array:
        """The same numbers as computers write them; what is no number in this style stays as it is, to be refused."""
        if self == NumberStyle():
            return text
        text = pc.utf8_trim_whitespace(text)
        mark = re.escape(self.thousands) if self.thousands != " " else f"[{re.escape(_SPACES)}]"
        decimal = re.escape(self.decimal)
        whole = rf"(\d+|\d{{1,3}}({mark}\d{{3}})+)" if self.thousands else r"\d+"
        fits = pc.match_substring_regex(text, rf"^[+-]?({whole})?({decimal}\d*)?$")
        made = pc.replace_substring_regex(text, mark, "") if self.thousands else text
        if self.decimal != ".":
            made = pc.replace_substring(made, self.decimal, ".")
        return pc.if_else(fits, made, text)


def delimiter_of(header: str) -> str:
    """What parts the columns: of commas, semicolons, tabs and bars the one that stands most often in the header.

    >>> delimiter_of("Datum;Aufrufe, gesamt;Likes"), delimiter_of("time,value")
    (';', ',')
    """
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def style_of(values: Mapping[str, str] | Sequence[str], *, decimal: str = "", delimiter: str = ",") -> NumberStyle:
    """How these numbers are written.

    Args:
        values: some of a file's values, by where they stand if an error shall say so; words for "not there" are passed
            over.
        decimal: the mark somebody named; '' where it is to be told.
        delimiter: of the columns; where it is a semicolon, the comma may be the decimal mark.
    Raises:
        DataFileError: "1,234", beside semicolons also "1.234", and no other value tells what the mark means.

    >>> style_of(["1.234,5", "12"]), style_of(["1,234,567"]).thousands, style_of(["0,5"]).decimal
    (NumberStyle(decimal=',', thousands='.'), ',', ',')
    """
    places = values if isinstance(values, Mapping) else {f"#{i}": text for i, text in enumerate(values, start=1)}
    texts = [text.strip() for text in places.values() if any(c.isdigit() for c in text)]
    spaced = any(re.fullmatch(_GROUPED % f"[{re.escape(_SPACES)}]" + r"(?:[.,]\d*)?", text) for text in texts)
    bare = [re.sub(f"[{re.escape(_SPACES)}]", "", text) for text in texts] if spaced else texts
    both = [text for text in bare if "," in text and "." in text]
    if decimal:
        other = {",": ".", ".": ","}[decimal]
        return NumberStyle(decimal, " " if spaced else other if any(other in text for text in bare) else "")
    if both:
        last = "," if both[0].rindex(",") > both[0].rindex(".") else "."
        return NumberStyle(last, "." if last == "," else ",")
    for mark in (",", "."):
        marked = [text for text in bare if mark in text]
        if any(text.count(mark) > 1 for text in marked):
            return NumberStyle("." if mark == "," else ",", mark)
        may_part = mark == "," or delimiter == ";"
        if marked and may_part:
            if all(_EITHER_WAY.fullmatch(text) for text in marked):
                where, text = next((where, text) for where, text in places.items() if mark in text)
                raise DataFileError(f"{where}: value {text!r} can be read two ways; say --decimal , or --decimal .")
            return NumberStyle(mark, " " if spaced else "")
    return NumberStyle(".", " " if spaced else "")
