"""What a report says, in the language its brand names: sentences are English in the code and looked up in `languages/`.

A sentence's places are named (`{month}`), so that a translation may order them as its grammar wants. English needs no
catalogue; what a catalogue does not know, as an analyst's own words, is shown as it is. Catalogues are gettext's `.po`.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal

from analytics.errors import ReportError

LANGUAGES = ("en", "de", "fr", "es")
FOLDER = Path(__file__).parent / "languages"
Terms = Literal["metric", "unit", "meaning"]


class _State:
    code = "en"


def use_language(code: str) -> None:
    """Set the language of all that is said and written from here on (en, de, fr, es)."""
    if code not in LANGUAGES:
        raise ReportError(f"language {code!r}: expected one of {', '.join(LANGUAGES)}")
    _State.code = code


def language() -> str:
    """The language set last; English before that."""
    return _State.code


def say(text: str, /, *, lang: str | None = None, **values: object) -> str:
    """A sentence or label in the report's language, its places filled.

    Args:
        text: English, a literal in the code, or one passed through `mark` where it stands.
        lang: another language than the one set.

    >>> say("Outlook on {period}", lang="de", period="November 2026")
    'Ausblick auf November 2026'
    >>> say("Words of somebody's own", lang="de")
    "Words of somebody's own"
    """
    found = _catalogue(lang or _State.code).gettext(text) if text else ""
    return found.format(**values) if values else found


def plural_of(count: int, one: str, many: str, /, *, lang: str | None = None) -> str:
    """The form of a sentence that goes with a count; its places are left."""
    return _catalogue(lang or _State.code).ngettext(one, many, count)


def term(kind: Terms, text: str, /, *, lang: str | None = None) -> str:
    """A metric's name, unit or meaning in the report's language; params may bring words no catalogue has."""
    return _catalogue(lang or _State.code).pgettext(kind, text) if text else ""


def mark(text: str, /) -> str:
    """English that `say` is given later: marks it for the catalogues."""
    return text


def translated(markdown: str, lang: str) -> str:
    """Markdown with the headings and paragraphs that the catalogue knows in another language; the rest as it is.

    >>> translated("## Outlook\\n\\nWords of my own.", "de")
    '## Ausblick\\n\\nWords of my own.'
    """
    parts = [re.match(r"(#{1,6} +)?(.*)", part, re.DOTALL) for part in re.split(r"\n{2,}", markdown)]
    return "\n\n".join((found[1] or "") + say(found[2], lang=lang) for found in parts if found)


@cache
def _catalogue(code: str) -> NullTranslations:
    path = FOLDER / f"{code}.po"
    if code == "en" or not path.exists():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    packed = BytesIO()
    with path.open("rb") as file:
        write_mo(packed, read_po(file, locale=code))
    packed.seek(0)
    return GNUTranslations(packed)
