"""X API v2: users, posts, private metrics, counts. A token that begins with `user` has user context."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import EPOCH, Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, count_posts, posts, snapshot
from analytics.simulator.world import World

FLOWS = {
    "followers": Flow(85, start=48_000, loss=0.35, sensitivity=0.8),
    "following": Flow(0.4, start=620, sensitivity=0.0),
    "listed": Flow(0.9, start=540, sensitivity=0.3),
    "mentions": Flow(620, sensitivity=1.0, amplitude=0.65),
}
PUBLISHING = Publishing(
    per_day=2.4,
    audience=5_200,
    half_life=timedelta(hours=7),
    shares={
        "impressions": 1.0,
        "likes": 0.018,
        "replies": 0.0021,
        "reposts": 0.0032,
        "quotes": 0.0006,
        "bookmarks": 0.0024,
        "link_clicks": 0.009,
        "profile_clicks": 0.004,
        "private_engagements": 0.041,
    },
)
BEFORE = 3_100  # posts published before the world began


def _published(world: World, account: str, at: datetime) -> int:
    return BEFORE + count_posts(world, "twitter", subject_of(account, "posts"), PUBLISHING, at)


FIELDS = {
    "impressions": "impression_count",
    "likes": "like_count",
    "replies": "reply_count",
    "reposts": "retweet_count",
    "quotes": "quote_count",
    "bookmarks": "bookmark_count",
}
PRIVATE = {
    "link_clicks": "url_link_clicks",
    "profile_clicks": "user_profile_clicks",
    "private_engagements": "engagements",
    "impressions": "impression_count",
}


def _limit_headers(limit: int, used: int, reset_at: datetime, _now: datetime) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(max(0, limit - used)),
        "x-rate-limit-reset": str(int(reset_at.timestamp())),
    }


LIMIT = Limit(3500, timedelta(minutes=15), _limit_headers)
TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def subject_of(account: str, _metric: str) -> str:
    """Everything is the account's own, whatever the case or the sign before it."""
    return account.removeprefix("@").lower()


def token_of(call: Call) -> str | None:
    """X answers nobody without a token."""
    return call.bearer


def refusal(status: int, _call: Call) -> Reply:
    """Problem objects."""
    title = TITLES.get(status, "Service Unavailable")
    return Reply({"title": title, "type": "about:blank", "status": status, "detail": title}, status)


def user(call: Call) -> Reply:
    """GET /2/users/by/username/{username}."""
    name = call.path["username"].lower()
    if name.startswith("nobody"):
        return Reply({"errors": [_not_found("username", call.path["username"])]})
    data: dict[str, Any] = {"id": _user_id(call, name), "name": name.title(), "username": name}
    if "public_metrics" in call.query.get("user.fields", ""):
        data["public_metrics"] = {
            "followers_count": call.world.counter("twitter", name, "followers", call.at),
            "following_count": call.world.counter("twitter", name, "following", call.at),
            "tweet_count": _published(call.world, name, call.at),
            "listed_count": call.world.counter("twitter", name, "listed", call.at),
        }
    return Reply({"data": data})


def timeline(call: Call) -> Reply:
    """GET /2/users/{id}/tweets, newest first, paged by token."""
    name = call.world.known("twitter user", call.path["id"])
    if name is None:
        return Reply({"errors": [_not_found("id", call.path["id"])]})
    size, offset = call.number("max_results", 10, 100), _offset(call)
    found = posts(call.world, "twitter", name, PUBLISHING, call.at, size + 1, offset)
    meta: dict[str, Any] = {"result_count": min(size, len(found))}
    if len(found) > size:
        meta["next_token"] = f"n{offset + size}"
    data = [_post(call, post) for post in found[:size]]
    return Reply({"data": data, "meta": meta} if data else {"meta": meta})


