"""Reading a vendor's JSON: numbers as they write them, times, what is not there, and what cannot be read.

A value that cannot be read costs itself: it becomes a `Fault`, which says where it stands and what was found, and its
reading is unknown. An item of a list that cannot be read costs itself as well. Where nothing can be read, the answer
is another than the vendor describes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from analytics.errors import InputError, MalformedResponse
from analytics.model import Observation

T = TypeVar("T")
Convert = Callable[[object], float | None]
OTHERWISE = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # what reading another shape raises
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that is no figure: its place in the answer, `data[3].public_metrics.like_count`, and what is wrong."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


Figure = float | Fault | None


class Unreadable(ValueError):
    """Nothing of an object could be read; `observations` say why, one a fault."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        super().__init__(next(o.fault for o in observations if o.fault))
        self.observations = list(observations)


def readings(
    platform: str,
    source: object,
    fields: Mapping[str, str],
    *,
    observed_at: datetime,
    author_id: str,
    content_id: str = "",
    content_type: str = "",
    convert: Convert | None = None,
    at: str = "",
) -> list[Observation]:
    """One observation per metric of one JSON object; `fields` is the platform's name → ours, `at` the object's place.

    Two fields of one metric are generations of its name: the first that is there counts. A metric that is absent or
    null is withheld or renamed: its value is None, and the others land. So they do where a value is no count: it is
    unknown, and the observation's `fault` says what was found.

    Raises:
        TypeError: `source` is no object.
        ValueError: none of the fields is there, so this is another kind of object; or none can be read.
    """
    figures = figures_of(source, fields, convert=convert or as_count, at=at)
    return observed(
        platform,
        figures,
        observed_at=observed_at,
        author_id=author_id,
        content_id=content_id,
        content_type=content_type,
    )


def figures_of(
    source: object, fields: Mapping[str, str], *, convert: Convert | None = None, at: str = ""
) -> dict[str, Figure]:
    """Figures of one JSON object by our names, as `readings` reads them."""
    item = mapping(source, at or "item")
    if not item.keys() & fields.keys():
        raise ValueError(
            f"none of {', '.join(fields)} in an object with {', '.join(map(str, item)) or 'nothing'}"[:200]
        )
    figures: dict[str, Figure] = dict.fromkeys(fields.values())
    for field, metric in fields.items():
        if known(figures[metric]) is None:
            figures[metric] = _better(figures[metric], figure(item.get(field), below(at, field), convert or as_count))
    return figures


def _better(first: Figure, second: Figure) -> Figure:
    """The value of either; else what is wrong with one of them."""
    return second if first is None or known(second) is not None else first


def figure(value: T, path: str, convert: Callable[[T], float | None]) -> Figure:
    """What `convert` makes of a value, or the fault."""
    try:
        return convert(value)
    except OTHERWISE as exc:
        return Fault(path, said(exc))


def known(found: Figure) -> float | None:
    """The value; None where it is withheld or cannot be read."""
    return None if isinstance(found, Fault) else found


def added(figures: Iterable[Figure]) -> float | None:
    """Their sum; unknown where one of them is, or where there is none.

    >>> added([1.0, 2.0]), added([1.0, None]), added([1.0, Fault("likes", "no number")]), added([])
    (3.0, None, None, None)
    """
    values = [known(found) for found in figures]
    return None if not values or None in values else sum(value for value in values if value is not None)


def observed(
    platform: str,
    figures: Mapping[str, Figure],
    *,
    observed_at: datetime,
    author_id: str,
    content_id: str = "",
    content_type: str = "",
) -> list[Observation]:
    """One observation per figure of one object, by metric; '' stands for metrics that cannot be told apart.

    Raises:
        Unreadable: some cannot be read, and no other has a value.
    """
    found = [
        Observation(
            platform,
            metric,
            known(value),
            observed_at,
            content_id,
            content_type,
            author_id,
            fault=str(value) if isinstance(value, Fault) else "",
        )
        for metric, value in figures.items()
    ]
    return readable(found)


def readable(found: list[Observation]) -> list[Observation]:
    """`found`; raise `Unreadable` where some cannot be read and none has a value."""
    faults = [o for o in found if o.fault]
    if faults and all(o.value is None for o in found):
        raise Unreadable(faults)
    return found


def each(
    entries: Iterable[tuple[str, Any]],
    read: Callable[[str, Any], Iterable[Observation]],
    *,
    platform: str,
    observed_at: datetime,
    author_id: str,
) -> list[Observation]:
    """What `read(place, item)` gives of every item; one that cannot be read is a fault, and the others land.

    Raises:
        Unreadable: none can be read.
    """
    found, faults = [], []
    for at, item in entries:
        try:
            found += list(read(at, item))
        except Unreadable as exc:
            faults += exc.observations
        except OTHERWISE as exc:
            faults.append(
                lost(platform, Fault(at or "answer", said(exc)), observed_at=observed_at, author_id=author_id)
            )
    if faults and not found:
        raise Unreadable(faults)
    return found + faults


def gathered(entries: Iterable[tuple[str, Any]], read: Callable[[Any], T]) -> tuple[list[T], list[Fault]]:
    """What `read(item)` gives of every item, and the faults of those that cannot be read."""
    found, faults = [], []
    for at, item in entries:
        try:
            found.append(read(item))
        except OTHERWISE as exc:
            faults.append(Fault(at, said(exc)))
    return found, faults


def lost(platform: str, fault: Fault, *, observed_at: datetime, author_id: str) -> Observation:
    """What stands for an item that cannot be read: no metric and no content, as these are not known."""
    return Observation(platform, "", None, observed_at, author_id=author_id, fault=str(fault))


def numbered(items: object, at: str) -> Iterator[tuple[str, Any]]:
    """Each item of a JSON array with its place; raise `TypeError` where it is none."""
    return ((f"{at}[{number}]", item) for number, item in enumerate(listing(items, at or "answer")))


def below(at: str, key: object) -> str:
    """The place of a field of the object at a place.

    >>> below("data[3]", "likes"), below("", "likes")
    ('data[3].likes', 'likes')
    """
    return f"{at}.{key}" if at else str(key)


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
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as exc:
            raise ValueError(f"expected a time, found {value!r:.60}") from exc
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


def text(value: object, what: str) -> str:
    """`value` if it is text that names something; raise `TypeError` naming `what` otherwise."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{what}: expected text, found {value!r:.40}")
    return value


def words(value: object) -> str:
    """`value` if it is text; '' otherwise: a title of another kind is no title."""
    return value if isinstance(value, str) else ""


def malformed(platform: str, call: str, exc: Exception) -> MalformedResponse:
    """The error for a payload that is not what the vendor describes."""
    return MalformedResponse(platform, call, said(exc))


def said(exc: Exception) -> str:
    """What an error says; of a missing key its name."""
    return f"no {exc.args[0]!r}" if isinstance(exc, KeyError) and exc.args else str(exc)
