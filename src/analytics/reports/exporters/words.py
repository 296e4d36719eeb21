"""The exporters' own words, by the names their templates use, in the report's language."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from analytics.wording.language import mark, say

ENGLISH: dict[str, str] = json.loads(
    (Path(__file__).resolve().parents[1] / "templates" / "words.json").read_text("utf-8")
)
KEYS = (mark("query"), mark("command"), mark("snapshot"), mark("parameters"), mark("definition"), mark("freshness"))


@cache
def words(language: str) -> dict[str, str]:
    """The words of that language; English where the language is not known.

    >>> words("de")["figure"], words("xx")["figure"]
    ('Abbildung', 'Figure')
    """
    return {name: say(text, lang=language) for name, text in ENGLISH.items()}
