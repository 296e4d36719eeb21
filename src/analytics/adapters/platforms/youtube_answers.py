"""What YouTube answers: the meaning of its figures, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.adapters.base import Content, Refused, contents_in
from analytics.adapters.values import (
    Fault,
    as_number,
    as_time,
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
    words,
)
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "youtube"
PACIFIC = ZoneInfo("America/Los_Angeles")  # quota and report days begin at its midnight
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


def parse_channel(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of the first channel of an answer; hidden subscribers are unknown, whatever the number says."""
    try:
        channel = mapping(listing(mapping(payload, "answer")["items"], "items")[0], "channel")
        if "statistics" not in channel and "id" in channel:
            return unknown(NAME, CHANNEL.values(), observed_at=observed_at, author_id=account)
        statistics = dict(mapping(channel["statistics"], "statistics"))
        if statistics.get("hiddenSubscriberCount") is True:
            statistics["subscriberCount"] = None
        at = "items[0].statistics"
        return readings(NAME, statistics, CHANNEL, observed_at=observed_at, author_id=account, at=at)
    except (IndexError, KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"channels {account}", exc) from exc


def parse_videos(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each video; numbers arrive as strings, a count that is switched off is absent: unknown."""
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_one(at: str, video: Any) -> list[Observation]:
        place = {**common, "content_id": _id_of(mapping(video, "video")), "content_type": "video"}
        if "statistics" not in video:
            return unknown(NAME, VIDEO.values(), **place)
        return readings(NAME, video["statistics"], VIDEO, **place, at=f"{at}.statistics")

    try:
        return each(numbered(mapping(payload, "answer")["items"], "items"), of_one, platform=NAME, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"videos of {account}", exc) from exc


def contents_of(payload: Any) -> list[Content]:
    """Title, description, time and address of each video."""

    def one(video: dict[str, Any]) -> Content:
        snippet = video["snippet"]
        return Content(
            _id_of(video),
            "video",
            title=words(snippet.get("title")),
            url=f"https://www.youtube.com/watch?v={_id_of(video)}",
            published_at=as_time(snippet["publishedAt"]),
            text=words(snippet.get("description")),
        )

    return contents_in(payload["items"], one)


def parse_uploads(payload: Any) -> list[str]:
    """Video ids of a page of playlist items, from whichever part was asked for."""
    return uploads_of(payload)[0]


def uploads_of(payload: Any) -> tuple[list[str], list[Fault]]:
    """The ids, and what is wrong with the items that have none; raise `MalformedResponse` where none has."""
    try:
        found, faults = gathered(numbered(mapping(payload, "answer")["items"], "items"), _uploaded)
        if faults and not found:
            raise ValueError(str(faults[0]))
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, "playlistItems", exc) from exc
    return found, faults


def parse_report(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Figures by day, dated at the Pacific midnight the day began at; without days, totals at `observed_at`.

    Columns are found by their headers; a whole number may arrive as `18552.0`; no `rows` means none yet.
    """

    def of_row(at: str, row: dict[str, Any]) -> list[Observation]:
        day = row.pop("day", None)
        begin = observed_at if day is None else datetime.combine(date.fromisoformat(day), datetime.min.time(), PACIFIC)
        figures = {
            REPORT[theirs]: figure(value, f"{at}.{theirs}", as_number)
            for theirs, value in row.items()
            if isinstance(theirs, str) and theirs in REPORT
        }
        return observed(NAME, figures, observed_at=begin, author_id=account)

    return _each_row(payload, of_row, f"reports {account}", account, observed_at)


def parse_viewers(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Shares of viewers; the series is named by age group and gender, and a pair may be missing."""

    def of_row(at: str, row: dict[str, Any]) -> list[Observation]:
        group = "/".join(str(row[name]) for name in ("ageGroup", "gender") if name in row)
        share = figure(row["viewerPercentage"], f"{at}.viewerPercentage", as_number)
        place: dict[str, Any] = {"content_id": group, "content_type": "viewers", "author_id": account}
        return observed(NAME, {VIEWER_SHARE: share}, observed_at=observed_at, **place)

    return _each_row(payload, of_row, f"viewers of {account}", account, observed_at)


def _each_row(
    payload: Any,
    read: Callable[[str, dict[str, Any]], list[Observation]],
    what: str,
    account: str,
    observed_at: datetime,
) -> list[Observation]:
    """What `read` gives of every row of a result table, by column name."""
    try:
        table = mapping(payload, "answer")
        names = [mapping(header, "header")["name"] for header in listing(table["columnHeaders"], "columnHeaders")]
        return each(
            numbered(table.get("rows") or [], "rows"),
            lambda at, row: read(at, dict(zip(names, listing(row, "row"), strict=True))),
            platform=NAME,
            observed_at=observed_at,
            author_id=account,
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, what, exc) from exc


def without_column(asked: Sequence[str]) -> Callable[[Any], list[Refused]]:
    """What says which of the figures asked for have no column in a table."""

    def missing(table: Any) -> list[Refused]:
        there = {REPORT.get(header["name"]) for header in table["columnHeaders"] if isinstance(header["name"], str)}
        return [Refused(metric, "no such column in the report") for metric in asked if metric not in there]

    return missing


def _id_of(video: dict[str, Any]) -> str:
    """A video's id; search results wrap it in an object."""
    return text(video["id"]["videoId"] if isinstance(video["id"], dict) else video["id"], "video id")


def _uploaded(item: Any) -> str:
    details = mapping(mapping(item, "item").get("contentDetails") or {}, "contentDetails")
    return text(details.get("videoId") or item["snippet"]["resourceId"]["videoId"], "video id")
