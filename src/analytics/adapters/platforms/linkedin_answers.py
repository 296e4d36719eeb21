"""What LinkedIn answers: the meaning of its figures, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analytics.adapters.base import Refused
from analytics.adapters.values import (
    Fault,
    Figure,
    added,
    as_count,
    as_number,
    as_time,
    below,
    each,
    figure,
    gathered,
    listing,
    malformed,
    mapping,
    numbered,
    observed,
    readings,
    text,
    unknown,
)
from analytics.model import Aggregation, DataType, MetricDefinition, Observation

NAME = "linkedin"
SETTLES = timedelta(hours=48)
RATE = "engagement_rate_by_impressions"
SHARES = {
    "impressionCount": "views",
    "uniqueImpressionsCount": "reach",
    "likeCount": "reactions",
    "commentCount": "comments",
    "shareCount": "shares",
    "clickCount": "clicks",
    "engagement": RATE,
}
SHARE_FIELDS = {**SHARES, "uniqueImpressionsCounts": "reach"}  # the documentation's own samples spell it so
FOLLOWERS = "followers"
PAGE_VIEWS = "page_views"
GAINS = {"organicFollowerGain": "organic_new_followers", "paidFollowerGain": "paid_new_followers"}
MEMBER = {
    "IMPRESSION": "views",
    "MEMBERS_REACHED": "reach",
    "REACTION": "reactions",
    "COMMENT": "comments",
    "RESHARE": "shares",
    "POST_SAVE": "saves",
    "POST_SEND": "sends",
}
GROUPS = "followers_by_group"  # costs a call of its own: only when params name it
# the parts of an answer LinkedIn may refuse beside the rest, and what each costs
PARTS = {
    "totalShareStatistics": tuple(SHARES.values()),
    "firstDegreeSize": (FOLLOWERS,),
    "memberFollowersCount": (FOLLOWERS,),
    "followerGains": tuple(f"{metric}_per_day" for metric in GAINS.values()),
    "totalPageStatistics": (PAGE_VIEWS,),
}
SUFFIXES = {1: "_per_day", 7: "_per_week"}


def _defined(
    metric: str,
    title: str,
    text: str,
    unit: str = "",
    aggregation: Aggregation = "increase",
    data_type: DataType = "counter",
) -> MetricDefinition:
    daily = data_type == "gauge"
    return MetricDefinition(
        NAME,
        metric,
        title,
        unit or metric,
        data_type,
        aggregation,
        text,
        "daily" if daily else "hourly",
        SETTLES if daily else timedelta(0),
    )


def _on_day(metric: str, title: str, text: str, unit: str = "", aggregation: Aggregation = "sum") -> MetricDefinition:
    meaning = f"{text} on the UTC day the reading is dated."
    return _defined(f"{metric}_per_day", f"{title} per day", meaning, unit or metric, aggregation, "gauge")


YEAR = "of the post; of an organisation, of all its posts within twelve months, organic only."
DEFINITIONS = (
    _defined("followers", "Followers", "Members who follow the page or the member.", "users", "last"),
    _defined("views", "Views", f"Impressions {YEAR}"),
    _defined("reach", "Reach", f"Members who have seen them, {YEAR} They do not add up.", "users", "last"),
    _defined("reactions", "Reactions", f"Reactions of every kind {YEAR} May fall below zero."),
    _defined("comments", "Comments", f"Comments {YEAR}"),
    _defined("shares", "Shares", f"Reposts {YEAR}"),
    _defined("clicks", "Clicks", f"Clicks {YEAR}"),
    _defined("saves", "Saves", "Saves of the member's posts."),
    _defined("sends", "Sends", "Times posts of the member were sent in a message."),
    _defined(
        RATE,
        "Engagement rate by impressions",
        "Clicks, reactions, comments and shares over impressions.",
        "ratio",
        "last",
        "gauge",
    ),
    _defined("page_views", "Page views", "Views of all parts of the organisation's page."),
    _on_day("views", "Views", "Impressions of posts"),
    _on_day("page_views", "Page views", "Views of the page"),
    _on_day("reach", "Reach", "Members who saw posts; days do not add up,", "users", "mean"),
    _on_day("reactions", "Reactions", "Reactions to posts, less those withdrawn,"),
    _on_day("comments", "Comments", "Comments on posts"),
    _on_day("shares", "Shares", "Reposts of posts"),
    _on_day("clicks", "Clicks", "Clicks on posts"),
    _on_day(
        RATE,
        "Engagement rate by impressions",
        "Clicks, reactions, comments and shares over impressions",
        "ratio",
        "mean",
    ),
    _on_day(
        "organic_new_followers", "New followers (organic)", "Members who began to follow without advertising", "users"
    ),
    _on_day("paid_new_followers", "New followers (paid)", "Members who began to follow through advertising", "users"),
    _defined(GROUPS, "Followers by group", "By function, seniority, company size and more.", "users", "last", "gauge"),
)


def parse_followers(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers of a page: LinkedIn calls them the size of its network."""
    try:
        answer = mapping(payload, "answer")
        value = None if "firstDegreeSize!" in answer else as_count(answer["firstDegreeSize"])
        return [Observation(NAME, FOLLOWERS, value, observed_at, author_id=account)]
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"networkSizes {account}", exc) from exc


