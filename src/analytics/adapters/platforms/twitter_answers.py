"""What X answers: the meaning of its figures, and how they are read, by both generations of their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from analytics.adapters.base import Content, Refused, contents_in
from analytics.adapters.values import (
    Figure,
    added,
    as_count,
    as_time,
    each,
    figures_of,
    gathered,
    headline,
    lost,
    malformed,
    mapping,
    numbered,
    observed,
    poll_slot,
    readings,
    text,
    unknown,
    words,
)
from analytics.model import DataType, MetricDefinition, Observation

NAME = "twitter"
POLL = timedelta(minutes=5)
PRIVATE_FOR = timedelta(days=30)

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


def parse_user(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of one user; None for each where X left `public_metrics` out."""
    try:
        user = mapping(mapping(payload, "answer")["data"], "data")
        common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
        if user.get("public_metrics") is None and "id" in user:
            return unknown(NAME, USER.values(), **common)
        return readings(NAME, user.get("public_metrics"), USER, **common, at="data.public_metrics")
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"user {account}", exc) from exc


def parse_posts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each post of a page or of a single lookup; an empty page may lack `data`.

    `engagement` is the sum of the counts X gives, and unknown where one of them is.
    """

    def counts(at: str, post: dict[str, Any]) -> dict[str, Figure]:
        metrics = post.get("public_metrics")
        figures: dict[str, Figure] = dict.fromkeys(POST.values())
        if metrics is not None:
            figures = figures_of(metrics, POST, at=f"{at}.public_metrics")
        return figures | {"engagement": added(figures[metric] for metric in ENGAGEMENT)}

    return _of_posts(payload, counts, account, observed_at)


def contents_of(payload: Any, account: str) -> list[Content]:
    """Text, time and address of each post."""

    def one(post: dict[str, Any]) -> Content:
        return Content(
            text(post["id"], "id"),
            "post",
            title=headline(words(post.get("text"))),
            url=f"https://x.com/{account.removeprefix('@')}/status/{post['id']}",
            published_at=as_time(post["created_at"]) if "created_at" in post else None,
            text=words(post.get("text")),
        )

    return contents_in((post for _, post in _posts(payload)), one)


def parse_private(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Clicks and X's own engagements of each post that has them."""

    def clicks(at: str, post: dict[str, Any]) -> dict[str, Figure]:
        if "non_public_metrics" not in post:
            return dict.fromkeys(PRIVATE.values())
        return figures_of(post["non_public_metrics"], PRIVATE, at=f"{at}.non_public_metrics")

    return _of_posts(payload, clicks, account, observed_at)


def parse_counts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Mentions by interval: minutes are added up to whole 5-minute intervals, hours and days stand as they are."""

    def one(bucket: Any) -> tuple[datetime, timedelta, float | None]:
        start = as_time(mapping(bucket, "bucket")["start"])
        number = bucket["tweet_count"] if "tweet_count" in bucket else bucket["post_count"]
        return start, as_time(bucket["end"]) - start, as_count(number)

    try:
        buckets, faults = gathered(numbered(mapping(payload, "answer").get("data", []), "data"), one)
        if faults and not buckets:
            raise ValueError(str(faults[0]))
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"counts of {account}", exc) from exc
    sums: dict[datetime, list[float]] = {}
    found = [lost(NAME, fault, observed_at=observed_at, author_id=account) for fault in faults]
    for start, length, number in buckets:
        if length == timedelta(minutes=1) and number is not None:
            sums.setdefault(poll_slot(start, POLL), []).append(number)
        elif length in COUNTED_PER:
            found.append(Observation(NAME, COUNTED_PER[length], number, start, author_id=account))
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


def young_of(payload: Any, now: datetime) -> list[str]:
    """Ids of the posts that may have private metrics."""
    found, _ = gathered(_posts(payload), lambda post: (text(post["id"], "id"), _is_young(post, now)))
    return [content_id for content_id, is_young in found if is_young]


def _is_young(post: Mapping[str, Any], now: datetime) -> bool:
    """Whether X may still give its private metrics; asked for too where the time cannot be read."""
    created = post.get("created_at")
    if created is None:
        return False
    try:
        return now - as_time(created) < PRIVATE_FOR
    except (TypeError, ValueError):
        return True


def _of_posts(
    payload: Any, figures: Callable[[str, dict[str, Any]], Mapping[str, Figure]], account: str, observed_at: datetime
) -> list[Observation]:
    """`figures(place, post)` of each post."""
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_one(at: str, post: Any) -> list[Observation]:
        content_id = text(mapping(post, "post")["id"], "id")
        return observed(NAME, figures(at, post), **common, content_id=content_id, content_type="post")

    try:
        return each(_posts(payload), of_one, platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"posts of {account}", exc) from exc


def _posts(payload: Any) -> Iterator[tuple[str, Any]]:
    """Each post with its place; a single lookup has one."""
    answer = mapping(payload, "answer")
    if "data" not in answer and "meta" not in answer and "errors" not in answer:
        raise KeyError("data")
    counted = answer["meta"].get("result_count") if isinstance(answer.get("meta"), dict) else None
    if "data" not in answer and counted and not answer.get("errors"):
        raise ValueError(f"no data, but meta.result_count is {counted!r:.20}")
    data = answer.get("data", [])
    return iter([("data", data)]) if isinstance(data, dict) else numbered(data, "data")
