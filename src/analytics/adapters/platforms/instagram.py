"""Instagram, professional accounts by the Graph API: https://developers.facebook.com/docs/instagram-platform

An account is the number of a professional account of ours, or `@name` for anybody's: of these Instagram
gives the public counts alone. Accounts signed in by Instagram Login are asked at `https://graph.instagram.com`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from analytics.adapters import meta
from analytics.adapters.base import CONTENT_LIMIT, Page, Pages, guarded, page_of, wanted
from analytics.adapters.http import Client
from analytics.adapters.meta_insights import content_figures, content_of, parse_groups, parse_periods, whole_days
from analytics.adapters.values import (
    Figure,
    as_count,
    below,
    each,
    figure,
    figures_of,
    known,
    malformed,
    mapping,
    numbered,
    observed,
    poll_slot,
    readings,
    text,
)
from analytics.errors import AccessDenied, MalformedResponse
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "instagram"
POLL = timedelta(minutes=10)
SERIES_DAYS = 7
TOTAL_DAYS = 3  # each costs a call; figures may come 48 hours late
SETTLES = timedelta(hours=48)
RENAMED_ON = date(2025, 4, 21)  # impressions and plays are refused by every version from then on

USER = {"followers_count": "followers", "follows_count": "following", "media_count": "posts"}
PUBLIC_USER = {"followers_count": "followers", "media_count": "posts"}
MEDIA = {"like_count": "likes", "comments_count": "comments"}
MEDIA_FIELDS = "id,media_type,media_product_type,timestamp,like_count,comments_count"
MEDIA_INSIGHTS = {
    "views": "views",
    "reach": "reach",
    "saved": "saves",
    "shares": "shares",
    "total_interactions": "engagement",
}
STORY_INSIGHTS = {name: ours for name, ours in MEDIA_INSIGHTS.items() if name != "saved"} | {"replies": "replies"}
# what older answers and other kinds of media hold: read where it is there, not asked for
ANY_INSIGHTS = {
    **MEDIA_INSIGHTS,
    **STORY_INSIGHTS,
    "likes": "likes",
    "comments": "comments",
    "follows": "follows",
    "profile_visits": "profile_visits",
    "reposts": "reposts",
    "ig_reels_avg_watch_time": "average_watch_time_ms",
    "ig_reels_video_view_total_time": "watch_time_ms",
    "impressions": "impressions",
    "plays": "plays",
    "video_views": "video_views",
    "engagement": "engagement",
}
# by day, from a series of days, and from one total a day
SERIES = {"reach": "reach", "follower_count": "new_followers"}
TOTALS = {
    "views": "views",
    "total_interactions": "engagement",
    "accounts_engaged": "accounts_engaged",
    "profile_views": "profile_views",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
    "saves": "saves",
}
ANY_PERIOD = {
    **SERIES,
    **TOTALS,
    "impressions": "impressions",
    "replies": "replies",
    "reposts": "reposts",
    "website_clicks": "website_clicks",
    "profile_links_taps": "profile_links_taps",
}
GROUPS = "followers_by_group"
STORIES = "replies"  # only stories have them: asking for the metric asks for the stories
KINDS = {"CAROUSEL_ALBUM": "album", "IMAGE": "image", "VIDEO": "video"}
PRODUCTS = {"REELS": "reel", "STORY": "story"}


def _count(metric: str, title: str, text: str, valid_from: date | None = None, unit: str = "") -> MetricDefinition:
    unit = unit or metric
    return MetricDefinition(NAME, metric, title, unit, "counter", "increase", text, "hourly", SETTLES, valid_from)


def _level(metric: str, title: str, text: str) -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, "users", "counter", "last", text, "hourly")


def _per_day(
    metric: str,
    title: str,
    text: str,
    unit: str = "",
    aggregation: Aggregation = "sum",
    valid_from: date | None = None,
) -> MetricDefinition:
    name, title = f"{metric}_per_day", f"{title} per day"
    text = f"{text} on the Pacific day the reading is dated."
    unit = unit or metric
    return MetricDefinition(NAME, name, title, unit, "gauge", aggregation, text, "daily", SETTLES, valid_from)


DEFINITIONS = (
    _level("followers", "Followers", "Accounts that follow the account."),
    _level("following", "Following", "Accounts the account follows."),
    _count("posts", "Posts", "Media of the account, without stories."),
    _count("likes", "Likes", "Likes of the media; absent where the owner hides them."),
    _count("comments", "Comments", "Comments on the media, without replies to comments."),
    _count("views", "Views", "Times the media was played or displayed.", RENAMED_ON),
    _count("reach", "Reach", "Accounts that have seen the media; media do not add up.", unit="users"),
    _count("saves", "Saves", "Times the media was saved."),
    _count("shares", "Shares", "Times the media was shared."),
    _count("engagement", "Engagement", "Likes, comments and saves of the media.", unit="interactions"),
    _count(
        "engagement",
        "Engagement",
        "Likes, comments, saves and shares of the media, less those withdrawn; organic only.",
        date(2023, 12, 11),
        "interactions",
    ),
    _count("replies", "Replies", "Replies to the story; not counted for some regions."),
    _count("follows", "Follows", "Accounts that followed from the media.", unit="users"),
    _count("profile_visits", "Profile visits", "Visits to the profile from the media.", unit="visits"),
    _count("reposts", "Reposts", "Times the media was reposted."),
    MetricDefinition(
        NAME, "average_watch_time_ms", "Average watch time", "milliseconds", "gauge", "last", "Per play of the reel."
    ),
    _count("watch_time_ms", "Watch time", "Time the reel was played, replays included.", unit="milliseconds"),
    _count("impressions", "Impressions", "Times the media was seen; given until 21 April 2025, then see views."),
    _count("plays", "Plays", "Starts of the reel; given until 21 April 2025, then see views."),
    _count("video_views", "Video views", "Plays of 3 seconds; no longer given, see views.", unit="views"),
    _per_day("reach", "Reach", "Accounts reached; days do not add up,", "users", "mean"),
    _per_day("new_followers", "New followers", "Accounts that began to follow", "users"),
    _per_day("views", "Views", "Times content was played or displayed", valid_from=RENAMED_ON),
    _per_day("impressions", "Impressions", "Until 21 April 2025, then see views: times content was seen"),
    _per_day("engagement", "Engagement", "Interactions with content", "interactions"),
    _per_day("accounts_engaged", "Accounts engaged", "Accounts that interacted; days do not add up,", "users", "mean"),
    _per_day("profile_views", "Profile views", "Views of the profile", "views"),
    _per_day("likes", "Likes", "Likes of content"),
    _per_day("comments", "Comments", "Comments on content"),
    _per_day("shares", "Shares", "Shares of content"),
    _per_day("saves", "Saves", "Saves of content"),
    _per_day("replies", "Replies", "Replies to stories"),
    _per_day("reposts", "Reposts", "Reposts of content"),
    _per_day("website_clicks", "Website clicks", "Clicks on the profile's website", "clicks"),
    _per_day("profile_links_taps", "Profile link taps", "Taps on the profile's buttons", "taps"),
    MetricDefinition(
        NAME, GROUPS, "Followers by group", "users", "gauge", "last", "By age and gender; the top 45 groups.", "daily"
    ),
)
VENDOR = meta.vendor(NAME)


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: the account, its insights by day, its newest media with theirs; or the public counts."""
    at = poll_slot(observed_at, client.step(POLL))
    if account.startswith("@"):
        if public := wanted(metrics, (*PUBLIC_USER.values(), *MEDIA.values())):
            yield from guarded(public, fetch_other, client, account, public, observed_at=at, contents=contents)
        return
    if of_user := wanted(metrics, USER.values()):
        yield from guarded(of_user, fetch_user, client, account, of_user, observed_at=at)
    if series := _of_days(metrics, SERIES):
        yield from guarded(series, fetch_series, client, account, series, observed_at=at)
    if totals := _of_days(metrics, TOTALS):
        yield from guarded(totals, fetch_totals, client, account, totals, observed_at=at)
    of_media = wanted(metrics, (*MEDIA.values(), *MEDIA_INSIGHTS.values()))
    if of_media and contents:
        yield from guarded(of_media, fetch_media, client, account, of_media, observed_at=at, contents=contents)
    if STORIES in metrics:
        yield from guarded((STORIES,), fetch_stories, client, account, metrics, observed_at=at)
    if GROUPS in metrics:
        yield from guarded((GROUPS,), fetch_groups, client, account, observed_at=at)