def parse_statistics(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Statistics of posts, in all or by period, or of each post; a post without activity is not in the answer.

    Reactions may be negative. A period's figures are named and dated by it, `views_per_day` at its begin.
    """

    def of_one(at: str, element: dict[str, Any]) -> list[Observation]:
        begin, suffix = _period(element, observed_at)
        post = element.get("share") or element.get("ugcPost") or ""
        place: dict[str, Any] = {"observed_at": begin, "author_id": account}
        if post:
            place |= {"content_id": text(post, "post"), "content_type": "post"}
        fields = {field: metric + suffix for field, metric in SHARE_FIELDS.items()}
        figures = element.get("totalShareStatistics")
        if not figures:
            return unknown(NAME, fields.values(), **place)
        return readings(NAME, figures, fields, **place, convert=as_number, at=below(at, "totalShareStatistics"))

    return _each_element(
        payload, "totalShareStatistics", of_one, f"share statistics of {account}", account, observed_at
    )


def parse_gains(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers gained by period, with and without advertising; negative where more left than came."""

    def of_one(at: str, element: dict[str, Any]) -> list[Observation]:
        begin, suffix = _period(element, observed_at)
        fields = {field: metric + suffix for field, metric in GAINS.items()}
        place: dict[str, Any] = {"observed_at": begin, "author_id": account}
        gains = element.get("followerGains")
        if not gains:
            return unknown(NAME, fields.values(), **place)
        return readings(NAME, gains, fields, **place, convert=as_number, at=below(at, "followerGains"))

    return _each_element(payload, "followerGains", of_one, f"follower statistics of {account}", account, observed_at)


def parse_groups(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers by group, with and without advertising together; a group may be missing, even a whole facet."""
    prefix = "followerCountsBy"
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_facet(at: str, named: tuple[str, Any]) -> list[Observation]:
        facet, groups = named[0][len(prefix)].lower() + named[0][len(prefix) + 1 :], named[1]

        def of_group(at: str, group: Any) -> list[Observation]:
            counts = mapping(mapping(group, "group")["followerCounts"], "followerCounts")
            kinds = ("organicFollowerCount", "paidFollowerCount")
            parts = [figure(counts.get(kind), f"{at}.followerCounts.{kind}", as_count) for kind in kinds]
            whole = next((part for part in parts if isinstance(part, Fault)), added(parts))
            name = f"{facet}/{group.get(facet, '')}"
            return observed(NAME, {GROUPS: whole}, **common, content_id=name, content_type="group")

        return each(numbered(groups, at), of_group, platform=NAME, **common)

    def of_one(at: str, element: dict[str, Any]) -> list[Observation]:
        facets = [(below(at, key), (key, element[key])) for key in element if key.startswith(prefix)]
        return each((f for f in facets if not f[0].endswith("!")), of_facet, platform=NAME, **common)

    return _each_element(payload, prefix, of_one, f"follower statistics of {account}", account, observed_at)


def parse_page_views(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Views of all parts of the page, in all or by period."""

    def of_one(at: str, element: dict[str, Any]) -> list[Observation]:
        begin, suffix = _period(element, observed_at)
        total = element.get("totalPageStatistics")
        at = below(at, "totalPageStatistics.views.allPageViews.pageViews")
        views: Figure = figure(total, at, _page_views) if total else None
        return observed(NAME, {PAGE_VIEWS + suffix: views}, observed_at=begin, author_id=account)

    return _each_element(payload, "totalPageStatistics", of_one, f"page statistics of {account}", account, observed_at)


def parse_member(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures of all posts of a member, or of one; the kind is text since version 202605, an object before."""

    def of_one(at: str, element: Any) -> list[Observation]:
        kind = mapping(element, "element")["metricType"]
        metric = MEMBER.get(str(next(iter(kind.values()), "")) if isinstance(kind, dict) else str(kind))
        if metric is None:
            return []
        begin, suffix = _period(element, observed_at)
        place: dict[str, Any] = {"observed_at": begin, "author_id": account}
        if post := _target(element.get("targetEntity")):
            place |= {"content_id": post, "content_type": "post"}
        return observed(NAME, {metric + suffix: figure(element["count"], below(at, "count"), as_count)}, **place)

    try:
        elements = numbered(mapping(payload, "answer")["elements"], "elements")
        return each(elements, of_one, platform=NAME, observed_at=observed_at, author_id=account)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, "memberCreatorPostAnalytics", exc) from exc


def parse_member_followers(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers of the member who signed in."""
    try:
        first = mapping(listing(mapping(payload, "answer")["elements"], "elements")[0], "element")
        value = as_count(first["memberFollowersCount"])
        return [Observation(NAME, FOLLOWERS, value, observed_at, author_id=account)]
    except (IndexError, KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, "memberFollowersCount", exc) from exc


def parse_posts(payload: Any) -> list[str]:
    """URNs of the posts of a page, shares and others, the newest first."""
    return posts_of(payload)[0]


def posts_of(payload: Any) -> tuple[list[str], list[Fault]]:
    """The URNs, and what is wrong with the posts that have none; raise `MalformedResponse` where none has."""
    try:
        found, faults = gathered(numbered(mapping(payload, "answer")["elements"], "elements"), _urn)
        if faults and not found:
            raise ValueError(str(faults[0]))
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, "posts", exc) from exc
    return found, faults


def parse_problems(payload: Any) -> list[Refused]:
    """What LinkedIn refuses within an answer: a part named with `!` holds the status and message in its place."""
    return [
        Refused(metric, f"answered {problem.get('status')}: {problem.get('message')}"[:200])
        for part, problem in _marked(payload)
        for metric in PARTS.get(part, ())
    ]


def _marked(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for inner in value:
            yield from _marked(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("!") and isinstance(inner, dict):
                yield key[:-1], inner
            else:
                yield from _marked(inner)


def _each_element(
    payload: Any,
    part: str,
    read: Callable[[str, dict[str, Any]], list[Observation]],
    what: str,
    account: str,
    observed_at: datetime,
) -> list[Observation]:
    """What `read` gives of the elements that have that part, refused or not; one element may come by itself."""

    def of_one(at: str, element: Any) -> list[Observation]:
        return read(at, element) if any(key.startswith(part) for key in mapping(element, "element")) else []

    try:
        answer = mapping(payload, "answer")
        alone = "elements" not in answer and part in str(answer)
        elements = [("", answer)] if alone else numbered(answer["elements"], "elements")
        return each(elements, of_one, platform=NAME, observed_at=observed_at, author_id=account)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, what, exc) from exc


def _page_views(total: Any) -> float | None:
    views = mapping(mapping(mapping(total, "total")["views"], "views")["allPageViews"], "allPageViews")
    return as_count(views["pageViews"])


def _urn(post: Any) -> str:
    urn = text(mapping(post, "post")["id"], "id")
    if not urn.startswith("urn:li:"):
        raise ValueError(f"id: expected a URN, found {urn!r:.40}")
    return urn


def _period(element: dict[str, Any], observed_at: datetime) -> tuple[datetime, str]:
    """When a period began and what it adds to a metric's name; a figure without one is of now and adds nothing."""
    if span := element.get("timeRange"):
        start, end = (_from_ms(mapping(span, "timeRange")[name]) for name in ("start", "end"))
        days = max(1, round((end - start) / timedelta(days=1)))
    elif span := element.get("dateRange"):
        start, end = (_midnight(mapping(span, "dateRange")[name]) for name in ("start", "end"))
        days = max(1, (end - start).days)
    else:
        return observed_at, ""
    return start, SUFFIXES.get(days, "_per_month" if 28 <= days <= 31 else f"_per_{days}_days")


def _from_ms(value: object) -> datetime:
    number = as_count(value)
    if number is None:
        raise ValueError("time: expected milliseconds, found nothing")
    return as_time(number / 1000)


def _midnight(value: object) -> datetime:
    day = mapping(value, "date")
    return datetime.combine(date(day["year"], day["month"], day["day"]), datetime.min.time(), UTC)


def _target(entity: object) -> str:
    """The post an element is about, bare or in an object by its kind; '' for all posts."""
    urn = next(iter(entity.values()), "") if isinstance(entity, dict) else entity
    return urn if isinstance(urn, str) else ""
