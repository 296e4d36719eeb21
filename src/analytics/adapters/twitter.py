"""X API v2, users, posts and counts: https://docs.x.com/x-api

An account is a user name. Field names come in two generations, `tweet.fields`/`retweet_count` and
(since August 2026) `post.fields`/`repost_count`: both are read, the older is asked for first.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, Pages, Refused, guarded, page_of, wanted
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.prices import Prices
from analytics.adapters.values import (
    as_count,
    as_time,
    headline,
    listing,
    malformed,
    mapping,
    poll_slot,
    readings,
    unknown,
)
from analytics.adapters.vendor import Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)
from analytics.model import DataType, MetricDefinition, Observation

T = TypeVar("T")
NAME = "twitter"
POLL = timedelta(minutes=5)
MAX_IDS_PER_CALL = 100
_NEVER = datetime.fromtimestamp(0, UTC)  # where a reading's time does not matter
PRIVATE_FOR = timedelta(days=30)
MENTIONS_BACK = timedelta(hours=1)

USER = {
    "followers_count": "followers",
    "following_count": "following",
    "tweet_count": "posts",
    "post_count": "posts",
    "listed_count": "listed",
}
POST = {
    "impression_count": "impressions",
    "like_count": "likes",
    "reply_count": "replies",
    "retweet_count": "reposts",
    "repost_count": "reposts",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
}
ENGAGEMENT = ("likes", "replies", "reposts", "quotes", "bookmarks")
PRIVATE = {
    "url_link_clicks": "link_clicks",
    "user_profile_clicks": "profile_clicks",
    "engagements": "private_engagements",
}
COUNTED_PER = {timedelta(hours=1): "mentions_per_hour", timedelta(days=1): "mentions_per_day"}


def _count(metric: str, title: str, text: str, data_type: DataType = "counter", unit: str = "") -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit or metric, data_type, "increase", text)


DEFINITIONS = (
    MetricDefinition(NAME, "followers", "Followers", "users", "counter", "last", "Users who follow the account."),
    MetricDefinition(NAME, "following", "Following", "users", "counter", "last", "Users the account follows."),
    MetricDefinition(NAME, "listed", "Listed", "lists", "counter", "last", "Lists that hold the account."),
    _count("posts", "Posts", "Posts of the account, reposts included."),
    _count("impressions", "Impressions", "Times the post was viewed; not unique."),
    _count("likes", "Likes", "Likes of the post."),
    _count("replies", "Replies", "Replies to the post."),
    _count("reposts", "Reposts", "Reposts without comment."),
    _count("quotes", "Quotes", "Reposts with comment."),
    _count("bookmarks", "Bookmarks", "Times the post was bookmarked."),
    _count(
        "engagement",
        "Engagement",
        "Likes, replies, reposts, quotes and bookmarks of the post together; unknown where one of them is.",
        unit="interactions",
    ),
    _count("link_clicks", "Link clicks", "Clicks on links in the post; own posts under 30 days only.", unit="clicks"),
    _count("profile_clicks", "Profile clicks", "Clicks on the profile from the post; own posts only.", unit="clicks"),
    _count("private_engagements", "Engagements (X's own)", "As X counts them for the owner.", unit="interactions"),
    *(
        MetricDefinition(
            NAME, metric, "Mentions", "mentions", "gauge", "sum", f"Posts that mention the account, per {what}."
        )
        for metric, what in (
            ("mentions", "5-minute interval that begins at the reading's time"),
            ("mentions_per_hour", "hour"),
            ("mentions_per_day", "UTC day"),
        )
    ),
)


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
    at, name = poll_slot(observed_at, POLL), account.removeprefix("@")
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
            young += [
                post["id"] for post, _ in _posts(answer.payload, account, observed_at) if _young(post, observed_at)
            ]
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


def parse_user(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of one user; None for each where X left `public_metrics` out."""
    try:
        user = mapping(mapping(payload, "answer")["data"], "data")
        common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
        if user.get("public_metrics") is None and "id" in user:
            return unknown(NAME, USER.values(), **common)
        return readings(NAME, user.get("public_metrics"), USER, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"user {account}", exc) from exc


