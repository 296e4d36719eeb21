"""The exporters' own words in each language a brand may choose."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_FILE = Path(__file__).resolve().parents[1] / "templates" / "words.json"


@cache
def words(language: str) -> dict[str, str]:
    """The words of that language; English where the language is not known.

    >>> words("de")["figure"], words("xx")["figure"]
    ('Abbildung', 'Figure')
    """
    known: dict[str, dict[str, str]] = json.loads(_FILE.read_text("utf-8"))
    return known.get(language, known["en"])
