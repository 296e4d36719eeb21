"""Reddit: users, communities and their newest posts. Reset is told in seconds left, remaining as a decimal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, posts, snapshot
from analytics.simulator.world import World

FLOWS = {
    "karma": Flow(92, start=29_300, sensitivity=0.9),
    "subscribers": Flow(58, start=34_500, loss=0.2, sensitivity=0.7),
}
PUBLISHING = Publishing(
    per_day=3.1,
    audience=9_000,
    half_life=timedelta(hours=6),
    shares={"upvotes": 0.022, "comments": 0.004},
)


def _limit_headers(limit: int, used: int, reset_at: datetime, now: datetime) -> dict[str, str]:
    return {
        "x-ratelimit-used": str(used),
        "x-ratelimit-remaining": f"{max(0, limit - used)}.0",
        "x-ratelimit-reset": str(int((reset_at - now).total_seconds())),
    }


LIMIT = Limit(1000, timedelta(minutes=10), _limit_headers)
MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def subject_of(account: str, _metric: str) -> str:
    """Users and communities are told apart by their prefix."""
    return account.lower()


def token_of(call: Call) -> str | None:
    """A bearer token; without a name for itself a client is turned away."""
    return call.bearer if call.headers.get("user-agent", "") else None


def refusal(status: int, _call: Call) -> Reply:
    """`{message, error}`; server errors come as a page for people."""
    if status >= 500:
        return Reply(text="<html><body>Our CDN was unable to reach our servers</body></html>", status=status)
    return Reply({"message": MESSAGES.get(status, "Bad Request"), "error": status}, status)


def user(call: Call) -> Reply:
    """GET /user/{name}/about."""
    name = call.path["name"].lower()
    if name.startswith("nobody"):
        return refusal(404, call)
    total = call.world.counter("reddit", f"u/{name}", "karma", call.at)
    link = int(0.7 * total)
    data = {"name": name, "link_karma": link, "comment_karma": total - link, "total_karma": total}
    return Reply({"kind": "t2", "data": {**data, "created_utc": 1552433444.0}})


def community(call: Call) -> Reply:
    """GET /r/{name}/about; an unknown name ends in a search."""
    name = call.path["name"].lower()
    if name.startswith("nobody"):
        return Reply(_listing([], None))
    members = call.world.counter("reddit", f"r/{name}", "subscribers", call.at)
    return Reply({"kind": "t5", "data": {"display_name": name, "subscribers": members, "quarantine": False}})


def submitted(call: Call) -> Reply:
    """GET /user/{name}/submitted."""
    if call.path["name"].lower().startswith("nobody"):
        return refusal(404, call)
    return _newest(call, f"u/{call.path['name'].lower()}")


def newest(call: Call) -> Reply:
    """GET /r/{name}/new."""
    if call.path["name"].lower().startswith("nobody"):
        return refusal(404, call)
    return _newest(call, f"r/{call.path['name'].lower()}")


def _newest(call: Call, account: str) -> Reply:
    size, after = call.number("limit", 25, 100), call.query.get("after", "")
    last = call.world.known("reddit post", after)
    found = posts(call.world, "reddit", account, PUBLISHING, call.at, 1000)
    begin = next((i + 1 for i, post in enumerate(found) if last and post.number == last.number), 0)
    part = found[begin : begin + size]
    more = begin + size < len(found)
    data = [_data(call, post) for post in part]
    children = [{"kind": "t3", "data": item} for item in data]
    return Reply(_listing(children, str(data[-1]["name"]) if more and data else None))


def figures_of(post: Post, figures: Figures) -> Figures:
    """Score and comments, and the ratio of upvotes, which each post keeps."""
    return figures | {"upvote_ratio": np.full_like(figures["upvotes"], _ratio(post))}


def _ratio(post: Post) -> float:
    return round(float(dice(0, "ratio", post.account, post.number).beta(18, 2)), 2)


def content_id(world: World, post: Post) -> str:
    """A fullname: `t3_` and a number in base 36."""
    number = int(post.published_at.timestamp()) * 64 + post.number % 64
    return world.named("reddit post", post, f"t3_{_base36(number)}")


def _data(call: Call, post: Post) -> dict[str, Any]:
    name = content_id(call.world, post)
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    score = figures["upvotes"]
    return {
        "name": name,
        "id": name.removeprefix("t3_"),
        "title": f"Post number {post.number}",
        "selftext": "",
        "permalink": f"/comments/{name.removeprefix('t3_')}/",
        "author": post.account.partition("/")[2],
        "score": score,
        "ups": score,
        "downs": 0,
        "upvote_ratio": _ratio(post),
        "num_comments": figures["comments"],
        "hide_score": call.at - post.published_at < timedelta(minutes=30),
        "created_utc": post.published_at.timestamp(),
        "edited": False,
    }


def _listing(children: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    data = {"modhash": "", "dist": len(children), "children": children, "after": after, "before": None}
    return {"kind": "Listing", "data": data}


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


PLATFORM = Platform(
    account="r/acme",
    flows=FLOWS,
    routes=(
        ("GET", "/user/{name}/about", user),
        ("GET", "/r/{name}/about", community),
        ("GET", "/user/{name}/submitted", submitted),
        ("GET", "/r/{name}/new", newest),
    ),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