def lookup(call: Call) -> Reply:
    """GET /2/tweets?ids=…: private metrics need user context; without it the post is left out."""
    data, errors = [], []
    for post_id in call.query.get("ids", "").split(","):
        post = call.world.known("twitter post", post_id)
        if post is None:
            errors.append(_not_found("ids", post_id))
        elif "non_public_metrics" in _fields(call) and not str(call.bearer).startswith("user"):
            errors.append(
                {
                    "resource_id": post_id,
                    "parameter": "non_public_metrics",
                    "field": "non_public_metrics",
                    "title": "Field Authorization Error",
                    "detail": f"Sorry, you are not authorized to access 'non_public_metrics' on the Post {post_id}.",
                    "type": "https://api.x.com/2/problems/not-authorized-for-field",
                }
            )
        else:
            data.append(_post(call, post))
    return Reply({name: part for name, part in (("data", data), ("errors", errors)) if part})


def counts(call: Call) -> Reply:
    """GET /2/tweets/counts/recent by minute: each 5-minute interval's mentions, spread over its minutes."""
    name = call.query.get("query", "").removeprefix("@").lower()
    end = _time(call.query.get("end_time")) or call.at.replace(second=0, microsecond=0)
    start = _time(call.query.get("start_time")) or end - timedelta(days=7)
    data = []
    minute = start
    while minute < end:
        slot = EPOCH + (minute - EPOCH) // timedelta(minutes=5) * timedelta(minutes=5)
        total = int(call.world.increments("twitter", name, "mentions", slot, slot + timedelta(minutes=5))[0])
        turn = int((minute - slot).total_seconds() // 60)
        number = total // 5 + (1 if turn < total % 5 else 0)
        following = minute + timedelta(minutes=1)
        data.append({"start": _stamp(minute), "end": _stamp(following), "tweet_count": number})
        minute = following
    return Reply({"data": data, "meta": {"total_tweet_count": sum(bucket["tweet_count"] for bucket in data)}})


def _post(call: Call, post: Post) -> dict[str, Any]:
    fields = _fields(call)
    data: dict[str, Any] = {"id": content_id(call.world, post), "text": f"Post number {post.number}"}
    data["edit_history_tweet_ids"] = [data["id"]]
    if "created_at" in fields:
        data["created_at"] = _stamp(post.published_at)
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    if "public_metrics" in fields.replace("non_public_metrics", ""):
        data["public_metrics"] = {theirs: figures[ours] for ours, theirs in FIELDS.items()}
    if "non_public_metrics" in fields:
        data["non_public_metrics"] = {theirs: figures[ours] for ours, theirs in PRIVATE.items()}
    return data


def _fields(call: Call) -> str:
    return call.query.get("tweet.fields", "") or call.query.get("post.fields", "")


def _offset(call: Call) -> int:
    token = call.query.get("pagination_token", "n0")
    return int(token[1:]) if token[1:].isdecimal() else 0


def _user_id(call: Call, name: str) -> str:
    return call.world.named("twitter user", name, str(dice(0, "user", name).integers(10**9, 10**18)))


def figures_of(_post: Post, figures: Figures) -> Figures:
    """The public figures, and engagement as their sum."""
    public = {name: figures[name] for name in FIELDS}
    return public | {"engagement": sum((public[name] for name in FIELDS if name != "impressions"), np.zeros(1))}


def content_id(world: World, post: Post) -> str:
    """Digits that begin with the time, as X's do."""
    number = (int(post.published_at.timestamp()) << 24) + int(dice(0, post.account, post.number).integers(1 << 24))
    return world.named("twitter post", post, str(number))


def _not_found(parameter: str, value: str) -> dict[str, str]:
    return {
        "value": value,
        "parameter": parameter,
        "title": "Not Found Error",
        "detail": f"Could not find {parameter} [{value}].",
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


PLATFORM = Platform(
    account="acme",
    flows=FLOWS,
    routes=(
        ("GET", "/2/users/by/username/{username}", user),
        ("GET", "/2/users/{id}/tweets", timeline),
        ("GET", "/2/tweets", lookup),
        ("GET", "/2/tweets/counts/recent", counts),
    ),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    levels={"posts": _published},
    intervals=frozenset({"mentions"}),
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