def _of_days(metrics: Collection[str], offered: dict[str, str]) -> tuple[str, ...]:
    return wanted(metrics, [f"{metric}_per_day" for metric in offered.values()])


def fetch_user(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Page:
    """Followers, following and posts of one of our accounts."""
    answer = meta.get(client, account, {"fields": ",".join(USER)})
    return page_of(answer, parse_user, account=account, observed_at=observed_at, metrics=metrics)


def fetch_series(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Pages:
    """Figures Instagram gives day by day; those of the last days again and again, as they come late."""
    days = whole_days(observed_at, SERIES_DAYS)
    period = {"period": "day", "since": int(days[0][0].timestamp()), "until": int(days[-1][1].timestamp())}
    found = _asked(client, account, SERIES, metrics, period, observed_at=observed_at)
    yield from meta.noting_empty(metrics, found)


def fetch_totals(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Pages:
    """Figures Instagram gives as a total alone: a day a call."""
    yield from meta.noting_empty(metrics, _totals(client, account, metrics, observed_at=observed_at))


def _totals(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Pages:
    left = list(metrics)
    for begin, end in whole_days(observed_at, TOTAL_DAYS):
        since, until = (int(moment.timestamp()) for moment in (begin, end))
        period = {"period": "day", "metric_type": "total_value", "since": since, "until": until}
        for page in _asked(client, account, TOTALS, left, period, observed_at=begin):
            yield page
            refused = {r.metric for r in page.refused}
            left = [metric for metric in left if metric not in refused]
        if not left:
            return


def _asked(
    client: Client,
    account: str,
    offered: dict[str, str],
    metrics: Collection[str],
    params: dict[str, Any],
    *,
    observed_at: datetime,
) -> Pages:
    ours = {theirs: f"{metric}_per_day" for theirs, metric in offered.items()}

    def fetch(names: Sequence[str]) -> Page:
        answer = meta.get(client, f"{account}/insights", {"metric": ",".join(names), **params})
        some = [ours[name] for name in names]
        return page_of(answer, parse_days, account=account, observed_at=observed_at, metrics=some)

    yield from meta.asked([name for name in ours if ours[name] in metrics], fetch, ours=ours, older={})


def fetch_media(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int
) -> Pages:
    """The newest media with their insights; the media within an album have none."""
    of = meta.Listing(f"{account}/media", (meta.Rung(MEDIA_FIELDS),), MEDIA_INSIGHTS, parse_media, parse_insights)
    yield from meta.fetch_contents(client, of, metrics, account=account, observed_at=observed_at, contents=contents)


def fetch_stories(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Pages:
    """The stories of the last 24 hours; under five viewers they have no insights."""
    of = meta.Listing(f"{account}/stories", (meta.Rung(MEDIA_FIELDS),), STORY_INSIGHTS, parse_media, parse_insights)
    common: dict[str, Any] = {"account": account, "observed_at": observed_at, "contents": meta.PER_PAGE}
    yield from meta.fetch_contents(client, of, metrics, **common)


def fetch_groups(client: Client, account: str, *, observed_at: datetime) -> Pages:
    """Followers by age and gender."""
    params = {
        "metric": "follower_demographics",
        "period": "lifetime",
        "metric_type": "total_value",
        "breakdown": "age,gender",
    }
    answer = meta.get(client, f"{account}/insights", params)
    page = page_of(answer, parse_followers, account=account, observed_at=observed_at, metrics=(GROUPS,))
    yield from meta.noting_empty((GROUPS,), [page])


def fetch_other(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int
) -> Pages:
    """Public counts of anybody's professional account, asked in the name of the first account the token may use."""
    own, name = _own_account(client), account.removeprefix("@")
    size = min(meta.PER_PAGE, contents) if any(metric in metrics for metric in MEDIA.values()) else 0
    left, after = contents, ""
    seen: set[str] = set()
    while True:
        media = f",media{after}.limit({size}){{{MEDIA_FIELDS}}}" if size else ""
        fields = f"business_discovery.username({name}){{{','.join(PUBLIC_USER)}{media}}}"
        answer = meta.get(client, own, {"fields": fields})
        some = [metric for metric in metrics if not after or metric in MEDIA.values()]
        yield page_of(answer, parse_discovery, account=account, observed_at=observed_at, metrics=some)
        left -= size
        cursor = _cursor(answer.payload) if size and left > 0 else None
        if cursor is None:
            return
        if cursor in seen:
            raise MalformedResponse(NAME, answer.call, f"paging goes round at {cursor!r:.40}")
        seen.add(cursor)
        after = f".after({cursor})"


def _own_account(client: Client) -> str:
    answer = meta.get(client, "me/accounts", {"fields": "instagram_business_account"})
    for page in meta.items_of(answer.payload):
        account = page.get("instagram_business_account")
        if isinstance(account, dict) and isinstance(account.get("id"), str) and account["id"].isdecimal():
            return str(account["id"])
    if not isinstance(answer.payload, dict) or not isinstance(answer.payload.get("data"), list):
        raise MalformedResponse(NAME, answer.call, "expected a list of pages")
    raise AccessDenied(NAME, answer.call, "no page of the token has a professional account: none to ask others by")


def parse_user(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of one account; what was not asked for or is not shown is unknown."""
    try:
        return readings(NAME, payload, USER, observed_at=observed_at, author_id=account)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"account {account}", exc) from exc


def parse_days(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Insights of an account by day, week or 28 days, see `parse_periods`."""
    return parse_periods(payload, NAME, ANY_PERIOD, account=account, observed_at=observed_at)


def parse_followers(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers by the dimensions of the breakdown, `25-34/F`."""
    return parse_groups(payload, NAME, GROUPS, account=account, observed_at=observed_at)


def parse_media(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each media of a page, or of one, with its insights where they were asked for.

    The children of an album have no figures of their own. Hidden likes are absent: unknown.
    """
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
    try:
        return each(meta.entries(payload), lambda at, media: _of_media(at, media, common), platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"media of {account}", exc) from exc


def parse_insights(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Insights of one media; which one stands in the id of each result."""
    try:
        place: dict[str, Any] = {"observed_at": observed_at, "author_id": account, "content_id": content_of(payload)}
        return observed(NAME, content_figures(payload, ANY_INSIGHTS), **place)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"insights of a media of {account}", exc) from exc


def parse_discovery(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Public counts of another's account and of its media."""
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}
    at = "business_discovery"

    def of_part(_: str, part: str) -> list[Observation]:
        if part == "counts":
            return readings(NAME, user, PUBLIC_USER, **common, at=at)
        media = numbered(mapping(user["media"], "media")["data"], f"{at}.media.data")
        return each(media, lambda at, one: _of_media(at, one, common), platform=NAME, **common)

    try:
        user = mapping(mapping(payload, "answer")[at], at)
        parts = ["counts", "media"] if "media" in user else ["counts"]
        return each(((f"{at}.{part}", part) for part in parts), of_part, platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"account {account}", exc) from exc


def _of_media(at: str, media: Any, common: dict[str, Any]) -> list[Observation]:
    content_id = text(mapping(media, "media")["id"], "id")
    if not media.keys() & {"media_type", "media_product_type", "timestamp", "insights", *MEDIA}:
        raise ValueError(f"{content_id} is no media: it has only {', '.join(map(str, media))}"[:200])
    kind = PRODUCTS.get(str(media.get("media_product_type"))) or KINDS.get(str(media.get("media_type")), "media")
    figures: dict[str, Figure] = dict.fromkeys(MEDIA.values())
    if media.keys() & MEDIA.keys():
        figures |= figures_of(media, MEDIA, at=at)
    more = content_figures(media["insights"], ANY_INSIGHTS, below(at, "insights")) if "insights" in media else {}
    if media.get("view_count") is not None:
        more.setdefault("views", figure(media["view_count"], below(at, "view_count"), as_count))
    figures |= {metric: value for metric, value in more.items() if known(figures.get(metric)) is None}
    return observed(NAME, figures, **common, content_id=content_id, content_type=kind)


def _cursor(payload: Any) -> str | None:
    """The cursor of the next media; a nested listing has no links, and the last page may repeat an old cursor."""
    try:
        media = payload["business_discovery"]["media"]
        cursor = media["paging"]["cursors"]["after"] if media["data"] else None
    except (KeyError, TypeError):
        return None
    return cursor if isinstance(cursor, str) and cursor else None
