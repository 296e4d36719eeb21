"""YouTube's strings, its absent counts, its positional reports, and the reasons behind a 403."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from analytics.adapters.base import definition_in_force
from analytics.adapters.http import Client
from analytics.adapters.platforms import youtube
from analytics.errors import (
    AccessDenied,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)


def values(observations):
    return {o.metric_type: o.value for o in observations}


def videos(*statistics):
    return {"items": [{"id": f"v{i}", "statistics": s} for i, s in enumerate(statistics)]}


def table(names, rows=None):
    headers = [{"name": name, "columnType": "METRIC", "dataType": "INTEGER"} for name in names]
    body = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers}
    return body if rows is None else body | {"rows": rows}


def error(status, reason, message="No."):
    body = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    return httpx.Response(status, json={"error": body})


def test_counts_arrive_as_strings(observed_at):
    payload = videos({"viewCount": "1200", "likeCount": "31", "favoriteCount": "0", "commentCount": "4"})

    parsed = youtube.parse_videos(payload, account="@acme", observed_at=observed_at)

    assert values(parsed) == {"views": 1200, "likes": 31, "comments": 4}
    assert {(o.content_id, o.content_type) for o in parsed} == {("v0", "video")}


def test_a_withheld_count_is_unknown_not_zero(observed_at):
    """Comments switched off: the API leaves the count out."""
    parsed = youtube.parse_videos(
        videos({"viewCount": "1200", "likeCount": "31"}), account="@acme", observed_at=observed_at
    )

    assert values(parsed) == {"views": 1200, "likes": 31, "comments": None}


def test_a_deleted_video_is_just_missing(observed_at):
    assert youtube.parse_videos({"items": []}, account="@acme", observed_at=observed_at) == []


def test_hidden_subscribers_are_unknown_whatever_the_number_says(observed_at):
    statistics = {"viewCount": "9", "subscriberCount": "0", "hiddenSubscriberCount": True, "videoCount": "1"}

    parsed = youtube.parse_channel({"items": [{"statistics": statistics}]}, account="UC1", observed_at=observed_at)

    assert values(parsed) == {"views": 9, "subscribers": None, "videos": 1}


@pytest.mark.parametrize(
    "payload", [{}, [], {"items": {}}, {"items": [{"statistics": {}}]}, videos({"viewCount": "lots"}), videos({})]
)
def test_another_kind_of_answer_is_malformed(observed_at, payload):
    with pytest.raises(MalformedResponse, match="youtube"):
        youtube.parse_videos(payload, account="@acme", observed_at=observed_at)


def test_report_columns_are_found_by_their_headers(observed_at):
    """A whole number may arrive as 18552.0, and days begin at the Pacific midnight, winter or summer."""
    payload = table(["estimatedMinutesWatched", "day", "views"], [[90, "2026-07-01", 18552.0], [80, "2026-11-18", 3]])

    parsed = youtube.parse_report(payload, account="@acme", observed_at=observed_at)

    assert [(o.metric_type, o.value, o.observed_at.astimezone(UTC)) for o in parsed] == [
        ("watch_time_minutes", 90, datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("views_per_day", 18552, datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("watch_time_minutes", 80, datetime(2026, 11, 18, 8, tzinfo=UTC)),
        ("views_per_day", 3, datetime(2026, 11, 18, 8, tzinfo=UTC)),
    ]


def test_a_report_without_rows_says_nothing_yet(observed_at):
    assert youtube.parse_report(table(["day", "views"]), account="@acme", observed_at=observed_at) == []


def test_a_row_of_another_length_than_its_headers_is_malformed(observed_at):
    with pytest.raises(MalformedResponse, match="youtube reports"):
        youtube.parse_report(table(["day", "views"], [["2026-07-01"]]), account="@acme", observed_at=observed_at)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(403, "quotaExceeded"), QuotaExhausted),
        (error(403, "dailyLimitExceeded"), QuotaExhausted),
        (error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'Queries per day'"), QuotaExhausted),
        (error(403, "rateLimitExceeded"), TransientSourceError),
        (error(403, "userRateLimitExceeded"), TransientSourceError),
        (error(429, "rateLimitExceeded"), TransientSourceError),
        (error(403, "forbidden"), AccessDenied),
        (error(400, "keyInvalid", "Bad Request"), AccessDenied),
        (error(400, "invalidParameter"), SourceError),
        (error(404, "playlistNotFound"), SourceNotFound),
        (error(503, "backendError"), TransientSourceError),
        (httpx.Response(200, json={"kind": "youtube#channelListResponse"}), SourceNotFound),
    ],
)
def test_the_reason_tells_a_spent_quota_from_a_rate_limit(answering, observed_at, answer, expected):
    client = answering("youtube", lambda _: answer)

    with pytest.raises(SourceError) as caught:
        list(youtube.fetch_channel(client, "UC1", ("views",), observed_at=observed_at))

    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_403_quota_exceeded", QuotaExhausted),
        ("error_key_invalid", AccessDenied),
        ("error_permission", AccessDenied),
    ],
)
def test_the_vendors_errors(contract, answering, observed_at, name, expected):
    body = contract(f"youtube/examples/{name}.json")
    client = answering("youtube", lambda _: httpx.Response(body["error"]["code"], json=body))

    with pytest.raises(expected):
        list(youtube.fetch_channel(client, "UC1", ("views",), observed_at=observed_at))


def test_one_unknown_report_metric_costs_itself_alone(answering, observed_at):
    """The API refuses the whole call for it; the others are found by halving."""

    def analytics(request: httpx.Request) -> httpx.Response:
        names = request.url.params["metrics"].split(",")
        if "engagedViews" in names:
            return error(400, "badRequest", "Unknown identifier (engagedViews) given in field parameters.metrics.")
        return httpx.Response(200, json=table(["day", *names], [["2026-11-17", *range(len(names))]]))

    pages = list(
        youtube.fetch_report(
            answering("youtube", analytics),
            youtube.Channel("UC1"),
            ("views_per_day", "watch_time_minutes", "shares_per_day", "engaged_views"),
            account="@acme",
            observed_at=observed_at,
        )
    )

    assert {o.metric_type for p in pages for o in p.observations} == {
        "views_per_day",
        "watch_time_minutes",
        "shares_per_day",
    }
    assert [r.metric for p in pages for r in p.refused] == ["engaged_views"]


def test_reports_need_the_owner_and_say_so(answering, observed_at):
    """A key reads counts only: watch time is refused in words, not with an empty column."""
    answer = httpx.Response(200, json={"items": [{"contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}]})
    client = answering("youtube", lambda _: answer, token="AIza-a-key")

    pages = list(youtube.collect(client, "UC1", ("watch_time_minutes",), observed_at=observed_at))

    assert [(r.metric, r.reason) for p in pages for r in p.refused] == [
        ("watch_time_minutes", "needs the owner's sign-in (OAuth), a key is not enough")
    ]


@pytest.mark.parametrize("account", ["@acme", "UC-acme_1"])
@pytest.mark.parametrize("metric", ["watch_time_minutes", "viewer_share_pct"])
def test_reports_are_asked_by_the_accounts_own_channel(answering, observed_at, account, metric):
    """`MINE` would bring the signed-in person's figures under the name of any account, a rival's too."""
    asked = []

    def google(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/channels"):
            found = {"id": "UC-acme_1", "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}
            return httpx.Response(200, json={"items": [found]})
        asked.append(request.url.params["ids"])
        return httpx.Response(200, json=table([]))

    list(youtube.collect(answering("youtube", google), account, (metric,), observed_at=observed_at))

    assert asked == ["channel==UC-acme_1"]


def test_a_channel_without_an_id_costs_its_reports_alone(answering, observed_at):
    """Whose figures they would be is not known, so none are asked for."""
    item = {"statistics": {"viewCount": "7"}, "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}

    def google(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/channels")
        return httpx.Response(200, json={"items": [item]})

    metrics = ("subscribers", "watch_time_minutes")
    pages = list(youtube.collect(answering("youtube", google), "@acme", metrics, observed_at=observed_at))

    assert [(r.metric, r.reason) for p in pages for r in p.refused] == [
        ("watch_time_minutes", "the channel's id could not be read, to ask by")
    ]


def test_the_reports_of_somebody_elses_channel_are_refused(simulator, patient, observed_at):
    options = {"token": "user:@acme", "base_url": simulator.base_url("youtube"), "retry": patient}
    with Client(youtube.VENDOR, **options) as client:
        own, others = (
            list(youtube.collect(client, account, (), observed_at=observed_at, contents=0))
            for account in ("@acme", "@rival")
        )

    assert "watch_time_minutes" in {o.metric_type for p in own for o in p.observations}
    assert {o.metric_type for p in others for o in p.observations} == {"views", "subscribers", "videos"}
    assert {r.metric for p in others for r in p.refused} == set(youtube.REPORT.values())


def test_a_key_goes_into_the_query_and_a_sign_in_into_the_header(answering, observed_at):
    seen = []

    def google(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.params.get("key"), request.headers.get("authorization"), request.url.host))
        return httpx.Response(200, json=table(["day", "views"]))

    for token in ("AIza-a-key", "ya29.a-sign-in"):
        client = answering("youtube", google, token=token)
        if token.startswith("ya29"):
            list(
                youtube.fetch_report(
                    client, youtube.Channel("UC1"), ("views_per_day",), account="@a", observed_at=observed_at
                )
            )
        else:
            youtube.fetch_videos(client, ["v0"], ("views",), account="@a", observed_at=observed_at)

    assert seen == [
        ("AIza-a-key", None, "youtube.googleapis.com"),
        (None, "Bearer ya29.a-sign-in", "youtubeanalytics.googleapis.com"),
    ]


@pytest.mark.parametrize("metric", ["views", "views_per_day"])
def test_views_changed_their_meaning_twice(metric):
    """A step at these days is a break in the definition, no anomaly."""
    days = [datetime(2025, 3, 30), datetime(2025, 3, 31), datetime(2026, 8, 23), datetime(2026, 8, 24)]  # noqa: DTZ001

    ids = [definition_in_force(youtube.DEFINITIONS, metric, day.date()).definition_id for day in days]

    assert ids == [
        f"youtube.{metric}",
        f"youtube.{metric}@2025-03-31",
        f"youtube.{metric}@2025-03-31",
        f"youtube.{metric}@2026-08-24",
    ]


@pytest.mark.parametrize("name", ["videos_page_1", "videos_page_2", "video_single"])
def test_the_vendors_videos(contract, observed_at, name):
    payload = contract(f"youtube/examples/{name}.json")

    parsed = youtube.parse_videos(payload, account="a", observed_at=observed_at)

    read = {o.content_id: o.value for o in parsed if o.metric_type == "views"}
    told = {v["id"]: v.get("statistics", {}).get("viewCount") for v in payload["items"]}
    assert read == {identity: None if count is None else float(count) for identity, count in told.items()}


def test_the_vendors_channels(contract, observed_at):
    with_counts = contract("youtube/examples/channel_single.json")
    without = contract("youtube/examples/channel_by_id.json")

    read, unread = (
        values(youtube.parse_channel(payload, account="a", observed_at=observed_at))
        for payload in (with_counts, without)
    )

    assert read == {"views": 160361638, "subscribers": 1927873, "videos": 5026}
    assert unread == {"views": None, "subscribers": None, "videos": None}


@pytest.mark.parametrize(("name", "count"), [("uploads_page_1", 10), ("uploads_page_2", 3)])
def test_the_vendors_uploads(contract, name, count):
    """These pages were asked for with `snippet`, ours are with `contentDetails`."""
    ids = youtube.parse_uploads(contract(f"youtube/examples/{name}.json"))

    assert len(ids) == count
    assert all(len(identity) == 11 for identity in ids)


def test_the_vendors_reports(contract, observed_at):
    by_day = youtube.parse_report(
        contract("youtube/examples/analytics_day_views.json"), account="a", observed_at=observed_at
    )
    totals = youtube.parse_report(
        contract("youtube/examples/analytics_totals_zero.json"), account="a", observed_at=observed_at
    )
    viewers = youtube.parse_viewers(
        contract("youtube/examples/analytics_age_gender.json"), account="a", observed_at=observed_at
    )

    assert [o.value for o in by_day] == [18552, 15696, 21593]
    assert set(values(totals).values()) == {0.0}
    assert [(o.content_id, o.value) for o in viewers] == [
        ("age13-17/male", 0.5),
        ("age13-17/female", 1.5),
        ("age18-24/male", 3.3),
        ("age18-24/female", 10.4),
    ]
