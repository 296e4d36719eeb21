"""YouTube Data v3 and Analytics v2. The key `spent` has no quota left; reports want a bearer token.

A token that ends in `:@name` is of the owner of that channel and reads no other's reports.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Floats, Flow, dice
from analytics.simulator.platform import Figures, Platform
from analytics.simulator.posts import Post, Publishing, count_posts, posts, snapshot
from analytics.simulator.world import World

ACCOUNT = "@acme"
PACIFIC = ZoneInfo("America/Los_Angeles")
COUNTED_AT_START = datetime(2026, 8, 24, 7, tzinfo=UTC)  # views are counted at playback start from here on
FLOWS = {
    "views": Flow(31_000, start=18_400_000, peak_hour=20, amplitude=0.5, breaks=((COUNTED_AT_START, 1.35),)),
    "subscribers": Flow(130, start=92_000, loss=0.25, sensitivity=0.7),
    "engaged_views": Flow(24_000, peak_hour=20, amplitude=0.5),
    "shares_per_day": Flow(260),
}
PUBLISHING = Publishing(
    per_day=0.45,
    audience=21_000,
    half_life=timedelta(hours=40),
    shares={"views": 1.0, "likes": 0.041, "comments": 0.0037},
    content_type="video",
)
MINUTES_PER_VIEW = 3.4
BEFORE = 40  # videos published before the world began


def _videos(world: World, account: str, at: datetime) -> int:
    return BEFORE + count_posts(world, "youtube", subject_of(account, "videos"), PUBLISHING, at)


def _on_day(name: str, factor: float = 1.0) -> Callable[[World, str, datetime, datetime], float]:
    def figure_of(world: World, account: str, start: datetime, end: datetime) -> float:
        return int(factor * world.increments("youtube", subject_of(account, name), name, start, end).sum())

    return figure_of


DAILY = {
    "views_per_day": _on_day("views"),
    "watch_time_minutes": _on_day("views", MINUTES_PER_VIEW),
    "engaged_views": _on_day("engaged_views"),
    "shares_per_day": _on_day("shares_per_day"),
    "subscribers_gained": _on_day("subscribers"),
    "subscribers_lost": _on_day("subscribers", FLOWS["subscribers"].loss),
}
REPORT = {
    "views": DAILY["views_per_day"],
    "estimatedMinutesWatched": DAILY["watch_time_minutes"],
    "engagedViews": DAILY["engaged_views"],
    "shares": DAILY["shares_per_day"],
    "subscribersGained": DAILY["subscribers_gained"],
    "subscribersLost": DAILY["subscribers_lost"],
    "averageViewDuration": lambda *_: 60 * MINUTES_PER_VIEW,
}
LIMIT = Limit(10_000, timedelta(days=1), lambda *_: {})  # counted in units, told by no header
REASONS = {
    400: ("keyInvalid", "usageLimits", "Bad Request"),
    401: ("authError", "global", "Invalid Credentials"),
    403: ("forbidden", "global", "The caller does not have permission"),
    410: ("notFound", "global", "Gone"),
    404: ("notFound", "global", "Not Found"),
    429: ("rateLimitExceeded", "usageLimits", "Too many requests."),
}
QUOTA = "The request cannot be completed because you have exceeded your quota."


def subject_of(account: str, _metric: str) -> str:
    """A channel by its handle."""
    return account.removeprefix("@").lower()


def token_of(call: Call) -> str | None:
    """A key in the query or a bearer token."""
    return call.query.get("key") or call.bearer


def refusal(status: int, _call: Call) -> Reply:
    """Google's error envelope; the day's quota is a 403."""
    reason, domain, message = REASONS.get(status, ("backendError", "global", "Backend Error"))
    detail = {"message": message, "domain": domain, "reason": reason}
    return Reply({"error": {"code": status, "message": message, "errors": [detail]}}, status)


def _spent(call: Call) -> Reply | None:
    if token_of(call) != "spent" and token_of(call) != "AIza-spent":
        return None
    detail = {"message": QUOTA, "domain": "youtube.quota", "reason": "quotaExceeded"}
    return Reply({"error": {"code": 403, "message": QUOTA, "errors": [detail]}}, 403)


def channels(call: Call) -> Reply:
    """GET youtube/v3/channels by handle or id; an unknown one has no `items`."""
    if spent := _spent(call):
        return spent
    handle = call.query.get("forHandle", "").removeprefix("@").lower()
    name = handle or call.world.known("channel", call.query.get("id", ""))
    head = {"kind": "youtube#channelListResponse", "etag": "x"}
    if not name or name.startswith("nobody"):
        return Reply({**head, "pageInfo": {"totalResults": 0, "resultsPerPage": 5}})
    identity = _channel_id(call.world, name)
    item: dict[str, Any] = {"kind": "youtube#channel", "id": identity}
    if "statistics" in call.query.get("part", ""):
        item["statistics"] = {
            "viewCount": str(call.world.counter("youtube", name, "views", call.at)),
            "subscriberCount": str(_subscribers(call.world, name, call.at)),
            "hiddenSubscriberCount": False,
            "videoCount": str(_videos(call.world, name, call.at)),
        }
    if "contentDetails" in call.query.get("part", ""):
        item["contentDetails"] = {"relatedPlaylists": {"likes": "", "uploads": "UU" + identity[2:]}}
    return Reply({**head, "pageInfo": {"totalResults": 1, "resultsPerPage": 5}, "items": [item]})


def playlist_items(call: Call) -> Reply:
    """GET youtube/v3/playlistItems: a channel's uploads, newest first."""
    if spent := _spent(call):
        return spent
    name = call.world.known("channel", "UC" + call.query.get("playlistId", "")[2:])
    if name is None:
        return refusal(404, call)
    size, token = call.number("maxResults", 5, 50), call.query.get("pageToken", "")
    offset = int(token[1:]) if token[1:].isdecimal() else 0
    found = posts(call.world, "youtube", name, PUBLISHING, call.at, size + 1, offset)
    items = [
        {
            "kind": "youtube#playlistItem",
            "contentDetails": {"videoId": content_id(call.world, p), "videoPublishedAt": f"{p.published_at:%FT%TZ}"},
        }
        for p in found[:size]
    ]
    body: dict[str, Any] = {"kind": "youtube#playlistItemListResponse", "items": items}
    if len(found) > size:
        body["nextPageToken"] = f"C{offset + size}"
    return Reply(body)


