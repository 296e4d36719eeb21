"""YouTube Data API v3 (counts) and Analytics API v2 (watch time): https://developers.google.com/youtube

An account is a channel id (`UC…`) or a handle (`@name`). A key reads public counts; watch time, shares
and demographics need the owner's sign-in. Counts cost a unit of the day's quota a call, Analytics none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, Pages, Refused, guarded, page_of, tolerant, wanted
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.prices import Prices
from analytics.adapters.values import as_number, as_time, listing, malformed, mapping, poll_slot, readings, unknown
from analytics.adapters.vendor import BearerAuth, QueryAuth, Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "youtube"
POLL = timedelta(minutes=5)
MAX_IDS_PER_CALL = 50
ANALYTICS = "https://youtubeanalytics.googleapis.com"
PACIFIC = ZoneInfo("America/Los_Angeles")  # quota and report days begin at its midnight
REPORT_DAYS = 7
SETTLES = timedelta(hours=72)
SHORTS_AT_START, ALL_AT_START = date(2025, 3, 31), date(2026, 8, 24)  # since when `views` counts otherwise

CHANNEL = {"viewCount": "views", "subscriberCount": "subscribers", "videoCount": "videos"}
VIDEO = {"viewCount": "views", "likeCount": "likes", "commentCount": "comments"}
REPORT = {
    "views": "views_per_day",
    "estimatedMinutesWatched": "watch_time_minutes",
    "averageViewDuration": "average_view_duration_s",
    "subscribersGained": "subscribers_gained",
    "subscribersLost": "subscribers_lost",
    "shares": "shares_per_day",
    "engagedViews": "engaged_views",
}
VIEWER_SHARE = "viewer_share_pct"


def _count(metric: str, title: str, text: str, valid_from: date | None = None) -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, metric, "counter", "increase", text, valid_from=valid_from)


def _per_day(metric: str, title: str, unit: str, text: str, aggregation: Aggregation = "sum") -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit, "gauge", aggregation, text, "daily", SETTLES)


DEFINITIONS = (
    _count("views", "Views", "Views since publication; a Short counts after some seconds."),
    _count("views", "Views", "Views since publication; a Short counts at every start.", SHORTS_AT_START),
    _count("views", "Views", "Views since publication, counted at playback start, all formats.", ALL_AT_START),
    MetricDefinition(
        NAME, "subscribers", "Subscribers", "users", "counter", "last", "Rounded to three digits for the public."
    ),
    _count("videos", "Videos", "Public videos of the channel."),
    _count("likes", "Likes", "Likes of the video; absent where the owner hides them."),
    _count("comments", "Comments", "Comments on the video; absent where they are switched off."),
    *(
        replace(_per_day("views_per_day", "Views per day", "views", text), valid_from=since)
        for since, text in (
            (None, "Views on the Pacific day the reading is dated; a Short counts after some seconds."),
            (SHORTS_AT_START, "Views on the Pacific day the reading is dated; a Short counts at every start."),
            (ALL_AT_START, "Views on the Pacific day the reading is dated, counted at playback start, all formats."),
        )
    ),
    _per_day("watch_time_minutes", "Watch time", "minutes", "Minutes watched on the Pacific day."),
    _per_day("average_view_duration_s", "Average view duration", "seconds", "Per view on the Pacific day.", "mean"),
    _per_day("subscribers_gained", "Subscribers gained", "users", "On the Pacific day."),
    _per_day("subscribers_lost", "Subscribers lost", "users", "On the Pacific day."),
    _per_day("shares_per_day", "Shares per day", "shares", "Uses of the Share button on the Pacific day."),
    _per_day("engaged_views", "Engaged views", "views", "Views past the first seconds: what `views` meant before."),
    _per_day(VIEWER_SHARE, "Share of viewers", "%", "Signed-in viewers by age group and gender, 28 days.", "last"),
)

REASONS: dict[str, type[SourceError]] = {
    "quotaExceeded": QuotaExhausted,
    "dailyLimitExceeded": QuotaExhausted,
    "rateLimitExceeded": TransientSourceError,
    "userRateLimitExceeded": TransientSourceError,
    "RATE_LIMIT_EXCEEDED": TransientSourceError,
    "backendError": TransientSourceError,
    "keyInvalid": AccessDenied,
    "API_KEY_INVALID": AccessDenied,
    "channelNotFound": SourceNotFound,
    "playlistNotFound": SourceNotFound,
}


def _classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """403 is a spent quota, a rate limit or a refusal, told apart by the reason alone."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if response.is_success or not isinstance(error, dict):
        return None
    if response.status_code in {403, 429} and "per day" in str(error.get("message", "")).lower():
        return QuotaExhausted
    details = [*(error.get("errors") or ()), *(error.get("details") or ())]
    reasons = [detail.get("reason") for detail in details if isinstance(detail, dict)]
    return next((REASONS[reason] for reason in reasons if reason in REASONS), None)


