"""Kinds of values that params hold, each with its check."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from analytics.errors import InputError
from analytics.model import zone_of

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


NOT_A_VARIABLE = "expected the name of an environment variable, as in GITHUB_TOKEN"
LIKE_A_KEY = 16  # capitals and digits in one part: an access key of AWS has 20, no variable's name has so many
_NAME = r"^[a-z][a-z0-9_]*$"


def _cron(text: str) -> str:
    try:
        CronSim(text, _ANY_DAY)
    except CronSimError as exc:
        raise ValueError(f"{text!r} is not a cron line ({exc}); expected five fields, as in '*/5 * * * *'") from exc
    return text


def _holiday(text: str) -> str:
    """A country (`DE`), a part of one (`US-CA`), or a date."""
    if text[:1].isdigit():
        date.fromisoformat(text)
        return text
    from holidays import list_supported_countries

    country, _, part = text.partition("-")
    parts = list_supported_countries().get(country)
    if parts is None or (part and part not in parts):
        known = f"one of {', '.join(parts)}" if parts else "a code as in DE, US-CA or 2026-12-24"
        raise ValueError(f"{text!r} is no country or part of one that is known; expected {known}")
    return text


def _timezone(text: str) -> str:
    try:
        zone_of(text)
    except InputError as exc:
        raise ValueError(str(exc)) from exc
    return text


def _variable(text: str) -> str:
    """The name of an environment variable; what is not one may be the key itself, so it is not repeated."""
    if not is_variable(text):
        raise ValueError(f"{NOT_A_VARIABLE}; the value is not shown, as it may be a key")
    return text


def is_variable(text: str) -> bool:
    """Whether a text is a variable's name, and not a key pasted in its place.

    >>> [is_variable(text) for text in ("GITHUB_TOKEN", "TOKEN2", "ghp_abc", "AKIA0123456789ABCDEF", "json://u:p@h")]
    [True, True, False, False, False]
    """
    long_part = max((len(part) for part in text.split("_") if any(c.isdigit() for c in part)), default=0)
    return re.fullmatch(r"[A-Z][A-Z0-9_]{0,99}", text) is not None and long_part < LIKE_A_KEY


Cron = Annotated[str, AfterValidator(_cron)]


ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]


Holiday = Annotated[str, AfterValidator(_holiday)]


Timezone = Annotated[str, AfterValidator(_timezone)]


Names = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", description="#rrggbb")]


Variable = Annotated[str, AfterValidator(_variable)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{close[0]!r}?" if close else "one of " + ", ".join(sorted(known))