def videos(call: Call) -> Reply:
    """GET youtube/v3/videos: every seventh video has comments switched off; unknown ids are just missing."""
    if spent := _spent(call):
        return spent
    items = []
    for identity in call.query.get("id", "").split(",")[:50]:
        post = call.world.known("video", identity)
        if post is not None:
            figures = snapshot(call.world, PUBLISHING, post, call.at)
            statistics = {"viewCount": str(figures["views"]), "likeCount": str(figures["likes"]), "favoriteCount": "0"}
            if post.number % 7:  # see figures_of
                statistics["commentCount"] = str(figures["comments"])
            snippet = {"title": f"Video number {post.number}", "publishedAt": f"{post.published_at:%Y-%m-%dT%H:%M:%SZ}"}
            items.append({"kind": "youtube#video", "id": identity, "snippet": snippet, "statistics": statistics})
    return Reply({"kind": "youtube#videoListResponse", "items": items})


def reports(call: Call) -> Reply:
    """GET v2/reports by day: the last two days are not there yet; an unknown metric fails the whole call."""
    if call.bearer is None:
        return refusal(401, call)
    owner = str(call.bearer).partition(":")[2]
    _, _, identity = call.query.get("ids", "").partition("==")
    name = (owner or ACCOUNT) if identity == "MINE" else call.world.known("channel", identity)
    if name is None or (owner and subject_of(owner, "") != subject_of(name, "")):
        return refusal(403, call)
    metrics = call.query.get("metrics", "").split(",")
    headers = [{"name": name, "columnType": "METRIC", "dataType": "INTEGER"} for name in metrics]
    if metrics == ["viewerPercentage"]:
        return _viewers()
    unknown = [name for name in metrics if name not in REPORT]
    if unknown:
        text = f"Unknown identifier ({unknown[0]}) given in field parameters.metrics."
        detail = {"message": text, "domain": "global", "reason": "badRequest"}
        return Reply({"error": {"code": 400, "message": text, "errors": [detail]}}, 400)
    first, last = (date.fromisoformat(call.query[name]) for name in ("startDate", "endDate"))
    final = (call.at - timedelta(hours=48)).astimezone(PACIFIC).date()
    rows: list[list[Any]] = []
    while first <= min(last, final):
        start, end = (datetime.combine(day, datetime.min.time(), PACIFIC).astimezone(UTC) for day in _pair(first))
        rows.append([str(first), *(float(REPORT[metric](call.world, name, start, end)) for metric in metrics)])
        first += timedelta(days=1)
    headers.insert(0, {"name": "day", "columnType": "DIMENSION", "dataType": "STRING"})
    body: dict[str, Any] = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers}
    return Reply({**body, "rows": rows} if rows else body)


def _viewers() -> Reply:
    names = (("ageGroup", "DIMENSION"), ("gender", "DIMENSION"), ("viewerPercentage", "METRIC"))
    headers = [{"name": name, "columnType": kind, "dataType": "STRING"} for name, kind in names]
    rows = [["age18-24", "female", 21.4], ["age18-24", "male", 24.9], ["age25-34", "female", 25.2]]
    return Reply({"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers, "rows": rows})


def _pair(day: date) -> tuple[date, date]:
    return day, day + timedelta(days=1)


def _subscribers(world: World, name: str, at: datetime) -> int:
    return int(_rounded(np.array([float(world.counter("youtube", name, "subscribers", at))]))[0])


def _rounded(numbers: Floats) -> Floats:
    """Subscribers are public to three digits."""
    unit = 10.0 ** np.clip(np.floor(np.log10(np.maximum(numbers, 1))) - 2, 0, None)
    rounded: Floats = np.floor(numbers / unit) * unit
    return rounded


def _channel_id(world: World, name: str) -> str:
    return world.named("channel", name, "UC" + _text(22, "channel", name))


def figures_of(post: Post, figures: Figures) -> Figures:
    """Every seventh video has comments switched off."""
    return figures if post.number % 7 else {name: figures[name] for name in ("views", "likes")}


def content_id(world: World, post: Post) -> str:
    """Eleven characters."""
    return world.named("video", post, _text(11, "video", post.account, post.number))


def _text(length: int, *names: object) -> str:
    return base64.urlsafe_b64encode(dice(0, *names).bytes(length)).decode()[:length]


PLATFORM = Platform(
    account=ACCOUNT,
    flows=FLOWS,
    routes=(
        ("GET", "/youtube/v3/channels", channels),
        ("GET", "/youtube/v3/playlistItems", playlist_items),
        ("GET", "/youtube/v3/videos", videos),
        ("GET", "/v2/reports", reports),
    ),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    daily=DAILY,
    day_zone="America/Los_Angeles",
    levels={"videos": _videos},
    shown={"subscribers": _rounded},
    subject_of=subject_of,
    publishing=PUBLISHING,
    content_id=content_id,
    figures_of=figures_of,
)
