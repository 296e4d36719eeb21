"""Facebook pages by the Graph API: https://developers.facebook.com/docs/graph-api/reference/page

An account is a page's number, for a page of ours, or `@name` for anybody's: of these Facebook gives
the public counts alone, to apps with Page Public Content Access.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from analytics.adapters import meta
from analytics.adapters.base import CONTENT_LIMIT, Page, Pages, guarded, page_of, wanted
from analytics.adapters.http import Client
from analytics.adapters.meta_insights import content_figures, content_of, parse_periods, whole_days
from analytics.adapters.values import (
    Fault,
    Figure,
    added,
    as_count,
    below,
    each,
    figure,
    known,
    malformed,
    mapping,
    observed,
    poll_slot,
    readings,
    text,
)
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "facebook"
POLL = timedelta(minutes=15)
INSIGHT_DAYS = 7
SETTLES = timedelta(hours=48)
# the two waves in which Graph stopped to know page_impressions and its kin, and the unique ones
VIEWS_SINCE, VIEWERS_SINCE = date(2025, 11, 15), date(2026, 6, 15)

PAGE = {"followers_count": "followers", "fan_count": "fans", "talking_about_count": "talking_about"}
COUNTS = {"reactions": "reactions", "like": "likes", "likes": "likes", "comments": "comments"}
POST_METRICS = ("reactions", "likes", "comments", "shares", "engagement")
POST_RUNGS = (
    meta.Rung(
        "id,created_time,status_type,shares,reactions.limit(0).summary(true),"
        "reactions.type(LIKE).limit(0).summary(true).as(like),comments.limit(0).summary(true)",
        loses=("reactions", "likes", "comments", "engagement"),
    ),
    meta.Rung("id,created_time,status_type,shares"),
)
POST_INSIGHTS = {"post_media_view": "views", "post_total_media_view_unique": "reach", "post_clicks": "clicks"}
ANY_POST_INSIGHTS = {
    **POST_INSIGHTS,
    "post_impressions": "impressions",
    "post_impressions_unique": "reach",
    "post_reactions_by_type_total": "reactions",
    "post_reactions_like_total": "likes",
    "post_video_views": "video_views",
}
DAYS = {
    "page_total_media_view_unique": "reach",
    "page_media_view": "views",
    "page_post_engagements": "engagement",
    "page_daily_follows_unique": "new_followers",
    "page_views_total": "page_views",
}
ANY_DAYS = {
    **DAYS,
    "page_impressions_unique": "reach",
    "page_impressions": "impressions",
    "page_daily_unfollows_unique": "lost_followers",
    "page_fans": "fans",
    "page_follows": "followers",
}
OLDER = {"page_total_media_view_unique": "page_impressions_unique"}


def _count(metric: str, title: str, text: str, unit: str = "", valid_from: date | None = None) -> MetricDefinition:
    return MetricDefinition(
        NAME, metric, title, unit or metric, "counter", "increase", text, "hourly", SETTLES, valid_from
    )


def _level(metric: str, title: str, text: str) -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, "users", "counter", "last", text, "hourly")


def _per_day(
    metric: str,
    title: str,
    unit: str,
    text: str,
    aggregation: Aggregation = "sum",
    valid_from: date | None = None,
) -> MetricDefinition:
    meaning = f"{text} on the Pacific day the reading is dated."
    return MetricDefinition(
        NAME, f"{metric}_per_day", title, unit, "gauge", aggregation, meaning, "daily", SETTLES, valid_from
    )


DEFINITIONS = (
    _level("followers", "Page followers", "Accounts that follow the page."),
    _level("fans", "Page likes", "Accounts that like the page."),
    MetricDefinition(
        NAME, "talking_about", "People talking", "users", "gauge", "last", "Who spoke of the page in 7 days.", "daily"
    ),
    _count("reactions", "Reactions", "Reactions of every kind to the post."),
    _count("likes", "Likes", "Reactions of the kind like."),
    _count("comments", "Comments", "Comments on the post, replies included."),
    _count("shares", "Shares", "Times the post was shared."),
    _count(
        "engagement",
        "Engagement",
        "Reactions, comments and shares of the post together; unknown where one of them is.",
        "interactions",
    ),
    _count("views", "Views", "Times the post was played or displayed.", valid_from=VIEWS_SINCE),
    _count("impressions", "Impressions", "Times the post was on a screen; given until November 2025, then see views."),
    _count("reach", "Reach", "Accounts on whose screen the post was; posts do not add up.", "users"),
    _count(
        "reach", "Reach", "Accounts to whom the post was played or displayed; do not add up.", "users", VIEWERS_SINCE
    ),
    _count("clicks", "Clicks", "Clicks anywhere in the post."),
    _count("video_views", "Video views", "Plays of 3 seconds or more of the post's video.", "views"),
    _per_day("reach", "Reach per day", "users", "Accounts that had content of the page on their screen", "mean"),
    _per_day(
        "reach",
        "Reach per day",
        "users",
        "Accounts to whom content of the page was played or displayed",
        "mean",
        VIEWERS_SINCE,
    ),
    _per_day("views", "Views per day", "views", "Times content was played or displayed", valid_from=VIEWS_SINCE),
    _per_day("impressions", "Impressions per day", "impressions", "Until November 2025: times content was on a screen"),
    _per_day("engagement", "Post engagements per day", "interactions", "Likes, comments, shares and more of posts"),
    _per_day("new_followers", "New followers per day", "users", "Accounts that began to follow"),
    _per_day("lost_followers", "Lost followers per day", "users", "Accounts that ceased to follow"),
    _per_day("page_views", "Page views per day", "views", "Views of the page itself"),
)
VENDOR = meta.vendor(NAME)


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: the page, its insights by day, its newest posts with theirs; or the public counts."""
    at, node = poll_slot(observed_at, client.step(POLL)), account.removeprefix("@")
    ours = node == account
    if of_page := wanted(metrics, PAGE.values()):
        yield from guarded(of_page, fetch_page, client, node, of_page, account=account, observed_at=at)
    of_days = wanted(metrics, [f"{metric}_per_day" for metric in DAYS.values()]) if ours else ()
    if of_days:
        yield from guarded(of_days, fetch_days, client, account, of_days, observed_at=at)
    of_posts = wanted(metrics, (*POST_METRICS, *POST_INSIGHTS.values()) if ours else POST_METRICS)
    if of_posts and contents:
        of = meta.Listing(f"{node}/posts", POST_RUNGS, POST_INSIGHTS, parse_posts, parse_post_insights)
        common: dict[str, Any] = {"account": account, "observed_at": at, "contents": contents}
        yield from guarded(of_posts, meta.fetch_contents, client, of, of_posts, **common)


