"""LinkedIn: organisations' statistics, followers and posts; the figures of the member who signed in.

The organisation 5515715 is acme's. A token with `spent` in it has used up the day's share statistics. A version
older than a year, or of a month to come, answers 426.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import numpy as np

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import BLOCK, EPOCH, SLOT, Floats, Flow, dice, slot_of
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, posts, snapshot
from analytics.simulator.world import World

ACCOUNT, BRAND = "5515715", "acme"
YEAR = timedelta(days=365)
RATE = "engagement_rate_by_impressions"
FLOWS = {
    "followers": Flow(64, start=31_000, loss=0.15, sensitivity=0.6, peak_hour=12),
    "views_per_day": Flow(7_800, peak_hour=12, amplitude=0.7),
    "reach_per_day": Flow(4_100, peak_hour=12, amplitude=0.7),
    "reactions_per_day": Flow(160, peak_hour=12),
    "comments_per_day": Flow(19, peak_hour=12),
    "shares_per_day": Flow(12, peak_hour=12),
    "clicks_per_day": Flow(205, peak_hour=12),
    "page_views": Flow(240, start=410_000, peak_hour=12),
    "saves": Flow(5, start=900),
    "sends": Flow(3, start=400),
}
PUBLISHING = Publishing(
    per_day=0.7,
    audience=6_800,
    half_life=timedelta(hours=26),
    shares={"views": 1.0, "reach": 0.62, "reactions": 0.021, "comments": 0.0024, "shares": 0.0016, "clicks": 0.026},
)
FIELDS = {
    "uniqueImpressionsCount": "reach",
    "shareCount": "shares",
    "clickCount": "clicks",
    "likeCount": "reactions",
    "impressionCount": "views",
    "commentCount": "comments",
}
ENGAGED = ("clicks", "reactions", "comments", "shares")
KINDS = {
    "IMPRESSION": "views",
    "MEMBERS_REACHED": "reach",
    "REACTION": "reactions",
    "COMMENT": "comments",
    "RESHARE": "shares",
}
MESSAGES: dict[int, dict[str, Any]] = {
    401: {"serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN", "message": "Invalid access token"},
    403: {
        "serviceErrorCode": 100,
        "code": "ACCESS_DENIED",
        "message": "Not enough permissions to access this resource",
    },
    404: {"code": "RESOURCE_NOT_FOUND", "message": "Could not find entity"},
    429: {"code": "TOO_MANY_REQUESTS", "message": "Too many requests"},
}
THROTTLED = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
LIMIT = Limit(20_000, timedelta(days=1), lambda *_: {})  # told by no header
Daily = Callable[[World, str, datetime, datetime], float]


def subject_of(account: str, _metric: str) -> str:
    """An organisation's name: the number of acme's stands for it, another number for itself."""
    number = account.removeprefix("urn:li:organization:")
    return BRAND if number == ACCOUNT else number.removeprefix("@").lower()


def _on_day(flow: str, share: float = 1.0) -> Daily:
    def figure_of(world: World, account: str, start: datetime, end: datetime) -> float:
        return int(share * world.increments("linkedin", subject_of(account, flow), flow, start, end).sum())

    return figure_of


def _rate_on_day(world: World, account: str, start: datetime, end: datetime) -> float:
    return _rate({name: DAILY[f"{name}_per_day"](world, account, start, end) for name in ("views", *ENGAGED)})


def _rate(figures: dict[str, float]) -> float:
    return sum(figures[name] for name in ENGAGED) / figures["views"] if figures["views"] else 0.0


DAILY: dict[str, Daily] = {name: _on_day(name) for name in FLOWS if name.endswith("_per_day")}
DAILY |= {
    f"{RATE}_per_day": _rate_on_day,
    "organic_new_followers_per_day": _on_day("followers", 0.9),
    "paid_new_followers_per_day": _on_day("followers", 0.1),
}


def _of_year(metric: str) -> Callable[[World, str, datetime], float]:
    """What came in within twelve months: the total LinkedIn gives, which may fall."""
    flow = f"{metric}_per_day"

    def figure_of(world: World, account: str, at: datetime) -> float:
        running = _running(world, subject_of(account, flow), flow, at)
        now, then = (running[max(0, slot_of(moment))] for moment in (at, at - YEAR))
        return float(now - then)

    return figure_of


def _running(world: World, name: str, flow: str, at: datetime) -> Floats:
    """What had come in by the begin of each slot, up to the end of the block that holds `at`."""
    blocks = max(0, slot_of(at)) // BLOCK + 1
    key = ("linkedin running", name, flow, blocks)
    if key not in world.memory:
        came = world.increments("linkedin", name, flow, EPOCH, EPOCH + blocks * BLOCK * SLOT)
        world.memory[key] = np.concatenate([[0.0], np.cumsum(came)])
    running: Floats = world.memory[key]
    return running


LEVELS = {metric: _of_year(metric) for metric in ("views", "reach", *ENGAGED)}
TOTALS = LEVELS | {RATE: lambda *of: _rate({name: LEVELS[name](*of) for name in ("views", *ENGAGED)})}


def token_of(call: Call) -> str | None:
    """LinkedIn answers nobody without a token."""
    return call.bearer


def refusal(status: int, _call: Call) -> Reply:
    """LinkedIn's error object."""
    return Reply({"status": status, **MESSAGES.get(status, {"message": "Internal Server Error"})}, status)


