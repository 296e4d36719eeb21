"""X API v2, users, posts and counts: https://docs.x.com/x-api

An account is a user name. Field names come in two generations, `tweet.fields`/`retweet_count` and
(since August 2026) `post.fields`/`repost_count`: both are read, the older is asked for first.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Page, Pages, Refused, guarded, page_of, wanted
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.platforms.twitter_answers import (
    DEFINITIONS,
    NAME,
    POLL,
    POST,
    PRIVATE,
    USER,
    contents_of,
    parse_counts,
    parse_posts,
    parse_private,
    parse_problems,
    parse_user,
    young_of,
)
from analytics.adapters.prices import Prices
from analytics.adapters.values import poll_slot
from analytics.adapters.vendor import Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)

__all__ = [
    "DEFINITIONS",
    "NAME",
    "VENDOR",
    "collect",
    "contents_of",
    "parse_counts",
    "parse_posts",
    "parse_private",
    "parse_problems",
    "parse_user",
]

T = TypeVar("T")
MAX_IDS_PER_CALL = 100
MENTIONS_BACK = timedelta(hours=1)


def _classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """A 200 may hold nothing but `errors`; the monthly cap answers 429 like any limit."""
    if not isinstance(payload, dict):
        return None
    if response.status_code in {403, 429} and "usage-capped" in str(payload):
        return QuotaExhausted
    if not response.is_success or "data" in payload or not payload.get("errors"):
        return None
    said = str(payload["errors"]).lower()
    if "internal-error" in said or "over capacity" in said:
        return TransientSourceError
    if "not found" in said or "resource-not-found" in said:
        return SourceNotFound
    return AccessDenied if "authoriz" in said or "forbidden" in said or "suspended" in said else SourceError


VENDOR = Vendor(NAME, "https://api.x.com", api_version="2", classify=_classify)

# Pay per use since 6 February 2026; the same resource twice in one UTC day is charged once.
PRICES = Prices(
    content_metrics=frozenset((*POST.values(), *PRIVATE.values(), "engagement")),
    usd_per_account_day=0.010,
    usd_per_content_day=0.005,
    usd_per_metric_round={"mentions": 0.005},
)


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: the user, the newest posts, and where asked for clicks and mentions."""
    at, name = poll_slot(observed_at, client.step(POLL)), account.removeprefix("@")
    of_user, of_posts = wanted(metrics, dict.fromkeys(USER.values())), wanted(metrics, (*POST.values(), "engagement"))
    private = [metric for metric in PRIVATE.values() if metric in metrics]
    if not contents:
        of_posts, private = (), []
    if needed := (*of_user, *of_posts, *private):
        user_id = yield from guarded(needed, fetch_user, client, name, of_user, account=account, observed_at=at)
        if user_id and (of_posts or private):
            posts = fetch_posts(client, user_id, of_posts, account=account, observed_at=at, contents=contents)
            young = (yield from guarded((*of_posts, *private), _costing, posts, private)) or []
            for start in range(0, len(young) if private else 0, MAX_IDS_PER_CALL):
                ids = young[start : start + MAX_IDS_PER_CALL]
                yield from guarded(private, fetch_private, client, ids, private, account=account, observed_at=at)
    if "mentions" in metrics:
        yield from guarded(("mentions",), fetch_mentions, client, name, account=account, observed_at=observed_at)


def fetch_user(
    client: Client, name: str, metrics: Collection[str], *, account: str, observed_at: datetime
) -> Generator[Page, None, str]:
    """A user by name; returns the id, which the posts are asked by."""
    answer = get_json(client, f"2/users/by/username/{name}", params={"user.fields": "public_metrics"})
    if metrics:
        yield page_of(answer, parse_user, account=account, observed_at=observed_at, metrics=metrics)
    user = answer.payload.get("data") if isinstance(answer.payload, dict) else None
    identity = user.get("id") if isinstance(user, dict) else None
    if not isinstance(identity, str) or not identity.isdecimal():
        raise MalformedResponse(
            NAME, answer.call, f"data.id {identity!r:.40}: expected digits, to ask for the posts by"
        )
    return identity


def fetch_posts(
    client: Client, user_id: str, metrics: Collection[str], *, account: str, observed_at: datetime, contents: int
) -> Generator[Page, None, list[str]]:
    """The newest posts without reposts of others; returns the ids of those that may have private metrics."""
    params: dict[str, str | int] = {"exclude": "retweets", "max_results": min(100, max(5, contents))}
    left, young = contents, []
    for answer in _either_generation(client, f"2/users/{user_id}/tweets", "created_at,public_metrics", params):
        page = page_of(
            answer,
            parse_posts,
            account=account,
            observed_at=observed_at,
            metrics=metrics,
            problems=parse_problems,
            contents=lambda payload: contents_of(payload, account),
        )
        yield page
        if page.failure is None:
            young += young_of(answer.payload, observed_at)
        left -= 100
        if left <= 0:
            break
    return young


def fetch_private(
    client: Client, ids: Collection[str], metrics: Collection[str], *, account: str, observed_at: datetime
) -> Pages:
    """Clicks of own posts under 30 days; asked apart, as X leaves out a post whose field it refuses."""
    for answer in _either_generation(client, "2/tweets", "non_public_metrics", {"ids": ",".join(ids)}):
        yield page_of(
            answer, parse_private, account=account, observed_at=observed_at, metrics=metrics, problems=parse_problems
        )


def fetch_mentions(client: Client, name: str, *, account: str, observed_at: datetime) -> Page:
    """Posts that mention the user, minute by minute over the last hour, so that a missed poll is made good."""
    end = poll_slot(observed_at - timedelta(seconds=30), POLL)  # X refuses an end less than 10 s ago
    params = {
        "query": f"@{name}",
        "granularity": "minute",
        "start_time": f"{end - MENTIONS_BACK:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}",
    }
    answer = get_json(client, "2/tweets/counts/recent", params=params)
    return page_of(answer, parse_counts, account=account, observed_at=observed_at, metrics=("mentions",))


def _costing(pages: Generator[Page, None, T], metrics: Collection[str]) -> Generator[Page, None, T]:
    """The pages as they are; one that cannot be read costs `metrics` too, which would be asked for by its posts."""
    try:
        while True:
            page = next(pages)
            lost = tuple(Refused(metric, page.failure.problem) for metric in metrics) if page.failure else ()
            yield replace(page, refused=page.refused + lost)
    except StopIteration as done:
        result: T = done.value
        return result


def _either_generation(client: Client, path: str, fields: str, params: Mapping[str, str | int]) -> Iterator[Answer]:
    """Pages of `path` with the fields asked for by their older name, or the newer where X refuses the older."""
    try:
        yield from paged(
            client, path, params={**params, "tweet.fields": fields}, cursor="pagination_token", next_of=_next
        )
    except SourceError as exc:
        if type(exc) is not SourceError or "tweet.fields" not in exc.problem:
            raise
        yield from paged(
            client, path, params={**params, "post.fields": fields}, cursor="pagination_token", next_of=_next
        )


def _next(answer: Answer) -> str | None:
    meta = answer.payload.get("meta") if isinstance(answer.payload, dict) else None
    token = meta.get("next_token") if isinstance(meta, dict) else None
    return token if isinstance(token, str) else None
