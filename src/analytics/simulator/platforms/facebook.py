"""Facebook pages by the Graph API: pages, posts, insights.

The page 100000000000001 is acme's. Metrics are retired on the days they were: page_impressions and its kin in
November 2025, the unique ones in June 2026.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from analytics.simulator import graph
from analytics.simulator.exchange import Call, Reply
from analytics.simulator.flow import Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, posts, snapshot
from analytics.simulator.world import World

ACCOUNT = "100000000000001"
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
subject_of = graph.subject(ACCOUNT)
DAILY = graph.by_day("facebook", FLOWS, subject_of)
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
    published = partial(posts, call.world, "facebook", subject_of(identity, ""), PUBLISHING, call.at)
    return graph.listing(call, published, partial(_post, call))


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
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    return graph.lifetime(content_id(call.world, post), {name: figures[POST_METRICS[name]] for name in names})


def _known(names: list[str], metrics: dict[str, str], at: datetime) -> bool:
    return all(name in metrics and (name not in RETIRED or at < RETIRED[name]) for name in names)


def _invalid() -> Reply:
    return graph.failed(100, "(#100) The value must be a valid insights metric")


def _post(call: Call, post: Post, fields: list[graph.Field]) -> Reply:
    figures = snapshot(call.world, PUBLISHING, post, call.at)
    known: dict[str, Any] = {
        "reactions": _summed(figures["reactions"]),
        "comments": _summed(figures["comments"]),
        "shares": {"count": figures["shares"]} if figures["shares"] else None,  # left out where there are none
        "created_time": graph.stamp(post.published_at),
        "status_type": "mobile_status_update",
    }
    likes = _summed(int(LIKES_OF_REACTIONS * figures["reactions"]))

    def shown(field: graph.Field) -> Any:
        return likes if field.name == "reactions" and "type" in field.options else known.get(field.name)

    return graph.content(content_id(call.world, post), fields, shown, partial(_insights, call, post))


def _summed(total: int) -> dict[str, Any]:
    return {"data": [], "summary": {"total_count": total}}


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
    page = ACCOUNT if post.account == graph.BRAND else str(dice(0, "page", post.account).integers(10**14, 10**15))
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
    day_zone=graph.DAY_ZONE,
    levels={"talking_about": _talking},
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
