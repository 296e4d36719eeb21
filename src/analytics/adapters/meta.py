"""How Instagram and Facebook are asked, by the Graph API: address, errors, paging, a metric refused.

https://developers.facebook.com/docs/graph-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx

from analytics.adapters.base import Page, Pages, Parser, Refused, page_of
from analytics.adapters.http import MAX_PAGES, SECRET_PARAMS, Answer, Client, get_json
from analytics.adapters.values import mapping, numbered
from analytics.adapters.vendor import Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)

HOST = "https://graph.facebook.com"
VERSION = "v25.0"
PER_PAGE = 50

THROTTLED = {4, 17, 32, 341, 613, *range(80_000, 80_015)}
TOKEN_REFUSED = {102, 190}  # ended, revoked, or of a session that is over
DENIED = {3, 10, *TOKEN_REFUSED, *range(200, 300)}
MISSING = {24, 110, 803}
# 33: no such object, or not for this token; 2108006: posted before the account was a business;
# 2207013: no professional account of that name
MISSING_SUBCODES = {33, 2108006, 2207013}


def classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """Graph answers 400 to nearly everything: what is meant stands in the error's code."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return None
    code, subcode = (_whole(error.get(name)) for name in ("code", "error_subcode"))
    said = str(error.get("message", "")).lower()
    if code in THROTTLED or error.get("is_transient") is True:
        return TransientSourceError
    if "reduce the amount of data" in said:  # code 1 with a 500, but the same call will never succeed
        return SourceError
    if code in {1, 2}:
        return TransientSourceError
    if code in MISSING or subcode in MISSING_SUBCODES or "not enough viewers" in said:
        return SourceNotFound
    if code in DENIED:
        return AccessDenied
    return SourceError if code == 100 or response.is_success else None


def refuses_token(response: httpx.Response, payload: Any) -> bool:
    """Whether the token itself is refused, which Graph says with 400 as often as with 401."""
    error = payload.get("error") if isinstance(payload, dict) else None
    return response.status_code == 401 or (isinstance(error, dict) and _whole(error.get("code")) in TOKEN_REFUSED)


def vendor(platform: str) -> Vendor:
    """How Graph is spoken to on behalf of one of its platforms; limits are told in percent, as JSON."""
    return Vendor(
        platform,
        HOST,
        api_version=VERSION,
        classify=classify,
        refuses_token=refuses_token,
        remaining_headers=(
            "x-business-use-case-usage",
            "x-app-usage",
            "x-ratelimit-remaining",
            "x-rate-limit-remaining",
        ),
        reset_headers=("x-business-use-case-usage", "x-ratelimit-reset", "x-rate-limit-reset"),
    )