def _auth(token: str) -> httpx.Auth:
    return QueryAuth("key", token) if _is_key(token) else BearerAuth(token)


def _is_key(token: str) -> bool:
    return token.startswith("AIza")  # every Google API key does; OAuth tokens begin with ya29.


VENDOR = Vendor(
    NAME, "https://youtube.googleapis.com", api_version="v3", auth=_auth, classify=_classify, other_hosts=(ANALYTICS,)
)

PRICES = Prices(
    unit="units", contents_per_page=MAX_IDS_PER_CALL, calls_per_page=2, content_metrics=frozenset(VIDEO.values())
)


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: the channel, its newest videos, and the owner's reports where signed in."""
    at = poll_slot(observed_at, POLL)
    of_channel, of_videos = wanted(metrics, CHANNEL.values()), wanted(metrics, VIDEO.values())
    needed = tuple(dict.fromkeys((*of_channel, *of_videos)))
    if needed:
        uploads = yield from guarded(needed, fetch_channel, client, account, of_channel, observed_at=at)
        if uploads and of_videos and contents:
            ids = (yield from guarded(of_videos, fetch_uploads, client, uploads, contents=contents)) or []
            for start in range(0, len(ids), MAX_IDS_PER_CALL):
                batch = ids[start : start + MAX_IDS_PER_CALL]
                yield from guarded(of_videos, fetch_videos, client, batch, of_videos, account=account, observed_at=at)
    if reports := wanted(metrics, REPORT.values()) if metrics or client.signed_in else ():
        yield from guarded(reports, fetch_report, client, reports, account=account, observed_at=observed_at)
    if VIEWER_SHARE in metrics:
        yield from guarded((VIEWER_SHARE,), fetch_viewers, client, account=account, observed_at=observed_at)


def fetch_channel(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime
) -> Generator[Page, None, str | None]:
    """Channel counts; returns the playlist of its uploads."""
    by = {"forHandle": account} if account.startswith("@") else {"id": account}
    answer = get_json(client, "youtube/v3/channels", params={"part": "statistics,contentDetails", **by})
    if isinstance(answer.payload, dict) and not answer.payload.get("items", []):
        raise SourceNotFound(NAME, answer.call, f"no channel {account!r}")  # answered with 200 and no items
    yield page_of(answer, parse_channel, account=account, observed_at=observed_at, metrics=metrics)
    try:
        playlist = answer.payload["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"]
    except (IndexError, KeyError, TypeError) as exc:
        raise malformed(NAME, answer.call, exc) from exc
    if playlist is not None and not isinstance(playlist, str):
        raise MalformedResponse(NAME, answer.call, f"uploads: expected a playlist's id, found {playlist!r:.40}")
    return playlist or None


