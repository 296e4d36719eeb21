"""The contract of an adapter, and the small things every one of them needs.

An adapter is a module with `NAME`, `VENDOR` (how to talk to the platform), `DEFINITIONS` (what
its metrics mean, with dates), pure `parse_*` functions and `collect`. `docs/adding-a-platform.md`
walks through one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from analytics.adapters.http import Answer, Client
from analytics.adapters.values import OTHERWISE, gathered
from analytics.adapters.vendor import Vendor
from analytics.errors import AccessDenied, MalformedResponse, QuotaExhausted, SourceError
from analytics.model import MetricDefinition, Observation

CONTENT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """One metric the platform would not give in this call, and why in its own words."""

    metric: str
    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a post, video or the like is, beside its figures; '' and None where the platform does not say."""

    content_id: str
    content_type: str
    title: str = ""
    url: str = ""
    published_at: datetime | None = None
    text: str = ""


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
    contents: tuple[Content, ...] = ()
    observed_at: datetime | None = None
    failure: SourceError | None = None

    @property
    def withheld(self) -> tuple[str, ...]:
        """Metrics that were in the answer's shape but had no value, each once."""
        return tuple(sorted({o.metric_type for o in self.observations if o.value is None and not o.fault}))


@runtime_checkable
class Adapter(Protocol):
    """What the registry checks a module for."""

    NAME: str
    VENDOR: Vendor
    DEFINITIONS: tuple[MetricDefinition, ...]

    def collect(
        self, client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int
    ) -> Iterator[Page]:
        """Yield a page a call, for the account's `metrics` (empty: all) and its newest `contents` (0: none)."""
        ...


P = ParamSpec("P")
T = TypeVar("T")
Pages = Generator[Page, None, None]
Parser = Callable[..., list[Observation]]
Problems = Callable[[Any], list[Refused]]


def page_of(
    answer: Answer,
    parser: Parser,
    *,
    account: str,
    observed_at: datetime,
    metrics: Collection[str] | None = None,
    problems: Problems | None = None,
    contents: Callable[[Any], list[Content]] | None = None,
) -> Page:
    """Read an answer with `parser`, keep the wanted metrics (None: all), note what the platform refused beside them.

    `contents` reads what the contents are; where it cannot, their figures still count. A value that cannot be read
    costs itself, and is named with the call. An answer of which nothing can be read costs its metrics but is kept as
    it came, to be read again later.
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
        return replace(page, failure=exc, refused=tuple(Refused(metric, exc.problem) for metric in metrics or ()))
    asked = (o for o in observations if metrics is None or o.metric_type in metrics or not o.metric_type)
    return replace(
        page,
        observations=tuple(naming_faults(asked, answer.call)),
        contents=tuple(_contents(answer.payload, contents)),
        refused=tuple(r for r in refused if metrics is None or r.metric in metrics),
    )


def naming_faults(observations: Iterable[Observation], call: str) -> Iterator[Observation]:
    """The observations as they are; a fault names its call, and stands for all of its metric at such a place.

    A vendor that changes a field changes it in every post of a page: that is one thing to look into, not a hundred.
    """
    found = list(observations)
    alike = Counter(_kind(o) for o in found if o.fault)
    told: set[tuple[str, str]] = set()
    for o in found:
        if not o.fault:
            yield o
        elif (kind := _kind(o)) not in told:
            told.add(kind)
            more = f" ({alike[kind] - 1} more like it)" if alike[kind] > 1 else ""
            yield replace(o, fault=f"{call.partition('?')[0]:.120}: {o.fault}{more}")
        elif o.metric_type:
            yield replace(o, fault="")


def _kind(observation: Observation) -> tuple[str, str]:
    return observation.metric_type, re.sub(r"\[\d+\]", "[]", observation.fault.partition(": ")[0])


def _contents(payload: Any, read: Callable[[Any], list[Content]] | None) -> list[Content]:
    try:
        return read(payload) if read else []
    except OTHERWISE:
        return []


def contents_in(items: Iterable[Any], read: Callable[[Any], Content]) -> list[Content]:
    """What `read(item)` gives of every item; one that cannot be read is left out."""
    found, _ = gathered((("", item) for item in items), read)
    return found


def guarded(
    metrics: Iterable[str], fetch: Callable[P, Page | Generator[Page, None, T]], *args: P.args, **kwargs: P.kwargs
) -> Generator[Page, None, T | None]:
    """Yield what `fetch(…)` brings; a call that fails costs its `metrics` and no others.

    Returns what the generator `fetch` returns (an id the next call needs), None after a failure. A spent
    quota is raised instead: every further call would be refused too.
    """
    try:
        fetched = fetch(*args, **kwargs)
        if not isinstance(fetched, Page):
            return (yield from fetched)
        yield fetched
    except QuotaExhausted:
        raise
    except SourceError as exc:
        refused = tuple(Refused(metric, exc.problem) for metric in metrics)
        yield Page(call=exc.call, refused=refused, failure=exc)
    return None


def tolerant(metrics: Sequence[str], fetch: Callable[[Sequence[str]], Page]) -> Pages:
    """Ask for `metrics` in one call; where the platform refuses the call for one of them, find it by halving.

    One metric a platform no longer knows fails the whole request: it must cost itself alone.
    """
    try:
        yield fetch(metrics)
    except SourceError as exc:
        if not _may_be_one_metrics_fault(exc):
            raise
        if len(metrics) == 1:
            yield Page(call=exc.call, refused=(Refused(metrics[0], exc.problem),), failure=exc)
            return
        middle = len(metrics) // 2
        yield from tolerant(metrics[:middle], fetch)
        yield from tolerant(metrics[middle:], fetch)


def _may_be_one_metrics_fault(exc: SourceError) -> bool:
    if isinstance(exc, AccessDenied):
        return not exc.problem.startswith("answered 401")
    return type(exc) is SourceError


def wanted(metrics: Collection[str], offered: Iterable[str]) -> tuple[str, ...]:
    """Those of `offered` that are asked for; no `metrics` means all."""
    return tuple(name for name in offered if not metrics or name in metrics)


def definition_in_force(definitions: Iterable[MetricDefinition], metric: str, on: date) -> MetricDefinition | None:
    """What `metric` meant on that day; None where the platform did not offer it yet."""
    known = [d for d in definitions if d.metric_type == metric and (d.valid_from is None or d.valid_from <= on)]
    return max(known, key=lambda d: d.valid_from or date.min, default=None)
