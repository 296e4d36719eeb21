"""Instagram by the Graph API: accounts, media, insights, the public counts of others.

The account 17841400000000001 is acme's. `impressions` and `plays` answer before 21 April 2025, `views` from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from analytics.simulator import graph
from analytics.simulator.exchange import Call, Reply
from analytics.simulator.flow import Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, count_posts, posts, snapshot
from analytics.simulator.world import World

ACCOUNT = "17841400000000001"
RENAMED_AT = datetime(2025, 4, 21, tzinfo=UTC)
RETIRED = {"impressions": RENAMED_AT, "plays": RENAMED_AT}
BEFORE = 380  # media published before the world began
FLOWS = {
    "followers": Flow(120, start=38_000, loss=0.3, sensitivity=0.8, peak_hour=18),
    "following": Flow(0.5, start=410, sensitivity=0.0),
    "reach_per_day": Flow(5_200, peak_hour=18, amplitude=0.6),
    "views_per_day": Flow(11_400, peak_hour=18, amplitude=0.6),
    "engagement_per_day": Flow(640, peak_hour=18, amplitude=0.6),
    "accounts_engaged_per_day": Flow(430, peak_hour=18),
    "profile_views_per_day": Flow(310, peak_hour=18),
    "likes_per_day": Flow(510, peak_hour=18),
    "comments_per_day": Flow(34, peak_hour=18),
    "shares_per_day": Flow(41, peak_hour=18),
    "saves_per_day": Flow(58, peak_hour=18),
}
PUBLISHING = Publishing(
    per_day=0.9,
    audience=9_500,
    half_life=timedelta(hours=18),
    shares={"views": 1.0, "reach": 0.68, "likes": 0.052, "comments": 0.0031, "shares": 0.006, "saves": 0.009},
    content_type="image",
)
SERIES = {"reach": "reach_per_day", "follower_count": "new_followers_per_day"}
TOTALS = {
    "reach": "reach_per_day",
    "views": "views_per_day",
    "total_interactions": "engagement_per_day",
    "accounts_engaged": "accounts_engaged_per_day",
    "profile_views": "profile_views_per_day",
    "likes": "likes_per_day",
    "comments": "comments_per_day",
    "shares": "shares_per_day",
    "saves": "saves_per_day",
}
MEDIA = {
    "views": "views",
    "reach": "reach",
    "saved": "saves",
    "shares": "shares",
    "total_interactions": "engagement",
    "likes": "likes",
    "comments": "comments",
    "impressions": "views",
    "plays": "views",
}
KINDS = (("IMAGE", "FEED"), ("CAROUSEL_ALBUM", "FEED"), ("VIDEO", "REELS"), ("IMAGE", "FEED"), ("IMAGE", "FEED"))
subject_of = graph.subject(ACCOUNT)
DAILY = graph.by_day("instagram", FLOWS, subject_of)


def node(call: Call) -> Reply:
    """GET /{account or media}: the fields asked for; another's account by business_discovery."""
    fields, identity = list(graph.fields_of(call.query.get("fields", "id"))), call.path["node"]
    media = call.world.known("instagram media", identity)
    if media is not None:
        return _media(call, media, fields)
    if not identity.isdecimal():
        return graph.missing()
    name = subject_of(identity, "")
    answer: dict[str, Any] = {"id": identity}
    for field in fields:
        if field.name != "business_discovery":
            answer |= _user(call, name, field)
            continue
        other = field.options["username"].lower()
        if other.startswith("nobody"):
            return graph.failed(110, "Invalid user id", error_subcode=2207013)
        found: dict[str, Any] = {"username": other, "id": _number(other)}
        for inner in graph.fields_of(field.fields):
            found |= _user(call, other, inner)
            if inner.name == "media":
                found["media"] = _nested(call, other, inner)
        answer["business_discovery"] = found
    return Reply(answer)


def _user(call: Call, name: str, field: graph.Field) -> dict[str, Any]:
    counters = {"followers_count": "followers", "follows_count": "following"}
    if field.name in counters:
        return {field.name: call.world.counter("instagram", name, counters[field.name], call.at)}
    return {"media_count": _published(call.world, name, call.at)} if field.name == "media_count" else {}


def _nested(call: Call, name: str, field: graph.Field) -> dict[str, Any]:
    """Media within business discovery: cursors, but no links."""
    size, offset = int(field.options.get("limit", "25")), graph.offset_of(field.options.get("after", ""))
    found = posts(call.world, "instagram", name, PUBLISHING, call.at, size, offset)
    data = [_media(call, post, list(graph.fields_of(field.fields))).payload for post in found]
    after = {"paging": {"cursors": {"after": graph.cursor(offset + len(data))}}} if data else {}
    return {"data": data, **after}


def accounts(call: Call) -> Reply:
    """GET /me/accounts: the one page of the token, with its professional account."""
    page: dict[str, Any] = {"id": "100000000000001"}
    if "instagram_business_account" in call.query.get("fields", ""):
        page["instagram_business_account"] = {"id": ACCOUNT}
    return Reply({"data": [page], "paging": {"cursors": {"before": "a", "after": "b"}}})


