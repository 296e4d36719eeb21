"""YouTube Data API v3 (counts) and Analytics API v2 (watch time): https://developers.google.com/youtube

An account is a channel id (`UC…`) or a handle (`@name`). A key reads public counts; watch time, shares
and demographics need the owner's sign-in. Counts cost a unit of the day's quota a call, Analytics none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from analytics.adapters.base import (
    CONTENT_LIMIT,
    Page,
    Pages,
    guarded,
    naming_faults,
    page_of,
    tolerant,
    wanted,
)
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.platforms.youtube_answers import (
    CHANNEL,
    DEFINITIONS,
    NAME,
    PACIFIC,
    REPORT,
    SETTLES,
    VIDEO,
    VIEWER_SHARE,
    contents_of,
    parse_channel,
    parse_report,
    parse_uploads,
    parse_videos,
    parse_viewers,
    uploads_of,
    without_column,
)
from analytics.adapters.prices import Prices
from analytics.adapters.values import lost, malformed, poll_slot
from analytics.adapters.vendor import BearerAuth, QueryAuth, Vendor
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)

__all__ = [
    "DEFINITIONS",
    "NAME",
    "VENDOR",
    "collect",
    "contents_of",
    "parse_channel",
    "parse_report",
    "parse_uploads",
    "parse_videos",
    "parse_viewers",
]

POLL = timedelta(minutes=5)
MAX_IDS_PER_CALL = 50
ANALYTICS = "https://youtubeanalytics.googleapis.com"
REPORT_DAYS = 7

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
    at = poll_slot(observed_at, client.step(POLL))
    of_channel, of_videos = wanted(metrics, CHANNEL.values()), wanted(metrics, VIDEO.values())
    reports = wanted(metrics, REPORT.values()) if metrics or client.signed_in else ()
    viewers = (VIEWER_SHARE,) if VIEWER_SHARE in metrics else ()
    needed = tuple(dict.fromkeys((*of_channel, *of_videos)))
    channel = None if account.startswith("@") else Channel(account)
    if channel is None and client.signed_in:
        needed += (*reports, *viewers)  # they are asked by the channel's id
    if needed:
        looked_up = yield from guarded(needed, fetch_channel, client, account, of_channel, observed_at=at)
        channel = looked_up or channel
        if looked_up and looked_up.uploads and of_videos and contents:
            found = guarded(
                of_videos, fetch_uploads, client, looked_up.uploads, account=account, observed_at=at, contents=contents
            )
            ids = (yield from found) or []
            for start in range(0, len(ids), MAX_IDS_PER_CALL):
                batch = ids[start : start + MAX_IDS_PER_CALL]
                yield from guarded(of_videos, fetch_videos, client, batch, of_videos, account=account, observed_at=at)
    if channel is None and client.signed_in:
        return
    common: dict[str, Any] = {"account": account, "observed_at": observed_at}
    if reports:
        yield from guarded(reports, fetch_report, client, channel, reports, **common)
    if viewers:
        yield from guarded(viewers, fetch_viewers, client, channel, **common)


@dataclass(frozen=True, slots=True)
class Channel:
    """What leads on from a channel: its id ('' where it could not be read), and the playlist of its uploads."""

    identity: str
    uploads: str | None = None


def fetch_channel(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime
) -> Generator[Page, None, Channel]:
    """Channel counts; returns what leads on to its videos and reports."""
    by = {"forHandle": account} if account.startswith("@") else {"id": account}
    answer = get_json(client, "youtube/v3/channels", params={"part": "statistics,contentDetails", **by})
    if isinstance(answer.payload, dict) and not answer.payload.get("items", []):
        raise SourceNotFound(NAME, answer.call, f"no channel {account!r}")  # answered with 200 and no items
    yield page_of(answer, parse_channel, account=account, observed_at=observed_at, metrics=metrics)
    try:
        identity = answer.payload["items"][0].get("id")
        playlist = answer.payload["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"]
    except (AttributeError, IndexError, KeyError, TypeError) as exc:
        raise malformed(NAME, answer.call, exc) from exc
    if playlist is not None and not isinstance(playlist, str):
        raise MalformedResponse(NAME, answer.call, f"uploads: expected a playlist's id, found {playlist!r:.40}")
    return Channel(identity if isinstance(identity, str) else "", playlist or None)


def fetch_uploads(
    client: Client, playlist: str, *, account: str, observed_at: datetime, contents: int
) -> Generator[Page, None, list[str]]:
    """No readings; returns the ids of the newest `contents` videos."""
    ids: list[str] = []
    params: dict[str, str | int] = {"part": "contentDetails", "playlistId": playlist, "maxResults": min(50, contents)}
    for answer in paged(client, "youtube/v3/playlistItems", params=params, cursor="pageToken", next_of=_next):
        some, faults = uploads_of(answer.payload)
        ids += some
        unread = [lost(NAME, fault, observed_at=observed_at, author_id=account) for fault in faults]
        yield Page(answer.call, tuple(naming_faults(unread, answer.call)), api_version=answer.api_version)
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


def fetch_report(
    client: Client, channel: Channel | None, metrics: Sequence[str], *, account: str, observed_at: datetime
) -> Pages:
    """The last days' figures of the owner's channel, those not yet final again and again."""
    whose = _whose(client, channel)
    fields = {ours: theirs for theirs, ours in REPORT.items()}
    end = observed_at.astimezone(PACIFIC).date()
    period = {"startDate": str(end - timedelta(days=REPORT_DAYS)), "endDate": str(end)}

    def fetch(some: Sequence[str]) -> Page:
        asked = ",".join(fields[metric] for metric in some)
        params = {"ids": whose, **period, "metrics": asked, "dimensions": "day", "sort": "day"}
        answer = get_json(client, client.path_at(ANALYTICS, "v2/reports"), params=params)
        return page_of(
            answer, parse_report, account=account, observed_at=observed_at, metrics=some, problems=without_column(some)
        )

    yield from tolerant(metrics, fetch)


def fetch_viewers(client: Client, channel: Channel | None, *, account: str, observed_at: datetime) -> Page:
    """Shares of viewers by age and gender over 28 days that are final."""
    whose = _whose(client, channel)
    end = (observed_at - SETTLES).astimezone(PACIFIC).date()
    params = {
        "ids": whose,
        "startDate": str(end - timedelta(days=27)),
        "endDate": str(end),
        "metrics": "viewerPercentage",
        "dimensions": "ageGroup,gender",
    }
    answer = get_json(client, client.path_at(ANALYTICS, "v2/reports"), params=params)
    return page_of(answer, parse_viewers, account=account, observed_at=poll_slot(observed_at, timedelta(days=1)))


def _whose(client: Client, channel: Channel | None) -> str:
    """The channel a report is of, by its id: `MINE` would give the signed-in owner's under any account's name."""
    if not client.signed_in:
        raise AccessDenied(NAME, "GET /v2/reports", "needs the owner's sign-in (OAuth), a key is not enough")
    if channel is None or not re.fullmatch(r"[A-Za-z0-9_-]+", channel.identity):
        raise MalformedResponse(NAME, "GET /v2/reports", "the channel's id could not be read, to ask by")
    return f"channel=={channel.identity}"


def _next(answer: Answer) -> str | None:
    token = answer.payload.get("nextPageToken") if isinstance(answer.payload, dict) else None
    return token if isinstance(token, str) and token else None