def _versioned(handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """The version must be of the last twelve months, and the protocol 2.0."""

    def answer(call: Call) -> Reply:
        version, month = call.headers.get("linkedin-version", ""), call.at.year * 12 + call.at.month
        asked = int(version[:4]) * 12 + int(version[4:]) if re.fullmatch(r"\d{6}", version) else 0
        if not month - 12 <= asked <= month:
            message = f"Requested version {version}01 is not active"
            return Reply({"status": 426, "code": "NONEXISTENT_VERSION", "message": message}, 426)
        if call.headers.get("x-restli-protocol-version") != "2.0.0":
            return Reply({"status": 400, "message": "Invalid query parameters"}, 400)
        return handler(call)

    return answer


def network_size(call: Call) -> Reply:
    """GET /rest/networkSizes/{urn}: the followers of any organisation."""
    if call.query.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
        return Reply({"status": 400, "message": "Invalid edgeType"}, 400)
    return Reply({"firstDegreeSize": call.world.counter("linkedin", call.path["urn"], "followers", call.at)})


def organizations(call: Call) -> Reply:
    """GET /rest/organizations?q=vanityName."""
    name = call.query.get("vanityName", "").lower()
    if name.startswith("nobody"):
        return Reply({"elements": [], "paging": {"start": 0, "count": 10, "links": []}})
    number = ACCOUNT if name == BRAND else str(dice(0, "organisation", name).integers(10**5, 10**7))
    element = {"id": int(number), "vanityName": name, "localizedName": name.title()}
    return Reply({"elements": [element], "paging": {"start": 0, "count": 10, "links": [], "total": 1}})


def share_statistics(call: Call) -> Reply:
    """GET /rest/organizationalEntityShareStatistics: in all, by day, or of posts; silent posts are left out."""
    if "spent" in str(call.bearer):
        return Reply({"serviceErrorCode": 101, "message": THROTTLED, "status": 429}, 429)
    urn = call.query.get("organizationalEntity", "")
    if "shares" in call.query or "ugcPosts" in call.query:
        return _elements([found for kind in ("shares", "ugcPosts") for found in _of_posts(call, kind, urn)])
    days = _days(call)
    if days is None:
        total = {name: LEVELS[name](call.world, urn, call.at) for name in LEVELS}
        return _elements([{"totalShareStatistics": _statistics(total), "organizationalEntity": urn}])
    elements = []
    for start, end in days:
        figures = {name: DAILY[f"{name}_per_day"](call.world, urn, start, end) for name in LEVELS}
        span = {"start": _ms(start), "end": _ms(end)}
        elements.append({"totalShareStatistics": _statistics(figures), "timeRange": span, "organizationalEntity": urn})
    return _elements(elements)


def _of_posts(call: Call, kind: str, urn: str) -> list[dict[str, Any]]:
    wanted = re.fullmatch(r"List\((.*)\)", call.query.get(kind, ""))
    found = []
    for identity in wanted[1].split(",") if wanted else []:
        post = call.world.known("linkedin post", identity)
        figures = snapshot(call.world, PUBLISHING, post, call.at) if post is not None else {}
        if any(figures.values()):
            part = {"totalShareStatistics": _statistics(figures), "organizationalEntity": urn}
            found.append(part | {kind.removesuffix("s"): identity})
    return found


def _statistics(figures: dict[str, Any]) -> dict[str, float]:
    return {theirs: int(figures[ours]) for theirs, ours in FIELDS.items()} | {"engagement": _rate(figures)}


def follower_statistics(call: Call) -> Reply:
    """GET /rest/organizationalEntityFollowerStatistics: gains by day, or facets without a total."""
    urn, days = call.query.get("organizationalEntity", ""), _days(call)
    if days is None:
        total = call.world.counter("linkedin", urn, "followers", call.at)
        facets = [(f"urn:li:function:{n}", int(total * share)) for n, share in ((8, 0.3), (12, 0.1), (25, 0.2))]
        counts = [
            {"followerCounts": {"organicFollowerCount": n, "paidFollowerCount": 0}, "function": f} for f, n in facets
        ]
        return _elements([{"followerCountsByFunction": counts, "organizationalEntity": urn}])
    elements = []
    for start, end in days:
        gains = {
            "organicFollowerGain": DAILY["organic_new_followers_per_day"](call.world, urn, start, end),
            "paidFollowerGain": DAILY["paid_new_followers_per_day"](call.world, urn, start, end),
        }
        span = {"start": _ms(start), "end": _ms(end)}
        elements.append({"followerGains": gains, "timeRange": span, "organizationalEntity": urn})
    return _elements(elements)


def page_statistics(call: Call) -> Reply:
    """GET /rest/organizationPageStatistics since the page was made."""
    urn = call.query.get("organization", "")
    views = call.world.counter("linkedin", urn, "page_views", call.at)
    total = {"views": {"allPageViews": {"pageViews": views}}, "clicks": {}}
    return _elements([{"totalPageStatistics": total, "organization": urn}])


def listing(call: Call) -> Reply:
    """GET /rest/posts?q=author: newest first, by start and count, with a link to the next page."""
    urn = call.query.get("author", "")
    text = call.query.get("start", "0")
    start, count = int(text) if text.isdecimal() else 0, call.number("count", 10, 100)
    found = posts(call.world, "linkedin", subject_of(urn, ""), PUBLISHING, call.at, count + 1, start)
    links = []
    if len(found) > count:
        query = urlencode({**call.query, "start": start + count})
        links.append({"type": "application/json", "rel": "next", "href": f"/rest/posts?{query}"})
    elements = [
        {
            "id": content_id(call.world, post),
            "author": urn,
            "lifecycleState": "PUBLISHED",
            "publishedAt": _ms(post.published_at),
            "commentary": f"Post number {post.number}",
        }
        for post in found[:count]
    ]
    return Reply({"elements": elements, "paging": {"start": start, "count": count, "links": links}})


def member_followers(call: Call) -> Reply:
    """GET /rest/memberFollowersCount?q=me."""
    return _elements([{"memberFollowersCount": call.world.counter("linkedin", "me", "followers", call.at)}])


def member_posts(call: Call) -> Reply:
    """GET /rest/memberCreatorPostAnalytics?q=me: one kind a call, in all."""
    kind = call.query.get("queryType", "")
    if kind in ("POST_SAVE", "POST_SEND"):
        flow = "saves" if kind == "POST_SAVE" else "sends"
        number = float(call.world.counter("linkedin", "me", flow, call.at))
    elif kind in KINDS:
        number = LEVELS[KINDS[kind]](call.world, "me", call.at)
    else:
        return Reply({"status": 400, "message": f"Invalid queryType {kind}"}, 400)
    version = call.headers["linkedin-version"]
    old = {"com.linkedin.adsexternalapi.memberanalytics.v1.CreatorPostAnalyticsMetricTypeV1": kind}
    return _elements([{"count": int(number), "metricType": kind if version >= "202605" else old, "dateRange": {}}])


def _elements(elements: list[dict[str, Any]]) -> Reply:
    return Reply({"elements": elements, "paging": {"start": 0, "count": 10, "links": [], "total": len(elements)}})


def _days(call: Call) -> list[tuple[datetime, datetime]] | None:
    """The whole UTC days of the call's interval, in either form; None without one."""
    nested = re.search(r"start:(\d+),end:(\d+)", call.query.get("timeIntervals", ""))
    dotted = [call.query.get(f"timeIntervals.timeRange.{name}", "") for name in ("start", "end")]
    bounds = list(nested.groups()) if nested else dotted
    if not all(bound.isdecimal() for bound in bounds):
        return None
    day, end = (datetime.fromtimestamp(int(bound) / 1000, UTC) for bound in bounds)
    days = []
    while day + timedelta(days=1) <= min(end, call.at):
        days.append((day, day + timedelta(days=1)))
        day += timedelta(days=1)
    return days


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def figures_of(_post: Post, figures: Figures) -> Figures:
    """The figures, and the rate of those who did something; 0 before anybody saw it."""
    engaged = sum((figures[name] for name in ENGAGED), np.zeros(1))
    return figures | {RATE: engaged / np.maximum(figures["views"], 1)}


def content_id(world: World, post: Post) -> str:
    """A share's URN, or that of another kind of post for every third."""
    kind = "share" if post.number % 3 else "ugcPost"
    number = int(dice(0, "linkedin", post.account, post.number).integers(10**18, 7 * 10**18))
    return world.named("linkedin post", post, f"urn:li:{kind}:{number}")


ROUTES = {
    "/rest/networkSizes/{urn}": network_size,
    "/rest/organizations": organizations,
    "/rest/organizationalEntityShareStatistics": share_statistics,
    "/rest/organizationalEntityFollowerStatistics": follower_statistics,
    "/rest/organizationPageStatistics": page_statistics,
    "/rest/posts": listing,
    "/rest/memberFollowersCount": member_followers,
    "/rest/memberCreatorPostAnalytics": member_posts,
}
PLATFORM = Platform(
    account=ACCOUNT,
    flows=FLOWS,
    routes=tuple(("GET", path, _versioned(handler)) for path, handler in ROUTES.items()),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    daily=DAILY,
    levels=TOTALS,
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