def media(call: Call) -> Reply:
    """GET /{account}/media, newest first; no stories here, so /stories is empty."""
    identity = call.path["node"]
    if not identity.isdecimal() or call.world.known("instagram media", identity):
        return graph.missing()
    if call.path["edge"] == "stories":
        return Reply({"data": []})
    published = partial(posts, call.world, "instagram", subject_of(identity, ""), PUBLISHING, call.at)
    return graph.listing(call, published, partial(_media, call))


def insights(call: Call) -> Reply:
    """GET /{account or media}/insights: one metric that is not known fails the whole call."""
    names = call.query.get("metric", "").split(",")
    post = call.world.known("instagram media", call.path["node"])
    if post is not None:
        return _insights(call, post, names)
    if names == ["follower_demographics"]:
        return _demographics(call)
    total = call.query.get("metric_type") == "total_value"
    refused = graph.refused_metric(names, [*SERIES, *TOTALS], RETIRED, call.at)
    if "period" not in call.query:
        refused = "(#100) The parameter period is required"
    if not total and not refused and any(name not in SERIES for name in names):
        refused = "(#100) The following metrics should be specified with parameter metric_type=total_value"
    if refused:
        return graph.failed(100, refused)
    account = call.path["node"]

    def figure(name: str, begin: datetime, end: datetime) -> float:
        return DAILY[(TOTALS if total else SERIES)[name]](call.world, account, begin, end)

    if not total:
        return graph.results(call, account, names, figure)
    since, until = graph.window(call)
    until = min(until, call.at)
    data = [
        {
            "name": name,
            "period": "day",
            "title": name,
            "total_value": {"value": int(figure(name, since, until))},
            "id": f"{account}/insights/{name}/day",
        }
        for name in names
    ]
    return Reply({"data": data, "paging": graph.ranges(call)})


def _insights(call: Call, post: Post, names: list[str]) -> Reply:
    known = [name for name in MEDIA if name != "views" or call.at >= RENAMED_AT]
    refused = graph.refused_metric(names, known, RETIRED, call.at)
    if refused:
        return graph.failed(100, refused)
    figures = _figures(call, post)
    return graph.lifetime(content_id(call.world, post), {name: figures[MEDIA[name]] for name in names})


def _demographics(call: Call) -> Reply:
    total = call.world.counter("instagram", subject_of(call.path["node"], ""), "followers", call.at)
    parts = {
        ("18-24", "F"): 0.14,
        ("18-24", "M"): 0.11,
        ("25-34", "F"): 0.27,
        ("25-34", "M"): 0.22,
        ("35-44", "U"): 0.1,
    }
    found = [{"dimension_values": list(key), "value": int(share * total)} for key, share in parts.items()]
    breakdown = {"dimension_keys": ["age", "gender"], "results": found}
    name = "follower_demographics"
    result = {"name": name, "period": "lifetime", "total_value": {"breakdowns": [breakdown]}}
    return Reply({"data": [{**result, "id": f"{call.path['node']}/insights/{name}/lifetime"}]})


def _media(call: Call, post: Post, fields: list[graph.Field]) -> Reply:
    kind, product = KINDS[post.number % len(KINDS)]
    figures = _figures(call, post)
    known: dict[str, Any] = {
        "media_type": kind,
        "media_product_type": product,
        "timestamp": graph.stamp(post.published_at),
        "comments_count": figures["comments"],
        "like_count": None if _hides_likes(post) else figures["likes"],
    }
    insights_of = partial(_insights, call, post)
    return graph.content(content_id(call.world, post), fields, lambda field: known.get(field.name), insights_of)


def _figures(call: Call, post: Post) -> Mapping[str, int]:
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    return figures | {"engagement": sum(figures[name] for name in ("likes", "comments", "shares", "saves"))}


def _hides_likes(post: Post) -> bool:
    return post.number % 11 == 10


def figures_of(post: Post, figures: Figures) -> Figures:
    """Engagement is their sum; of every eleventh media the owner hides the likes."""
    total = figures["likes"] + figures["comments"] + figures["shares"] + figures["saves"]
    shown = {name: values for name, values in figures.items() if name != "likes" or not _hides_likes(post)}
    return shown | {"engagement": total}


def _published(world: World, account: str, at: datetime) -> int:
    return BEFORE + count_posts(world, "instagram", subject_of(account, "posts"), PUBLISHING, at)


def _number(name: str) -> str:
    return f"17841{dice(0, 'instagram', name).integers(10**11, 10**12)}"


def content_id(world: World, post: Post) -> str:
    """Seventeen digits."""
    number = int(dice(0, "media", post.account, post.number).integers(10**14, 10**15))
    return world.named("instagram media", post, f"17{number}")


PLATFORM = Platform(
    account=ACCOUNT,
    flows=FLOWS,
    routes=(
        ("GET", "/{version}/me/accounts", accounts),
        ("GET", "/{version}/{node}/insights", insights),
        ("GET", "/{version}/{node}/{edge}", media),
        ("GET", "/{version}/{node}", node),
    ),
    token_of=graph.token_of,
    refusal=graph.refusal,
    limit=graph.LIMIT,
    daily=DAILY,
    day_zone=graph.DAY_ZONE,
    levels={"posts": _published},
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
