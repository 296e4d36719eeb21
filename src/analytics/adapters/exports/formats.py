"""The files that platforms' dashboards let people download: how each is known by its header, and what it holds.

Headers as seen in files of 2023 to 2026, in English; `languages` has those of other languages by them. Figures
of a day become `…_per_day`; figures of a post are taken as totals so far, so choose the whole time ("Lifetime")
where the dashboard asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analytics.adapters.exports.columns import LINKEDIN, MEDIUM, META, META_TITLES, SUBSTACK, YOUTUBE, Column, X
from analytics.model import Aggregation, MetricDefinition

PACIFIC = "America/Los_Angeles"
PEOPLE_ONCE = frozenset({"page_visitors", "reach", "unique_viewers"})  # of days they do not add up


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of table.

    Args:
        platform: whose it is.
        title: what a message calls it.
        needs: columns that must all be there; `a|b` takes either. The format with most of them wins.
        columns: figures by header.
        day: headers of the day a row is of; none: totals so far.
        content: headers of the post's id or address, the best first.
        account: headers of the account, where rows name it.
        content_type: kind of the posts.
        zone: of days and of times without a zone.
        aggregate: rows are people or events, to be counted by a function of `counting`.
    """

    platform: str
    title: str
    needs: tuple[str, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    day: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    content_type: str = ""
    zone: str = "UTC"
    aggregate: str = ""


MEDIUM_ID = ("post id", "story id", "id", "url", "link", "story url", "story link", "title", "story")
SUBSTACK_ID = ("url", "link", "slug", "post_id", "post id", "title", "post title")

FORMATS = (
    Format(
        "youtube",
        "YouTube Studio, videos by day",
        ("date", "content|video", "video title"),
        YOUTUBE,
        ("date",),
        ("content", "video"),
        zone=PACIFIC,
        content_type="video",
    ),
    Format(
        "youtube",
        "YouTube Studio, videos",
        ("content|video", "video title"),
        YOUTUBE,
        (),
        ("content", "video"),
        zone=PACIFIC,
        content_type="video",
    ),
    Format(
        "youtube",
        "YouTube Studio, days",
        ("date", "watch time (hours)|engaged views|impressions click-through rate (%)|average view duration"),
        YOUTUBE,
        ("date",),
        zone=PACIFIC,
    ),
    Format(
        "linkedin",
        "LinkedIn page, content by day",
        ("date", "impressions (total)|impressions (organic)"),
        LINKEDIN,
        ("date",),
    ),
    Format(
        "linkedin",
        "LinkedIn page, followers by day",
        ("date", "organic followers|sponsored followers"),
        LINKEDIN,
        ("date",),
    ),
    Format(
        "linkedin",
        "LinkedIn page, visitors by day",
        ("date", "total page views (total)|total page views"),
        LINKEDIN,
        ("date",),
    ),
    Format(
        "linkedin",
        "LinkedIn page, posts",
        ("post title", "post link"),
        LINKEDIN,
        (),
        ("post link",),
        content_type="post",
    ),
    Format("linkedin", "LinkedIn member, days", ("date", "impressions", "engagements"), LINKEDIN, ("date",)),
    Format("linkedin", "LinkedIn member, followers by day", ("date", "new followers"), LINKEDIN, ("date",)),
    Format(
        "linkedin",
        "LinkedIn member, top posts",
        ("post url", "post publish date|post published date"),
        LINKEDIN,
        (),
        ("post url",),
        content_type="post",
    ),
    Format(
        "instagram",
        "Meta Business Suite, Instagram content",
        ("post id", "account username|account id", "permalink"),
        META,
        ("date",),
        ("post id",),
        ("account username", "account id"),
        "media",
        PACIFIC,
    ),
    Format(
        "facebook",
        "Meta Business Suite, Facebook content",
        ("post id", "page id|page name", "permalink|publish time"),
        META,
        ("date",),
        ("post id",),
        ("page id", "page name"),
        "post",
        PACIFIC,
    ),
    Format("meta", "Meta Business Suite, one figure by day", ("date", "primary"), {}, ("date",), zone=PACIFIC),
    Format(
        "twitter",
        "X analytics, days",
        (
            "date",
            "impressions",
            "engagements",
            "profile visits|new follows|unfollows|bookmarks|tweets published|create post",
        ),
        X,
        ("date",),
    ),
    Format(
        "twitter",
        "X analytics, posts",
        ("post id|tweet id", "post text|tweet text", "impressions", "engagements|likes"),
        X,
        (),
        ("post id", "tweet id"),
        content_type="post",
    ),
    Format("medium", "Medium stats, days", ("date|day", "reads"), MEDIUM, ("date", "day")),
    Format(
        "medium", "Medium stats, stories", ("title|story", "views", "reads"), MEDIUM, (), MEDIUM_ID, content_type="post"
    ),
    Format(
        "substack",
        "Substack export, posts",
        ("post_id", "post_date", "is_published"),
        aggregate="posts",
        content=("post_id",),
        day=("post_date",),
    ),
    Format("substack", "Substack export, subscribers", ("email", "active_subscription"), aggregate="subscribers"),
    Format(
        "substack",
        "Substack export, opens or deliveries",
        ("post_id", "timestamp", "email"),
        aggregate="events",
        content=("post_id",),
    ),
    Format(
        "substack",
        "Substack dashboard, posts",
        ("title|post title", "open rate|opens|opened|unique opens", "delivered|sent|recipients|delivers|views"),
        SUBSTACK,
        (),
        SUBSTACK_ID,
        content_type="post",
    ),
)

# tried only where the platform is named: their columns alone would fit too many tables
BY_DAY = {
    "youtube": Format("youtube", "YouTube, days", ("date",), YOUTUBE, ("date",), zone=PACIFIC),
    "twitter": Format("twitter", "X, days", ("date",), X, ("date",)),
    "linkedin": Format("linkedin", "LinkedIn, days", ("date",), LINKEDIN, ("date",)),
    "facebook": Format("facebook", "Facebook, days", ("date",), META, ("date",), zone=PACIFIC),
    "instagram": Format("instagram", "Instagram, days", ("date",), META, ("date",), zone=PACIFIC),
    "medium": Format("medium", "Medium, days", ("date|day",), MEDIUM, ("date", "day")),
    "substack": Format("substack", "Substack, days", ("date",), SUBSTACK, ("date",)),
}


def definitions() -> list[MetricDefinition]:
    """What imported figures mean, for those no adapter defines."""
    found: dict[tuple[str, str], MetricDefinition] = {}
    tables = [(f.platform, f.columns, bool(f.day)) for f in (*FORMATS, *BY_DAY.values()) if f.platform != "meta"]
    tables += [(platform, META_TITLES, True) for platform in ("facebook", "instagram")]
    for platform, columns, daily in tables:
        for column in columns.values():
            name = column.name(daily=daily)
            found.setdefault((platform, name), _definition(platform, name, column, daily=daily))
    return list(found.values())


def _definition(platform: str, name: str, column: Column, *, daily: bool) -> MetricDefinition:
    title = name.replace("_", " ").capitalize()
    unit = "pct" if column.kind == "percent" else column.unit or column.metric.rpartition("_")[2]
    text = f"From the dashboard's export, {'of the day' if daily else 'so far'}."
    if column.kind in ("percent", "seconds"):
        return MetricDefinition(platform, name, title, unit, "gauge", "mean", text, "daily")
    if column.level:
        return MetricDefinition(platform, name, title, unit, "counter", "last", text, "daily")
    if daily:
        adds_up: Aggregation = "mean" if column.metric in PEOPLE_ONCE else "sum"
        return MetricDefinition(platform, name, title, unit, "gauge", adds_up, text, "daily")
    return MetricDefinition(platform, name, title, unit, "counter", "increase", text, "daily")
