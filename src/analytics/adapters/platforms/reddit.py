"""Reddit API, users, communities and their posts: https://www.reddit.com/dev/api

An account is `u/name` or `r/name`. Scores are fuzzed by Reddit and may fall; views are not offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, Pages, contents_in, guarded, page_of, wanted
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.prices import Prices
from analytics.adapters.values import (
    as_number,
    as_time,
    below,
    each,
    malformed,
    mapping,
    numbered,
    poll_slot,
    readings,
    text,
    words,
)
from analytics.adapters.vendor import Vendor
from analytics.errors import InputError, SourceNotFound
from analytics.model import MetricDefinition, Observation

NAME = "reddit"
POLL = timedelta(minutes=5)
PER_PAGE = 100
RAW = {"raw_json": 1}  # else &, < and > arrive as HTML entities

USER = {"total_karma": "karma", "link_karma": "link_karma", "comment_karma": "comment_karma"}
COMMUNITY = {"subscribers": "subscribers"}
POST = {"score": "upvotes", "upvote_ratio": "upvote_ratio", "num_comments": "comments"}
COMMENT = {"score": "upvotes"}
KINDS = {"t1": ("comment", COMMENT), "t3": ("post", POST)}

DEFINITIONS = (
    MetricDefinition(NAME, "karma", "Karma", "karma", "counter", "increase", "Karma of the user, all kinds."),
    MetricDefinition(NAME, "link_karma", "Post karma", "karma", "counter", "increase", "From posts."),
    MetricDefinition(NAME, "comment_karma", "Comment karma", "karma", "counter", "increase", "From comments."),
    MetricDefinition(NAME, "subscribers", "Subscribers", "users", "counter", "last", "Members of the community."),
    MetricDefinition(
        NAME, "upvotes", "Upvotes", "votes", "counter", "increase", "Score: upvotes less downvotes, fuzzed by Reddit."
    ),
    MetricDefinition(NAME, "upvote_ratio", "Upvote ratio", "ratio", "gauge", "last", "Upvotes of all votes, 0 to 1."),
    MetricDefinition(
        NAME, "comments", "Comments", "comments", "counter", "increase", "Comments on the post, removed ones included."
    ),
)

VENDOR = Vendor(NAME, "https://oauth.reddit.com", api_version="1")

PRICES = Prices(content_metrics=frozenset(POST.values()))


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: the user or community, then its newest posts."""
    at = poll_slot(observed_at, client.step(POLL))
    kind, _, name = account.removeprefix("/").partition("/")
    if kind not in {"r", "u"} or not name:
        raise InputError(f"reddit account {account!r}: expected u/name or r/name")
    of_account = wanted(metrics, (USER if kind == "u" else COMMUNITY).values())
    if of_account:
        fetch = fetch_user if kind == "u" else fetch_community
        yield from guarded(of_account, fetch, client, name, of_account, account=account, observed_at=at)
    if contents and (of_posts := wanted(metrics, POST.values())):
        path = f"user/{name}/submitted" if kind == "u" else f"r/{name}/new"
        yield from guarded(
            of_posts, fetch_posts, client, path, of_posts, account=account, observed_at=at, limit=contents
        )


def fetch_user(client: Client, name: str, metrics: Collection[str], *, account: str, observed_at: datetime) -> Page:
    """A user's karma."""
    answer = get_json(client, f"user/{name}/about", params=RAW)
    return page_of(answer, parse_user, account=account, observed_at=observed_at, metrics=metrics)


def fetch_community(
    client: Client, name: str, metrics: Collection[str], *, account: str, observed_at: datetime
) -> Page:
    """A community's members; an unknown name is redirected to a search, which is no community."""
    answer = get_json(client, f"r/{name}/about", params=RAW)
    if isinstance(answer.payload, dict) and answer.payload.get("kind") == "Listing":
        raise SourceNotFound(NAME, answer.call, f"no community {name!r}")
    return page_of(answer, parse_community, account=account, observed_at=observed_at, metrics=metrics)


def fetch_posts(
    client: Client, path: str, metrics: Collection[str], *, account: str, observed_at: datetime, limit: int
) -> Pages:
    """The newest posts of a listing, 100 a page; Reddit keeps about 1,000."""
    params: dict[str, str | int] = {**RAW, "limit": min(PER_PAGE, limit)}
    if path.startswith("user/"):
        params["sort"] = "new"
    left = limit
    for answer in paged(client, path, params=params, cursor="after", next_of=_after):
        yield page_of(
            answer, parse_listing, account=account, observed_at=observed_at, metrics=metrics, contents=contents_of
        )
        left -= PER_PAGE
        if left <= 0:
            return


def parse_user(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Karma of one user (`t2`); captures before 2020 have no total."""
    return _thing(payload, "t2", USER, account, observed_at)


def parse_community(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Members of one community (`t5`)."""
    return _thing(payload, "t5", COMMUNITY, account, observed_at)


def parse_listing(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures of each post and comment of a listing, or of the pair of listings a comments page is.

    Scores Reddit still hides are unknown. Kinds other than posts and comments are passed over.
    """
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
    try:
        return each(_children(payload), lambda at, child: _of_child(at, child, common), platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"listing of {account}", exc) from exc


def contents_of(payload: Any) -> list[Content]:
    """Title, text, time and address of each post; `[deleted]` and `[removed]` stand as Reddit gives them."""

    def one(child: dict[str, Any]) -> Content:
        post = child["data"]
        return Content(
            text(post["name"], "name"),
            "post",
            title=words(post.get("title")),
            url=f"https://www.reddit.com{post['permalink']}" if "permalink" in post else "",
            published_at=as_time(post["created_utc"]),
            text=words(post.get("selftext")),
        )

    return contents_in((child for child in payload["data"]["children"] if child["kind"] == "t3"), one)


def _children(payload: Any) -> Iterator[tuple[str, Any]]:
    """Each child of a listing with its place; a comments page is two listings."""
    parts = numbered(payload, "") if isinstance(payload, list) else [("", payload)]
    for at, part in parts:
        children = mapping(mapping(part, "listing")["data"], "data")["children"]
        yield from numbered(children, below(at, "data.children"))


def _of_child(at: str, child: Any, common: dict[str, Any]) -> list[Observation]:
    if mapping(child, "child")["kind"] not in KINDS:
        return []
    content_type, fields = KINDS[child["kind"]]
    data = dict(mapping(child["data"], "data"))
    if data.get("hide_score") is True or data.get("score_hidden") is True:
        data["score"] = None
    place = {**common, "content_id": text(data["name"], "name"), "content_type": content_type}
    return readings(NAME, data, fields, **place, convert=as_number, at=below(at, "data"))


def _thing(payload: Any, kind: str, fields: dict[str, str], account: str, observed_at: datetime) -> list[Observation]:
    try:
        thing = mapping(payload, "answer")
        if thing["kind"] != kind:
            raise ValueError(f"expected a thing of kind {kind}, found {thing['kind']!r:.40}")
        place: dict[str, Any] = {"observed_at": observed_at, "author_id": account, "at": "data"}
        return readings(NAME, thing["data"], fields, **place, convert=as_number)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"about {account}", exc) from exc


def _after(answer: Answer) -> str | None:
    data = answer.payload.get("data") if isinstance(answer.payload, dict) else None
    after = data.get("after") if isinstance(data, dict) else None
    return after if isinstance(after, str) and after else None
