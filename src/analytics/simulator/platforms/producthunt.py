"""Product Hunt's GraphQL: the adapter's operations by name. Token `ranked` is offered the rank, others are not."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import EPOCH, Flow, dice
from analytics.simulator.platform import Platform
from analytics.simulator.world import World

FLOWS = {
    "upvotes": Flow(1.1, start=240, sensitivity=1.0),
    "comments": Flow(0.12, start=38, sensitivity=0.8),
    "followers": Flow(2.2, start=900, sensitivity=0.7),
}
MADE = ("", "-2", "-studio")  # what a maker made, behind the maker's name


def _limit_headers(limit: int, used: int, reset_at: datetime, now: datetime) -> dict[str, str]:
    return {
        "X-Rate-Limit-Limit": str(limit),
        "X-Rate-Limit-Remaining": str(max(0, limit - used)),
        "X-Rate-Limit-Reset": str(int((reset_at - now).total_seconds())),
    }


LIMIT = Limit(6250, timedelta(minutes=15), _limit_headers)


def subject_of(account: str, _metric: str) -> str:
    """A post by its slug, a maker by name."""
    return account.removeprefix("@").lower()


def token_of(call: Call) -> str | None:
    """Nobody is answered without a token."""
    return call.bearer


def refusal(status: int, _call: Call) -> Reply:
    """A bad token has entries without a message."""
    if status == 401:
        error = {"error": "invalid_oauth_token", "error_description": "Please supply a valid access token."}
        return Reply({"data": None, "errors": [error]}, 401)
    error = {"error": "rate_limit_reached" if status == 429 else "error", "error_description": f"Status {status}."}
    return Reply({"data": None, "errors": [error]}, status)


def graphql(call: Call) -> Reply:
    """POST /v2/api/graphql."""
    try:
        body = json.loads(call.body)
        answer = OPERATIONS[body["operationName"]]
    except (ValueError, KeyError, TypeError):
        return Reply({"errors": [{"message": "No operation of that name is simulated"}]})
    return answer(call, body.get("variables", {}))


def _post(call: Call, variables: Mapping[str, Any]) -> Reply:
    slug = variables["slug"]
    return Reply({"data": {"post": None if slug.startswith("nobody") else _node(call.world, slug, call.at)}})


def _rank(call: Call, variables: Mapping[str, Any]) -> Reply:
    if call.bearer != "ranked":
        message = "Field 'dailyRank' doesn't exist on type 'Post'"
        extensions = {"code": "undefinedField", "typeName": "Post", "fieldName": "dailyRank"}
        return Reply({"errors": [{"message": message, "extensions": extensions}]})
    slug = variables["slug"]
    return Reply({"data": {"post": {"id": _id(slug), "slug": slug, "dailyRank": "3"}}})


def _maker(call: Call, variables: Mapping[str, Any]) -> Reply:
    name = variables["name"]
    count = call.world.counter("producthunt", name, "followers", call.at)
    user = {"id": _id(name), "username": name, "followers": {"totalCount": count}}
    return Reply({"data": {"user": None if name.startswith("nobody") else user}})


def _made(call: Call, variables: Mapping[str, Any]) -> Reply:
    name = variables["name"]
    if name.startswith("nobody"):
        return Reply({"data": {"user": None}})
    nodes = [_node(call.world, name + suffix, call.at) for suffix in MADE]
    return Reply({"data": {"user": {"id": _id(name), "madePosts": _connection(nodes, variables)}}})


def _ranking(call: Call, variables: Mapping[str, Any]) -> Reply:
    # forty posts of that day, and among them those of the simulated makers that were launched on it
    begin, end = (datetime.fromisoformat(variables[name]) for name in ("from", "to"))
    nodes = [_node(call.world, slug, call.at) for slug in _known_posts(call.world) if begin <= _launched(slug) < end]
    nodes += [{"id": str(i), "slug": f"other-{i}", "votesCount": 900 // i, "commentsCount": 3} for i in range(1, 40)]
    nodes.sort(key=lambda node: -int(node["votesCount"]))
    return Reply({"data": {"posts": _connection(nodes, variables)}})


def _known_posts(world: World) -> list[str]:
    return [str(key[1]) for key in list(world.memory) if key[0] == "ph post"]


def _launched(slug: str) -> datetime:
    return EPOCH + timedelta(days=int(dice(0, "launch", slug).integers(0, 60)), hours=8, minutes=1)


def _node(world: World, slug: str, at: datetime) -> dict[str, Any]:
    world.named("ph post", slug, slug)
    return {
        "id": _id(slug),
        "slug": slug,
        "name": slug.title(),
        "tagline": f"{slug.title()}, pressed fresh",
        "url": f"https://www.producthunt.com/posts/{slug}?utm_source=Application%3A+simulated+%28ID%3A+1%29",
        "votesCount": world.counter("producthunt", slug, "upvotes", at),
        "commentsCount": world.counter("producthunt", slug, "comments", at),
        "createdAt": f"{_launched(slug):%Y-%m-%dT%H:%M:%SZ}",
        "featuredAt": f"{_launched(slug):%Y-%m-%dT%H:%M:%SZ}",
    }


def _connection(nodes: list[dict[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    begin = int(base64.b64decode(variables["after"] + "==")) if variables.get("after") else 0
    part = nodes[begin : begin + int(variables["first"])]
    end = begin + len(part)
    cursor = base64.b64encode(str(end).encode()).decode().rstrip("=")  # Product Hunt pads none of its cursors
    return {
        "totalCount": len(nodes),
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": cursor if part else None},
        "edges": [{"node": node} for node in part],
    }


def _id(name: str) -> str:
    return str(dice(0, "ph", name).integers(10**5, 10**7))


OPERATIONS = {"Post": _post, "Rank": _rank, "Maker": _maker, "MadePosts": _made, "Ranking": _ranking}
PLATFORM = Platform(
    account="acme",
    flows=FLOWS,
    routes=(("POST", "/v2/api/graphql", graphql),),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    subject_of=subject_of,
)