def fetch_page(client: Client, node: str, metrics: Collection[str], *, account: str, observed_at: datetime) -> Page:
    """Followers and likes of one page."""
    answer = meta.get(client, node, {"fields": ",".join(PAGE)})
    return page_of(answer, parse_page, account=account, observed_at=observed_at, metrics=metrics)


def fetch_days(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Pages:
    """Insights by day; those of the last days again and again, as they come late."""
    days = whole_days(observed_at, INSIGHT_DAYS)
    since, until = int(days[0][0].timestamp()), int(days[-1][1].timestamp())
    period: dict[str, Any] = {"period": "day", "since": since, "until": until}
    ours = {theirs: f"{metric}_per_day" for theirs, metric in ANY_DAYS.items()}

    def fetch(names: Sequence[str]) -> Page:
        answer = meta.get(client, f"{account}/insights", {"metric": ",".join(names), **period})
        some = [ours[name] for name in names]
        return page_of(answer, parse_days, account=account, observed_at=observed_at, metrics=some)

    names = [name for name in DAYS if ours[name] in metrics]
    yield from meta.noting_empty(metrics, meta.asked(names, fetch, ours=ours, older=OLDER))


def parse_page(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of one page; those that were not asked for or are not shown are unknown."""
    try:
        return readings(NAME, payload, PAGE, observed_at=observed_at, author_id=account)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"page {account}", exc) from exc


def parse_days(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Insights of a page by day, week or 28 days, see `parse_periods`."""
    levels = ("fans", "followers")
    return parse_periods(payload, NAME, ANY_DAYS, account=account, observed_at=observed_at, levels=levels)


def parse_posts(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each post of a page, or of one, with its insights where they were asked for.

    Facebook leaves `shares` out where there are none: 0 beside other counts, unknown without them.
    """
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
    try:
        return each(meta.entries(payload), lambda at, post: _of_post(at, post, common), platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"posts of {account}", exc) from exc


def parse_post_insights(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Insights of one post; which one stands in the id of each result."""
    try:
        place: dict[str, Any] = {"observed_at": observed_at, "author_id": account, "content_id": content_of(payload)}
        return observed(NAME, content_figures(payload, ANY_POST_INSIGHTS), **place, content_type="post")
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"insights of a post of {account}", exc) from exc


def _of_post(at: str, post: Any, common: dict[str, Any]) -> list[Observation]:
    content_id = text(mapping(post, "post")["id"], "id")
    if not post.keys() & {"created_time", "shares", "insights", *COUNTS}:
        raise ValueError(f"{content_id} is no post: it has only {', '.join(map(str, post))}"[:200])
    figures: dict[str, Figure] = dict.fromkeys(COUNTS.values())
    for edge, metric in COUNTS.items():
        if known(figures[metric]) is None and post.get(edge) is not None:
            figures[metric] = figure(post[edge], below(at, f"{edge}.summary.total_count"), _total)
    is_counted = any(edge in post and not isinstance(figures[metric], Fault) for edge, metric in COUNTS.items())
    figures["shares"] = figure(post.get("shares"), below(at, "shares.count"), _shares)
    if "shares" not in post and is_counted:
        figures["shares"] = 0.0
    figures["engagement"] = added(figures[metric] for metric in ("reactions", "comments", "shares"))
    if "insights" in post:
        inside = content_figures(post["insights"], ANY_POST_INSIGHTS, below(at, "insights"))
        figures |= {metric: value for metric, value in inside.items() if known(figures.get(metric)) is None}
    return observed(NAME, figures, **common, content_id=content_id, content_type="post")


def _total(edge: object) -> float | None:
    """The count in an edge's summary; without a summary the edge tells a page of people, not their number."""
    summary = mapping(edge, "edge").get("summary")
    return None if summary is None else as_count(mapping(summary, "summary").get("total_count"))


def _shares(shares: object) -> float | None:
    return None if shares is None else as_count(mapping(shares, "shares").get("count"))
