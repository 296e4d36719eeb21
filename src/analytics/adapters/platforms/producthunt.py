"""Product Hunt API v2 (GraphQL): https://api.producthunt.com/v2/docs

An account is a post's slug, or `@name` for a user and the posts the user made. The published schema
has no rank: it is asked for apart, and where the field is unknown it is the place among the day's posts.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, Pages, Refused, contents_in, guarded, page_of, wanted
from analytics.adapters.http import MAX_PAGES, Answer, Client, post_json
from analytics.adapters.prices import Prices
from analytics.adapters.values import (
    as_count,
    as_time,
    each,
    figure,
    malformed,
    mapping,
    numbered,
    observed,
    poll_slot,
    readings,
    text,
    words,
)
from analytics.adapters.vendor import Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)
from analytics.model import MetricDefinition, Observation

NAME = "producthunt"
POLL = timedelta(minutes=15)
PER_PAGE = 20
RANKED_PAGES = 5  # a post below place 100 has no rank worth the points
PACIFIC = ZoneInfo("America/Los_Angeles")  # the launch day begins at its midnight
ENDPOINT = "v2/api/graphql"

POST = {"votesCount": "upvotes", "commentsCount": "comments"}
RANKS = {"dailyRank": "rank"}
USER = {"followersCount": "followers"}

DEFINITIONS = (
    MetricDefinition(NAME, "upvotes", "Upvotes", "votes", "counter", "increase", "Votes of the post."),
    MetricDefinition(NAME, "comments", "Comments", "comments", "counter", "increase", "Comments on the post."),
    MetricDefinition(
        NAME, "rank", "Rank of the day", "place", "gauge", "last", "Place among the day's posts; 1 is best."
    ),
    MetricDefinition(NAME, "followers", "Followers", "users", "counter", "last", "Users who follow the maker."),
)

QUERIES = {
    "Post": (
        "query Post($slug: String!) { post(slug: $slug) {"
        " id slug name tagline url votesCount commentsCount createdAt featuredAt } }"
    ),
    "Rank": "query Rank($slug: String!) { post(slug: $slug) { id slug dailyRank } }",
    "Maker": "query Maker($name: String!) { user(username: $name) { id username followers(first: 1) { totalCount } } }",
    "MadePosts": (
        "query MadePosts($name: String!, $first: Int!, $after: String) { user(username: $name) { id"
        " madePosts(first: $first, after: $after) { pageInfo { hasNextPage endCursor }"
        " edges { node { id slug name tagline url createdAt votesCount commentsCount } } } } }"
    ),
    "Ranking": (
        "query Ranking($from: DateTime!, $to: DateTime!, $first: Int!, $after: String) {"
        " posts(postedAfter: $from, postedBefore: $to, order: VOTES, first: $first, after: $after) {"
        " pageInfo { hasNextPage endCursor } edges { node { id slug votesCount } } } }"
    ),
}


def _refuses_token(response: httpx.Response, payload: Any) -> bool:
    return response.status_code == 401 or "invalid_oauth_token" in str(
        payload.get("errors") if isinstance(payload, dict) else ""
    )


def _classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """GraphQL refuses with 200 and `errors`; a document that asks too much is refused like an unknown field."""
    errors = payload.get("errors") if isinstance(payload, dict) else None
    if not errors or not response.is_success or payload.get("data"):
        return None
    said = str(errors).lower()
    if "rate_limit" in said or "rate limit" in said:
        return TransientSourceError
    return AccessDenied if "oauth" in said or "unauthorized" in said else SourceError


VENDOR = Vendor(NAME, "https://api.producthunt.com", api_version="v2", classify=_classify, refuses_token=_refuses_token)

PRICES = Prices(fixed_calls=2, contents_per_page=PER_PAGE, content_metrics=frozenset(POST.values()))


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: a post with its rank, or a maker with the posts made."""
    at = poll_slot(observed_at, client.step(POLL))
    of_posts = wanted(metrics, POST.values())
    if account.startswith("@"):
        if followers := wanted(metrics, USER.values()):
            yield from guarded(followers, fetch_maker, client, account, observed_at=at)
        if of_posts and contents:
            yield from guarded(of_posts, fetch_made, client, account, of_posts, observed_at=at, contents=contents)
        return
    rank = wanted(metrics, RANKS.values())
    if of_posts or rank:
        found = yield from guarded((*of_posts, *rank), fetch_post, client, account, of_posts, observed_at=at)
        if rank and found and found[0]:
            yield from guarded(rank, fetch_rank, client, account, posted_at=found[0], observed_at=at)
        elif rank and found:
            yield Page(call=f"rank of {account}", refused=(Refused(rank[0], "no time of the launch, to rank by"),))