def parse_posts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each post of a page or of a single lookup; an empty page may lack `data`.

    `engagement` is the sum of the counts X gives, and unknown where one of them is.
    """
    found = []
    for post, common in _posts(payload, account, observed_at):
        metrics = post.get("public_metrics")
        try:
            counts = (
                unknown(NAME, POST.values(), **common) if metrics is None else readings(NAME, metrics, POST, **common)
            )
        except (TypeError, ValueError) as exc:
            raise malformed(NAME, f"post {common['content_id']}", exc) from exc
        parts = [o.value for o in counts if o.metric_type in ENGAGEMENT]
        total = None if None in parts else sum(part for part in parts if part is not None)
        found += [*counts, Observation(NAME, "engagement", total, **common)]
    return found


def contents_of(payload: Any, account: str) -> list[Content]:
    """Text, time and address of each post."""
    return [
        Content(
            post["id"],
            "post",
            title=headline(post.get("text", "")),
            url=f"https://x.com/{account.removeprefix('@')}/status/{post['id']}",
            published_at=as_time(post["created_at"]) if "created_at" in post else None,
            text=post.get("text", ""),
        )
        for post, _ in _posts(payload, account, _NEVER)
    ]


def parse_private(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Clicks and X's own engagements of each post that has them."""
    try:
        return [
            observation
            for post, common in _posts(payload, account, observed_at)
            for observation in (
                readings(NAME, post["non_public_metrics"], PRIVATE, **common)
                if "non_public_metrics" in post
                else unknown(NAME, PRIVATE.values(), **common)
            )
        ]
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"private metrics of {account}", exc) from exc


def parse_counts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:  # noqa: ARG001
    """Mentions by interval: minutes are added up to whole 5-minute intervals, hours and days stand as they are."""
    sums: dict[datetime, list[float]] = {}
    found = []
    try:
        for bucket in listing(mapping(payload, "answer").get("data", []), "data"):
            start, end = as_time(bucket["start"]), as_time(bucket["end"])
            number = as_count(bucket["tweet_count"] if "tweet_count" in bucket else bucket["post_count"])
            if end - start == timedelta(minutes=1) and number is not None:
                sums.setdefault(poll_slot(start, POLL), []).append(number)
            elif end - start in COUNTED_PER:
                found.append(Observation(NAME, COUNTED_PER[end - start], number, start, author_id=account))
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"counts of {account}", exc) from exc
    whole = [Observation(NAME, "mentions", sum(m), at, author_id=account) for at, m in sums.items() if len(m) == 5]
    return [*whole, *found]


def parse_problems(payload: Any) -> list[Refused]:
    """What X refuses beside the data: a field without authorisation. A deleted post is no refusal."""
    errors = payload.get("errors") if isinstance(payload, dict) else None
    refused: dict[str, str] = {}
    for error in errors if isinstance(errors, list) else []:
        told = error if isinstance(error, dict) else {"detail": str(error)}
        reason = str(told.get("detail") or told.get("title") or told)[:200]
        for metric in _refused_metrics(f"{told.get('field')} {told.get('parameter')} {reason}"):
            refused.setdefault(metric, reason)
    return [Refused(metric, reason) for metric, reason in refused.items()]


def _refused_metrics(said: str) -> list[str]:
    """The metrics a refusal names: single fields, or else their whole group."""
    if "non_public_metrics" in said:
        return [metric for field, metric in PRIVATE.items() if field in said] or list(PRIVATE.values())
    if "public_metrics" in said:
        return [metric for field, metric in POST.items() if field in said] or [
            *dict.fromkeys(POST.values()),
            "engagement",
        ]
    return []


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


def _young(post: Mapping[str, Any], now: datetime) -> bool:
    """Whether X may still give its private metrics; asked for too where the time cannot be read."""
    created = post.get("created_at")
    if created is None:
        return False
    try:
        return now - as_time(created) < PRIVATE_FOR
    except (TypeError, ValueError):
        return True


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


def _posts(payload: Any, account: str, observed_at: datetime) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each post with the place its readings belong to."""
    try:
        answer = mapping(payload, "answer")
        if "data" not in answer and "meta" not in answer and "errors" not in answer:
            raise KeyError("data")
        counted = answer["meta"].get("result_count") if isinstance(answer.get("meta"), dict) else None
        if "data" not in answer and counted and not answer.get("errors"):
            raise ValueError(f"no data, but meta.result_count is {counted!r:.20}")
        data = answer.get("data", [])
        for post in [data] if isinstance(data, dict) else listing(data, "data"):
            content_id = mapping(post, "post")["id"]
            if not isinstance(content_id, str):
                raise TypeError(f"post id: expected text, found {content_id!r:.40}")
            place = {"observed_at": observed_at, "author_id": account, "content_id": content_id, "content_type": "post"}
            yield post, place
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"posts of {account}", exc) from exc
