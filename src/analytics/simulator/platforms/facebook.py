"""Facebook pages by the Graph API: pages, posts, insights.

The page 100000000000001 is acme's. Metrics are retired on the days they were: page_impressions and its kin in
November 2025, the unique ones in June 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.simulator import graph
from analytics.simulator.exchange import Call, Reply
from analytics.simulator.flow import Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, posts, snapshot
from analytics.simulator.world import World

ACCOUNT, BRAND = "100000000000001", "acme"
FIRST_WAVE, SECOND_WAVE = datetime(2025, 11, 15, tzinfo=UTC), datetime(2026, 6, 15, tzinfo=UTC)
RETIRED = {
    "page_impressions": FIRST_WAVE,
    "page_fans": FIRST_WAVE,
    "post_impressions": FIRST_WAVE,
    "page_impressions_unique": SECOND_WAVE,
    "post_impressions_unique": SECOND_WAVE,
}
FLOWS = {
    "followers": Flow(38, start=21_500, loss=0.25, sensitivity=0.7, peak_hour=18),
    "fans": Flow(27, start=19_800, loss=0.2, sensitivity=0.6, peak_hour=18),
    "reach_per_day": Flow(2_900, peak_hour=18),
    "views_per_day": Flow(5_600, peak_hour=18),
    "engagement_per_day": Flow(210, peak_hour=18),
    "page_views_per_day": Flow(145, peak_hour=18),
}
PUBLISHING = Publishing(
    per_day=0.8,
    audience=4_300,
    half_life=timedelta(hours=14),
    shares={"views": 1.0, "reach": 0.66, "reactions": 0.022, "comments": 0.0026, "shares": 0.0021, "clicks": 0.018},
)
LIKES_OF_REACTIONS = 0.8
Daily = Callable[[World, str, datetime, datetime], float]


def subject_of(account: str, _metric: str) -> str:
    """A page's name: the number of acme's stands for it, another number for itself."""
    return BRAND if account == ACCOUNT else account.removeprefix("@").lower()


def _on_day(flow: str) -> Daily:
    def figure_of(world: World, account: str, start: datetime, end: datetime) -> float:
        return int(world.increments("facebook", subject_of(account, flow), flow, start, end).sum())

    return figure_of


DAILY: dict[str, Daily] = {name: _on_day(name) for name in FLOWS if name.endswith("_per_day")}
DAILY["new_followers_per_day"] = _on_day("followers")
PAGE_METRICS = {
    "page_total_media_view_unique": "reach_per_day",
    "page_impressions_unique": "reach_per_day",
    "page_media_view": "views_per_day",
    "page_impressions": "views_per_day",
    "page_post_engagements": "engagement_per_day",
    "page_views_total": "page_views_per_day",
    "page_daily_follows_unique": "new_followers_per_day",
}
POST_METRICS = {
    "post_media_view": "views",
    "post_impressions": "views",
    "post_total_media_view_unique": "reach",
    "post_impressions_unique": "reach",
    "post_clicks": "clicks",
}


def node(call: Call) -> Reply:
    """GET /{page or post}: the fields asked for."""
    fields, identity = list(graph.fields_of(call.query.get("fields", "id"))), call.path["node"]
    post = call.world.known("facebook post", identity)
    if post is not None:
        return _post(call, post, fields)
    if "_" in identity or identity.startswith("nobody"):
        return graph.missing()
    name = subject_of(identity, "")
    known: dict[str, Any] = {
        "name": name.title(),
        "followers_count": call.world.counter("facebook", name, "followers", call.at),
        "fan_count": call.world.counter("facebook", name, "fans", call.at),
        "talking_about_count": _talking(call.world, identity, call.at),
    }
    return Reply({"id": identity, **{field.name: known[field.name] for field in fields if field.name in known}})


def listing(call: Call) -> Reply:
    """GET /{page}/posts, newest first, paged by `after`."""
    identity = call.path["node"]
    if (
        "_" in identity
        or identity.startswith("nobody")
        or call.path["edge"] not in ("posts", "published_posts", "feed")
    ):
        return graph.missing()
    fields = list(graph.fields_of(call.query.get("fields", "id,created_time")))
    size, offset = call.number("limit", 25, 100), graph.offset_of(call.query.get("after", ""))
    found = posts(call.world, "facebook", subject_of(identity, ""), PUBLISHING, call.at, size + 1, offset)
    items = []
    for post in found[:size]:
        shown = _post(call, post, fields)
        if shown.status != 200:  # one field refused for one of them fails the whole page
            return shown
        items.append(shown.payload)
    return graph.page(call, found, size, offset, items)


def insights(call: Call) -> Reply:
    """GET /{page or post}/insights: one metric that is not known fails the whole call."""
    names = call.query.get("metric", "").split(",")
    post = call.world.known("facebook post", call.path["node"])
    if post is not None:
        return _insights(call, post, names)
    if not call.path["node"].isdecimal():
        return graph.refusal(403, call)
    if not _known(names, PAGE_METRICS, call.at):
        return _invalid()
    page = call.path["node"]
    return graph.results(call, page, names, lambda name, *day: DAILY[PAGE_METRICS[name]](call.world, page, *day))


def _insights(call: Call, post: Post, names: list[str]) -> Reply:
    if not _known(names, POST_METRICS, call.at):
        return _invalid()
    figures, identity = snapshot(call.world, PUBLISHING, post, call.at), content_id(call.world, post)
    data = [
        {
            "name": name,
            "period": "lifetime",
            "values": [{"value": figures[POST_METRICS[name]]}],
            "title": name,
            "id": f"{identity}/insights/{name}/lifetime",
        }
        for name in names
    ]
    return Reply({"data": data})


def _known(names: list[str], metrics: dict[str, str], at: datetime) -> bool:
    return all(name in metrics and (name not in RETIRED or at < RETIRED[name]) for name in names)


def _invalid() -> Reply:
    return graph.failed(100, "(#100) The value must be a valid insights metric")


def _post(call: Call, post: Post, fields: list[graph.Field]) -> Reply:
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    counts = {"reactions": figures["reactions"], "comments": figures["comments"]}
    item: dict[str, Any] = {"id": content_id(call.world, post)}
    for field in fields:
        if field.name == "insights":
            found = _insights(call, post, field.options.get("metric", "").split(","))
            if found.status != 200:
                return found
            item["insights"] = found.payload
        elif field.name in counts:
            total = int(LIKES_OF_REACTIONS * figures["reactions"]) if "type" in field.options else counts[field.name]
            item[field.shown_as] = {"data": [], "summary": {"total_count": total}}
        elif field.name == "shares" and figures["shares"]:  # left out where there are none
            item["shares"] = {"count": figures["shares"]}
        elif field.name == "created_time":
            item["created_time"] = graph.stamp(post.published_at)
        elif field.name == "status_type":
            item["status_type"] = "mobile_status_update"
    return Reply(item)


def _talking(world: World, account: str, at: datetime) -> float:
    since = at - timedelta(days=7)
    return int(0.4 * world.increments("facebook", subject_of(account, ""), "engagement_per_day", since, at).sum())


def figures_of(_post: Post, figures: Figures) -> Figures:
    """Likes are most of the reactions; engagement is reactions, comments and shares."""
    likes = (LIKES_OF_REACTIONS * figures["reactions"]).astype(int).astype(float)
    engagement = figures["reactions"] + figures["comments"] + figures["shares"]
    return figures | {"likes": likes, "engagement": engagement}


def content_id(world: World, post: Post) -> str:
    """The page's number and the post's."""
    page = ACCOUNT if post.account == BRAND else str(dice(0, "page", post.account).integers(10**14, 10**15))
    number = int(dice(0, "post", post.account, post.number).integers(10**14, 10**15))
    return world.named("facebook post", post, f"{page}_{number}")


PLATFORM = Platform(
    account=ACCOUNT,
    flows=FLOWS,
    routes=(
        ("GET", "/{version}/{node}/insights", insights),
        ("GET", "/{version}/{node}/{edge}", listing),
        ("GET", "/{version}/{node}", node),
    ),
    token_of=graph.token_of,
    refusal=graph.refusal,
    limit=graph.LIMIT,
    daily=DAILY,
    day_zone="America/Los_Angeles",
    levels={"talking_about": _talking},
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