def ask(client: Client, operation: str, /, **variables: Any) -> Answer:
    """Send one of `QUERIES`."""
    given = {key: value for key, value in variables.items() if value is not None}
    return post_json(
        client, ENDPOINT, body={"query": QUERIES[operation], "operationName": operation, "variables": given}
    )


def fetch_post(
    client: Client, slug: str, metrics: Collection[str], *, observed_at: datetime
) -> Generator[Page, None, tuple[datetime | None]]:
    """Votes and comments of a post; returns when it was posted, None in it where that cannot be read."""
    answer = ask(client, "Post", slug=slug)
    post = _required(answer, "post")
    if metrics:
        yield page_of(answer, parse_post, account=slug, observed_at=observed_at, metrics=metrics)
    try:
        return (as_time(post.get("featuredAt") or post["createdAt"]),)
    except (KeyError, TypeError, ValueError):
        return (None,)


def fetch_rank(client: Client, slug: str, *, posted_at: datetime, observed_at: datetime) -> Pages:
    """The rank Product Hunt gives; where it offers none, the place among the posts of the launch day by votes."""
    try:
        answer = ask(client, "Rank", slug=slug)
    except SourceError as exc:
        if type(exc) is not SourceError:
            raise
    else:
        yield page_of(answer, parse_post, account=slug, observed_at=observed_at, metrics=tuple(RANKS.values()))
        return
    begin = posted_at.astimezone(PACIFIC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = {"from": begin.isoformat(), "to": (begin + timedelta(days=1)).isoformat()}
    place = 0
    for answer in _paged(client, "Ranking", "posts", pages=RANKED_PAGES, **period):
        slugs = [_slug(edge) for _, edge in _edges(answer.payload, "posts")]
        if slug in slugs:
            rank = Observation(NAME, "rank", float(place + slugs.index(slug) + 1), observed_at, author_id=slug)
            yield Page(call=answer.call, observations=(rank,), api_version=answer.api_version)
            return
        place += len(slugs)
        yield Page(call=answer.call, api_version=answer.api_version)
    raise SourceError(NAME, "POST Ranking", f"{slug!r} is not among the first {place} posts of its day")


def fetch_maker(client: Client, account: str, *, observed_at: datetime) -> Page:
    """Followers of a user; redacted for many tokens."""
    answer = ask(client, "Maker", name=account.removeprefix("@"))
    _required(answer, "user")
    return page_of(answer, parse_maker, account=account, observed_at=observed_at, metrics=tuple(USER.values()))


def fetch_made(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int
) -> Pages:
    """Votes and comments of each post the user made."""
    left = contents
    for answer in _paged(client, "MadePosts", "user", "madePosts", name=account.removeprefix("@")):
        yield page_of(
            answer, parse_posts, account=account, observed_at=observed_at, metrics=metrics, contents=contents_of
        )
        left -= PER_PAGE
        if left <= 0:
            return


def parse_post(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures of the one post of an answer: those that were asked for."""
    try:
        post = mapping(mapping(mapping(payload, "answer")["data"], "data")["post"], "post")
        fields = RANKS if post.keys() & RANKS.keys() else POST
        return readings(NAME, post, fields, observed_at=observed_at, author_id=account, at="data.post")
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"post {account}", exc) from exc


def parse_posts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures of each post of a connection, by slug (or id where the slug was not asked for)."""
    data = payload.get("data") if isinstance(payload, dict) else None
    path = ("user", "madePosts") if isinstance(data, dict) and "user" in data else ("posts",)
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_one(at: str, edge: Any) -> list[Observation]:
        node = _node(edge)
        return readings(NAME, node, POST, **common, content_id=_name(node), content_type="post", at=f"{at}.node")

    try:
        return each(_edges(payload, *path), of_one, platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"posts of {account}", exc) from exc


def contents_of(payload: Any) -> list[Content]:
    """Name, tagline, time and address of each post a maker made; the address names our application: cut off."""

    def one(edge: Any) -> Content:
        node = _node(edge)
        return Content(
            _name(node),
            "post",
            title=words(node.get("name")),
            url=words(node.get("url")).partition("?")[0],
            published_at=as_time(node["createdAt"]) if "createdAt" in node else None,
            text=words(node.get("tagline")),
        )

    return contents_in((edge for _, edge in _edges(payload, "user", "madePosts")), one)


def parse_maker(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers of a user, from the connection's count or the field older descriptions name."""
    try:
        user = mapping(mapping(mapping(payload, "answer")["data"], "data")["user"], "user")
        counted = user["followers"]["totalCount"] if isinstance(user.get("followers"), dict) else user["followersCount"]
        followers = figure(counted, "data.user.followers", as_count)
        return observed(NAME, {"followers": followers}, observed_at=observed_at, author_id=account)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"user {account}", exc) from exc


def _required(answer: Answer, name: str) -> dict[str, Any]:
    """The object asked for; one that does not exist is null."""
    data = answer.payload.get("data") if isinstance(answer.payload, dict) else None
    if not isinstance(data, dict) or name not in data:
        raise MalformedResponse(NAME, answer.call, f"no data.{name}")
    if data[name] is None:
        raise SourceNotFound(NAME, answer.call, f"{name} is null: it does not exist")
    if not isinstance(data[name], dict):
        raise MalformedResponse(NAME, answer.call, f"data.{name}: expected an object, found {data[name]!r:.40}")
    return dict(data[name])


def _connection(payload: Any, *path: str) -> dict[str, Any]:
    try:
        found = mapping(mapping(payload, "answer")["data"], "data")
        for name in path:
            found = mapping(found[name], name)
        return found
    except (KeyError, TypeError) as exc:
        raise malformed(NAME, ".".join(path), exc) from exc


def _edges(payload: Any, *path: str) -> list[tuple[str, Any]]:
    """Each edge of a connection with its place."""
    try:
        return list(numbered(_connection(payload, *path)["edges"], ".".join(("data", *path, "edges"))))
    except (KeyError, TypeError) as exc:
        raise malformed(NAME, ".".join(path), exc) from exc


def _node(edge: Any) -> dict[str, Any]:
    return mapping(mapping(edge, "edge")["node"], "node")


def _name(node: dict[str, Any]) -> str:
    """A post's slug, or its id where the slug was not asked for."""
    return text(node.get("slug") or node["id"], "slug or id")


def _slug(edge: Any) -> object:
    """The slug of an edge that has one; a post that cannot be read still takes its place."""
    node = edge.get("node") if isinstance(edge, dict) else None
    return node.get("slug") if isinstance(node, dict) else None


def _paged(client: Client, operation: str, /, *path: str, pages: int = MAX_PAGES, **variables: Any) -> Iterator[Answer]:
    """Answers of a connection, page by page, at most `pages`."""
    after: str | None = None
    seen: set[str] = set()
    for _ in range(pages):
        answer = ask(client, operation, first=PER_PAGE, after=after, **variables)
        _required(answer, path[0])
        yield answer
        try:
            info = mapping(_connection(answer.payload, *path)["pageInfo"], "pageInfo")
        except (KeyError, TypeError) as exc:
            raise malformed(NAME, answer.call, exc) from exc
        after = info.get("endCursor")
        if not info.get("hasNextPage") or not isinstance(after, str):
            return
        if after in seen:
            raise MalformedResponse(NAME, answer.call, f"paging goes round at {after!r:.40}")
        seen.add(after)
