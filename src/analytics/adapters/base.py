"""The contract of an adapter, and the small things every one of them needs.

An adapter is a module with `NAME`, `VENDOR` (how to talk to the platform), `DEFINITIONS` (what
its metrics mean, with dates), pure `parse_*` functions and `collect`. `docs/adding-a-platform.md`
walks through one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ParamSpec, Protocol, runtime_checkable

from analytics.adapters.http import Answer, Client
from analytics.adapters.vendor import Vendor
from analytics.errors import InputError, MalformedResponse, QuotaExhausted, SourceError
from analytics.model import MetricDefinition, Observation

CONTENT_LIMIT = 200
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Refused:
    """One metric the platform would not give in this call, and why in its own words."""

    metric: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one call brought: readings, what was refused, and the answer itself for the landing.

    `failure` is set where the call gave nothing; `refused` then names the metrics it cost.
    `parser` is the name of the adapter's function that read `raw`, so that it can be read again.
    """

    call: str
    observations: tuple[Observation, ...] = ()
    refused: tuple[Refused, ...] = ()
    api_version: str = ""
    rate_limit_remaining: int | None = None
    raw: bytes = b""
    parser: str = ""
    observed_at: datetime | None = None
    failure: SourceError | None = None

    @property
    def withheld(self) -> tuple[str, ...]:
        """Metrics that were in the answer's shape but had no value, each once."""
        return tuple(sorted({o.metric_type for o in self.observations if o.value is None}))


@runtime_checkable
class Adapter(Protocol):
    """What the registry checks a module for."""

    NAME: str
    VENDOR: Vendor
    DEFINITIONS: tuple[MetricDefinition, ...]

    def collect(
        self, client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int
    ) -> Iterator[Page]:
        """Yield a page a call, for the account's `metrics` (empty: all) and its newest `contents`."""
        ...


P = ParamSpec("P")
Parser = Callable[..., list[Observation]]
Problems = Callable[[Any], list[Refused]]


def page_of(
    answer: Answer,
    parser: Parser,
    *,
    account: str,
    observed_at: datetime,
    metrics: Collection[str] = (),
    problems: Problems | None = None,
) -> Page:
    """Read an answer with `parser`, keep the wanted metrics, note what the platform refused beside them.

    An answer that cannot be read costs its metrics but is kept as it came, to be read again later.
    """
    page = Page(
        call=answer.call,
        api_version=answer.api_version,
        rate_limit_remaining=answer.rate_limit_remaining,
        raw=answer.raw,
        parser=parser.__name__,
        observed_at=observed_at,
    )
    try:
        observations = parser(answer.payload, account=account, observed_at=observed_at)
        refused = problems(answer.payload) if problems else []
    except MalformedResponse as exc:
        return replace(page, failure=exc, refused=tuple(Refused(metric, exc.problem) for metric in metrics))
    return replace(
        page,
        observations=tuple(o for o in observations if not metrics or o.metric_type in metrics),
        refused=tuple(r for r in refused if not metrics or r.metric in metrics),
    )


def guarded(
    metrics: Iterable[str], fetch: Callable[P, Page | Iterable[Page]], *args: P.args, **kwargs: P.kwargs
) -> Iterator[Page]:
    """Yield what `fetch(…)` brings; a call that fails costs its `metrics` and no others.

    A spent quota is raised instead: every further call would be refused too.
    """
    try:
        fetched = fetch(*args, **kwargs)
        yield from (fetched,) if isinstance(fetched, Page) else fetched
    except QuotaExhausted:
        raise
    except SourceError as exc:
        refused = tuple(Refused(metric, exc.problem) for metric in metrics)
        yield Page(call=exc.call, refused=refused, failure=exc)


def wanted(metrics: Collection[str], offered: Iterable[str]) -> tuple[str, ...]:
    """Those of `offered` that are asked for; no `metrics` means all."""
    return tuple(name for name in offered if not metrics or name in metrics)


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
    """One observation per field (the platform's name → ours) of one JSON object.

    A field that is absent or null is withheld or renamed: its value is None, and the others land.

    Raises:
        TypeError: `source` is no object.
        ValueError: a value is no count, or none of the fields is there, so this is another kind of object.
    """
    item = mapping(source, "item")
    if not item.keys() & fields.keys():
        raise ValueError(
            f"none of {', '.join(fields)} in an object with {', '.join(map(str, item)) or 'nothing'}"[:200]
        )
    observations = []
    for field, metric in fields.items():
        try:
            value = (convert or as_count)(item.get(field))
        except ValueError as exc:
            raise ValueError(f"{field}: {exc}") from exc
        observations.append(Observation(platform, metric, value, observed_at, content_id, content_type, author_id))
    return observations


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
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, found {value!r:.60}")
    return number


def as_count(value: object) -> float | None:
    """A whole, non-negative number; None stays None.

    Raises:
        ValueError: where it is negative, fractional or no number.
    """
    number = as_number(value)
    if number is not None and (number < 0 or number != math.floor(number)):
        raise ValueError(f"expected a count, found {value!r:.60}")
    return number


def as_time(value: object) -> datetime:
    """An aware UTC time from ISO 8601 text or Unix seconds; raise `ValueError` for anything else."""
    if isinstance(value, str):
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


def definition_in_force(definitions: Iterable[MetricDefinition], metric: str, on: date) -> MetricDefinition | None:
    """What `metric` meant on that day; None where the platform did not offer it yet."""
    known = [d for d in definitions if d.metric_type == metric and (d.valid_from is None or d.valid_from <= on)]
    return max(known, key=lambda d: d.valid_from or date.min, default=None)