def fetch_uploads(client: Client, playlist: str, *, contents: int) -> Generator[Page, None, list[str]]:
    """No readings; returns the ids of the newest `contents` videos."""
    ids: list[str] = []
    params: dict[str, str | int] = {"part": "contentDetails", "playlistId": playlist, "maxResults": min(50, contents)}
    for answer in paged(client, "youtube/v3/playlistItems", params=params, cursor="pageToken", next_of=_next):
        ids += parse_uploads(answer.payload)
        yield Page(call=answer.call, api_version=answer.api_version)
        if len(ids) >= contents:
            break
    return ids[:contents]


def fetch_videos(
    client: Client, ids: Sequence[str], metrics: Collection[str], *, account: str, observed_at: datetime
) -> Page:
    """Counts of up to 50 videos; one that is deleted or private is just missing from the answer."""
    params: dict[str, str | int] = {"part": "statistics,snippet", "id": ",".join(ids), "maxResults": MAX_IDS_PER_CALL}
    answer = get_json(client, "youtube/v3/videos", params=params)
    return page_of(
        answer, parse_videos, account=account, observed_at=observed_at, metrics=metrics, contents=contents_of
    )


def fetch_report(client: Client, metrics: Sequence[str], *, account: str, observed_at: datetime) -> Pages:
    """The last days' figures of the signed-in owner's channel, those not yet final again and again."""
    _require_sign_in(client)
    fields = {ours: theirs for theirs, ours in REPORT.items()}
    end = observed_at.astimezone(PACIFIC).date()
    period = {"startDate": str(end - timedelta(days=REPORT_DAYS)), "endDate": str(end)}

    def fetch(some: Sequence[str]) -> Page:
        asked = ",".join(fields[metric] for metric in some)
        params = {"ids": "channel==MINE", **period, "metrics": asked, "dimensions": "day", "sort": "day"}
        answer = get_json(client, client.path_at(ANALYTICS, "v2/reports"), params=params)
        return page_of(
            answer, parse_report, account=account, observed_at=observed_at, metrics=some, problems=_without_column(some)
        )

    yield from tolerant(metrics, fetch)


def fetch_viewers(client: Client, *, account: str, observed_at: datetime) -> Page:
    """Shares of viewers by age and gender over 28 days that are final."""
    _require_sign_in(client)
    end = (observed_at - SETTLES).astimezone(PACIFIC).date()
    params = {
        "ids": "channel==MINE",
        "startDate": str(end - timedelta(days=27)),
        "endDate": str(end),
        "metrics": "viewerPercentage",
        "dimensions": "ageGroup,gender",
    }
    answer = get_json(client, client.path_at(ANALYTICS, "v2/reports"), params=params)
    return page_of(answer, parse_viewers, account=account, observed_at=poll_slot(observed_at, timedelta(days=1)))


def parse_channel(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of the first channel of an answer; hidden subscribers are unknown, whatever the number says."""
    try:
        channel = mapping(listing(mapping(payload, "answer")["items"], "items")[0], "channel")
        if "statistics" not in channel and "id" in channel:
            return unknown(NAME, CHANNEL.values(), observed_at=observed_at, author_id=account)
        statistics = dict(mapping(channel["statistics"], "statistics"))
        if statistics.get("hiddenSubscriberCount") is True:
            statistics["subscriberCount"] = None
        return readings(NAME, statistics, CHANNEL, observed_at=observed_at, author_id=account)
    except (IndexError, KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"channels {account}", exc) from exc


def parse_videos(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each video; numbers arrive as strings, a count that is switched off is absent: unknown."""
    found = []
    try:
        for item in listing(mapping(payload, "answer")["items"], "items"):
            video = mapping(item, "video")
            common: dict[str, Any] = {"observed_at": observed_at, "author_id": account, "content_id": _id_of(video)}
            if "statistics" in video:
                found += readings(NAME, video["statistics"], VIDEO, **common, content_type="video")
            else:
                found += unknown(NAME, VIDEO.values(), **common, content_type="video")
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"videos of {account}", exc) from exc
    return found


