"""Reading a vendor's JSON: numbers as they write them, times, and what is not there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.errors import InputError, MalformedResponse
from analytics.model import Observation

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", flags=re.ASCII)


def readings(
    platform: str,
    source: object,
    fields: Mapping[str, str],
    *,
    observed_at: datetime,
    author_id: str,
    content_id: str = "",
    content_type: str = "",
    convert: Callable[[object], float | None] | None = None,
) -> list[Observation]:
    """One observation per metric of one JSON object; `fields` is the platform's name → ours.

    Two fields of one metric are generations of its name: the first that is there counts. A metric
    that is absent or null is withheld or renamed: its value is None, and the others land.

    Raises:
        TypeError: `source` is no object.
        ValueError: a value is no count, or none of the fields is there, so this is another kind of object.
    """
    item = mapping(source, "item")
    if not item.keys() & fields.keys():
        raise ValueError(
            f"none of {', '.join(fields)} in an object with {', '.join(map(str, item)) or 'nothing'}"[:200]
        )
    values: dict[str, float | None] = dict.fromkeys(fields.values())
    for field, metric in fields.items():
        try:
            value = (convert or as_count)(item.get(field))
        except ValueError as exc:
            raise ValueError(f"{field}: {exc}") from exc
        if values[metric] is None:
            values[metric] = value
    return [
        Observation(platform, metric, value, observed_at, content_id, content_type, author_id)
        for metric, value in values.items()
    ]


def unknown(
    platform: str,
    metrics: Iterable[str],
    *,
    observed_at: datetime,
    author_id: str,
    content_id: str = "",
    content_type: str = "",
) -> list[Observation]:
    """Observations without a value, for an object whose figures were left out as a whole."""
    names = dict.fromkeys(metrics)
    return [Observation(platform, name, None, observed_at, content_id, content_type, author_id) for name in names]


def as_number(value: object) -> float | None:
    """A number as vendors write them: JSON number or decimal string; None stays None.

    Raises:
        ValueError: for a boolean, a non-finite number or anything else.

    >>> as_number("18552"), as_number(18552.0), as_number(None)
    (18552.0, 18552.0, None)
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number, found {value!r:.60}")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError(f"expected a number, found {value!r:.60}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of more digits than a float holds
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, found {value!r:.60}")
    return number


def as_count(value: object) -> float | None:
    """A whole number; None stays None.

    A negative one is passed on as the platform said it: the store marks it, and it costs no other figure.

    Raises:
        ValueError: where it is fractional or no number.
    """
    number = as_number(value)
    if number is not None and number != math.floor(number):
        raise ValueError(f"expected a count, found {value!r:.60}")
    return number


def as_time(value: object) -> datetime:
    """An aware UTC time from ISO 8601 text or Unix seconds; raise `ValueError` for anything else."""
    if isinstance(value, str) and not (value.isascii() and value.isdecimal() and len(value) > len("20261120")):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(f"expected a time with a zone, found {value!r:.60}")
        return moment.astimezone(UTC)
    seconds = as_number(value)
    if seconds is None:
        raise ValueError("expected a time, found nothing")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as exc:
        raise ValueError(f"expected a time, found {value!r:.60}") from exc


def poll_slot(at: datetime, step: timedelta = timedelta(minutes=5)) -> datetime:
    """`at` cut down to its poll slot, so that the same poll run twice writes the same points.

    >>> poll_slot(datetime(2026, 11, 20, 12, 43, 7, tzinfo=UTC)).isoformat()
    '2026-11-20T12:40:00+00:00'
    """
    if at.tzinfo is None:
        raise InputError(f"time {at.isoformat()}: needs a time zone")
    utc = at.astimezone(UTC)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (utc - midnight) // step * step


def headline(text: object, length: int = 120) -> str:
    """The first line of a text, cut at a word, as a title for what has none.

    >>> headline("Cider is pressed today." + chr(10) + "Come by!"), headline("one two three", 9)
    ('Cider is pressed today.', 'one two…')
    """
    first = next((line.strip() for line in str(text or "").splitlines() if line.strip()), "")
    return first if len(first) <= length else first[: length - 1].rsplit(" ", 1)[0] + "…"


def mapping(value: object, what: str) -> dict[str, Any]:
    """`value` if it is a JSON object; raise `TypeError` naming `what` otherwise."""
    if not isinstance(value, dict):
        raise TypeError(f"{what}: expected an object, found {type(value).__name__} {value!r:.60}")
    return value


def listing(value: object, what: str) -> list[Any]:
    """`value` if it is a JSON array; raise `TypeError` naming `what` otherwise."""
    if not isinstance(value, list):
        raise TypeError(f"{what}: expected an array, found {type(value).__name__} {value!r:.60}")
    return value


def malformed(platform: str, call: str, exc: Exception) -> MalformedResponse:
    """The error for a payload that is not what the vendor describes."""
    what = f"no {exc.args[0]!r}" if isinstance(exc, KeyError) else str(exc)
    return MalformedResponse(platform, call, what)