def get(client: Client, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
    """GET below the version; the answer carries the version that answered, a newer one where ours is retired."""
    answer = get_json(client, f"{VERSION}/{path}", params=params)
    return replace(answer, api_version=answer.headers.get("facebook-api-version", VERSION))


def pages(client: Client, path: str, params: Mapping[str, str | int]) -> Iterator[Answer]:
    """Yield a listing's pages, newest first, as long as there is a next link.

    Links repeat host, path and token: only their parameters are taken, be it `after` or `until` with
    `__paging_token`. A cursor alone is no further page, and links to the previous one are not followed.
    """
    asked, seen = dict(params), set()
    for _ in range(MAX_PAGES):
        answer = get(client, path, asked)
        yield answer
        following = next_of(answer.payload)
        if not following:
            return
        place = tuple(sorted(following.items()))
        if place in seen:
            raise MalformedResponse(client.vendor.platform, answer.call, "paging goes round: a next link came twice")
        seen.add(place)
        asked |= following
    raise MalformedResponse(client.vendor.platform, f"GET {path}", f"paging does not end after {MAX_PAGES} pages")


def next_of(payload: Any) -> dict[str, str]:
    """The parameters of the link to the next page, without secrets; empty on the last page."""
    paging = payload.get("paging") if isinstance(payload, dict) else None
    link = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(link, str):
        return {}
    try:
        return {k: v for k, v in httpx.URL(link).params.items() if k.lower() not in SECRET_PARAMS and v}
    except httpx.InvalidURL:
        return {}


def one_metrics_fault(exc: SourceError) -> bool:
    """Whether a call may have been refused for one of its metrics or fields: not for the token, not in passing."""
    if isinstance(exc, AccessDenied):
        return "access token" not in exc.problem.lower() and not exc.problem.startswith("answered 401")
    return type(exc) is SourceError


def asked(
    names: Sequence[str], fetch: Callable[[Sequence[str]], Page], *, ours: Mapping[str, str], older: Mapping[str, str]
) -> Pages:
    """Ask for all metrics in one call; one that Graph refuses fails it whole, so ask again without that one.

    Args:
        names: Graph's names.
        ours: Graph's name → ours, for what is noted as refused.
        older: the name to ask for where a newer one is refused.
    """
    try:
        yield fetch(names)
        return
    except SourceError as exc:
        if not one_metrics_fault(exc):
            raise
        failure = exc
    culprits = named_in(failure.problem, names)
    if len(names) == 1 or "nonexisting field" in failure.problem:  # this kind of content has no insights at all
        culprits = list(names)
    if culprits:
        reasons = tuple(Refused(ours[name], failure.problem) for name in culprits if name not in older)
        if reasons:
            yield Page(call=failure.call, refused=reasons, failure=failure)
        parts = [[*(n for n in names if n not in culprits), *(older[n] for n in culprits if n in older)]]
    else:
        parts = [list(names[: len(names) // 2]), list(names[len(names) // 2 :])]
    for part in parts:
        if part:
            yield from asked(part, fetch, ours=ours, older=older)


def named_in(problem: str, names: Sequence[str]) -> list[str]:
    """The metrics a refusal names; none where it says only that one of them is wrong.

    >>> named_in("(#100) metric[1] must be one of the following values: reach, views", ["reach", "plays"])
    ['plays']
    >>> named_in("(#100) The Media Insights API does not support the views metric for this", ["reach", "views"])
    ['views']
    """
    place = re.search(r"metric\[(\d+)\] must be one of", problem)
    if place:
        return [names[int(place[1])]] if int(place[1]) < len(names) else []
    found = {*re.findall(r"\b(\w+)\W? metric\b", problem), *re.findall(r"\bmetric \W?(\w+)", problem)}
    return [name for name in names if name in found]


def noting_empty(metrics: Iterable[str], found: Iterable[Page]) -> Pages:
    """Pass pages on, and note at the end which metrics never came: Graph gives an empty set, never a zero."""
    missing, call = dict.fromkeys(metrics), ""
    for page in found:
        yield page
        call = page.call
        for metric in (*(o.metric_type for o in page.observations), *(r.metric for r in page.refused)):
            missing.pop(metric, None)
    if missing and call:
        yield Page(call=call, refused=tuple(Refused(m, "empty: Graph has no figure, or withholds it") for m in missing))


@dataclass(frozen=True, slots=True)
class Rung:
    """What a listing asks for: its fields, and the metrics that are lost with the next rung."""

    fields: str
    loses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """How a platform's newest contents are read.

    Args:
        path: the edge.
        rungs: fields to ask for, fewer from rung to rung, for where Graph refuses one of them.
        insights: Graph's metric → ours, asked for within the listing, or content by content where it refuses.
        parser: of the listing.
        insights_parser: of one content's insights.
    """

    path: str
    rungs: tuple[Rung, ...]
    insights: Mapping[str, str]
    parser: Parser
    insights_parser: Parser


def fetch_contents(
    client: Client, of: Listing, metrics: Collection[str], *, account: str, observed_at: datetime, contents: int
) -> Pages:
    """The newest `contents` of a listing with their insights."""
    names = [theirs for theirs, ours in of.insights.items() if ours in metrics]
    rungs = of.rungs
    if names:
        rungs = (Rung(f"{rungs[0].fields},insights.metric({','.join(names)})"), *rungs)
    left = contents
    for found in _descended(client, of.path, rungs, metrics, min(PER_PAGE, contents)):
        if isinstance(found, Page):
            yield found
            continue
        yield page_of(found, of.parser, account=account, observed_at=observed_at, metrics=metrics)
        items = items_of(found.payload)
        if names and items and not any("insights" in item for item in items):
            ids = [str(item["id"]) for item in items[:left] if item.get("id")]
            names = yield from _each(client, of, ids, names, account=account, observed_at=observed_at)
        left -= PER_PAGE
        if left <= 0:
            return


def entries(payload: Any) -> list[tuple[str, Any]]:
    """Each content of a listing with its place, or the one that was asked for by itself; raises as `values` does."""
    page = mapping(payload, "answer")
    return [("", page)] if "id" in page and "data" not in page else list(numbered(page["data"], "data"))


def items_of(payload: Any) -> list[dict[str, Any]]:
    """The objects of a page, as far as they are objects."""
    data = payload.get("data") if isinstance(payload, dict) else None
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _descended(
    client: Client, path: str, rungs: Sequence[Rung], metrics: Collection[str], size: int
) -> Iterator[Answer | Page]:
    """Pages of the listing; where its fields are refused, on from that page with those of the next rung."""
    place: dict[str, str | int] = {}
    for rung in rungs:
        try:
            for answer in pages(client, path, {**place, "fields": rung.fields, "limit": size}):
                yield answer
                place = {k: v for k, v in next_of(answer.payload).items() if k not in ("fields", "limit")}
            return
        except SourceError as exc:
            if rung is rungs[-1] or not one_metrics_fault(exc):
                raise
            lost = tuple(Refused(metric, exc.problem) for metric in rung.loses if metric in metrics)
            if lost:
                yield Page(call=exc.call, refused=lost, failure=exc)


def _each(
    client: Client, of: Listing, ids: Sequence[str], names: list[str], *, account: str, observed_at: datetime
) -> Generator[Page, None, list[str]]:
    """Insights content by content; returns the metrics worth asking the next content for.

    A content without insights (deleted meanwhile, older than the business account, too few viewers) costs nothing,
    and a metric refused for one kind of content is given by the others: refused is what none of them gives.
    """
    given: set[str] = set()
    refused: dict[str, Refused] = {}
    call = ""
    for content in ids if names else ():

        def fetch(some: Sequence[str], content: str = content) -> Page:
            answer = get(client, f"{content}/insights", {"metric": ",".join(some)})
            wanted = tuple(of.insights[name] for name in some)
            return page_of(answer, of.insights_parser, account=account, observed_at=observed_at, metrics=wanted)

        try:
            found = list(asked(names, fetch, ours=of.insights, older={}))
        except SourceNotFound:
            continue
        for page in found:
            call = page.call
            given.update(o.metric_type for o in page.observations)
            refused |= {r.metric: r for r in page.refused}
            yield replace(page, refused=())
        gone = {r.metric for page in found for r in page.refused if _for_all(r.reason)}
        names = [name for name in names if of.insights[name] not in gone]
        if all(isinstance(page.failure, AccessDenied) for page in found):
            names = []
        if not names:
            break
    if lost := tuple(r for metric, r in refused.items() if metric not in given):
        yield Page(call=call, refused=lost)
    return names


def _for_all(reason: str) -> bool:
    """Whether a refusal is about the metric itself, not about this kind of content."""
    return "valid insights metric" in reason or "no longer" in reason


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None