def contents_of(payload: Any) -> list[Content]:
    """Title, description, time and address of each video."""
    return [
        Content(
            _id_of(video),
            "video",
            title=video["snippet"].get("title", ""),
            url=f"https://www.youtube.com/watch?v={_id_of(video)}",
            published_at=as_time(video["snippet"]["publishedAt"]),
            text=video["snippet"].get("description", ""),
        )
        for video in payload["items"]
        if "snippet" in video
    ]


def parse_uploads(payload: Any) -> list[str]:
    """Video ids of a page of playlist items, from whichever part was asked for."""
    try:
        return [_uploaded(mapping(item, "item")) for item in listing(mapping(payload, "answer")["items"], "items")]
    except (KeyError, TypeError) as exc:
        raise malformed(NAME, "playlistItems", exc) from exc


def parse_report(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures by day, dated at the Pacific midnight the day began at; without days, totals at `observed_at`.

    Columns are found by their headers; a whole number may arrive as `18552.0`; no `rows` means none yet.
    """
    found = []
    for row in _rows(payload, account):
        day = row.pop("day", None)
        try:
            at = observed_at if day is None else datetime.combine(date.fromisoformat(day), datetime.min.time(), PACIFIC)
            for theirs, value in row.items():
                if isinstance(theirs, str) and theirs in REPORT:
                    found.append(Observation(NAME, REPORT[theirs], as_number(value), at, author_id=account))
        except (TypeError, ValueError) as exc:
            raise malformed(NAME, f"reports {account}", exc) from exc
    return found


def parse_viewers(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Shares of viewers; the series is named by age group and gender, and a pair may be missing."""
    try:
        return [
            Observation(
                NAME,
                VIEWER_SHARE,
                as_number(row["viewerPercentage"]),
                observed_at,
                content_id="/".join(str(row[name]) for name in ("ageGroup", "gender") if name in row),
                content_type="viewers",
                author_id=account,
            )
            for row in _rows(payload, account)
        ]
    except (KeyError, ValueError) as exc:
        raise malformed(NAME, f"viewers of {account}", exc) from exc


def _rows(payload: Any, account: str) -> list[dict[str, Any]]:
    """The rows of a result table by column name."""
    try:
        table = mapping(payload, "answer")
        names = [mapping(header, "header")["name"] for header in listing(table["columnHeaders"], "columnHeaders")]
        rows = listing(table.get("rows") or [], "rows")
        return [dict(zip(names, listing(row, "row"), strict=True)) for row in rows]
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"reports {account}", exc) from exc


def _without_column(asked: Sequence[str]) -> Callable[[Any], list[Refused]]:
    """What says which of the figures asked for have no column in a table."""

    def missing(table: Any) -> list[Refused]:
        there = {REPORT.get(header["name"]) for header in table["columnHeaders"] if isinstance(header["name"], str)}
        return [Refused(metric, "no such column in the report") for metric in asked if metric not in there]

    return missing


def _require_sign_in(client: Client) -> None:
    if not client.signed_in:
        raise AccessDenied(NAME, "GET /v2/reports", "needs the owner's sign-in (OAuth), a key is not enough")


def _id_of(video: dict[str, Any]) -> str:
    """A video's id; search results wrap it in an object."""
    identity = video["id"]["videoId"] if isinstance(video["id"], dict) else video["id"]
    if not isinstance(identity, str):
        raise TypeError(f"video id: expected text, found {identity!r:.40}")
    return identity


def _uploaded(item: dict[str, Any]) -> str:
    details = mapping(item.get("contentDetails") or {}, "contentDetails")
    video = details.get("videoId") or item["snippet"]["resourceId"]["videoId"]
    if not isinstance(video, str):
        raise TypeError(f"video id: expected text, found {video!r:.40}")
    return video


def _next(answer: Answer) -> str | None:
    token = answer.payload.get("nextPageToken") if isinstance(answer.payload, dict) else None
    return token if isinstance(token, str) and token else None
