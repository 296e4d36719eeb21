"""X's two generations of names, its partial errors, and its recorded payloads."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from analytics.adapters.platforms import twitter
from analytics.errors import AccessDenied, MalformedResponse, QuotaExhausted, SourceNotFound, TransientSourceError

COUNTS = {"retweet_count": 50, "reply_count": 12, "like_count": 234, "quote_count": 5}
NEWER = {"bookmark_count": 8, "impression_count": 5432}


def values(observations):
    return {o.metric_type: o.value for o in observations}


def test_a_post_gives_its_counts_and_their_sum(observed_at):
    payload = {"data": {"id": "1234567890", "text": "x", "public_metrics": COUNTS | NEWER}}

    parsed = twitter.parse_posts(payload, account="acme", observed_at=observed_at)

    assert values(parsed) == {
        "impressions": 5432,
        "likes": 234,
        "replies": 12,
        "reposts": 50,
        "quotes": 5,
        "bookmarks": 8,
        "engagement": 309,
    }
    assert {(o.content_id, o.content_type, o.author_id) for o in parsed} == {("1234567890", "post", "acme")}


def test_both_generations_of_names_are_one_metric(observed_at):
    """`retweet_count` became `repost_count` in August 2026: the series goes on."""
    newer = {"repost_count" if name == "retweet_count" else name: n for name, n in (COUNTS | NEWER).items()}

    older, renamed = (
        twitter.parse_posts({"data": [{"id": "1", "public_metrics": m}]}, account="a", observed_at=observed_at)
        for m in (COUNTS | NEWER, newer)
    )

    assert older == renamed


def test_counts_x_did_not_yet_give_are_unknown(observed_at):
    """Recordings of 2021 have no bookmarks: the sum of the rest is not the engagement."""
    parsed = twitter.parse_posts(
        {"data": [{"id": "1", "public_metrics": COUNTS}]}, account="a", observed_at=observed_at
    )

    assert values(parsed)["likes"] == 234
    assert [values(parsed)[m] for m in ("bookmarks", "impressions", "engagement")] == [None, None, None]


def test_a_post_without_metrics_is_unknown(observed_at):
    parsed = twitter.parse_posts({"data": {"id": "1", "text": "x"}}, account="a", observed_at=observed_at)

    assert set(values(parsed).values()) == {None}


def test_an_empty_page_may_lack_data(observed_at):
    assert twitter.parse_posts({"meta": {"result_count": 0}}, account="a", observed_at=observed_at) == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        None,
        {"data": "x"},
        {"data": [{"id": 5}]},
        {"data": [{"id": "5", "public_metrics": {"like_count": "x"}}]},
    ],
)
def test_another_kind_of_answer_is_malformed(observed_at, payload):
    with pytest.raises(MalformedResponse, match="twitter"):
        twitter.parse_posts(payload, account="a", observed_at=observed_at)


def test_minutes_make_whole_five_minute_intervals(observed_at):
    """The first interval holds two of its minutes only and is left out, not counted short."""
    buckets = [
        {"start": f"2026-11-20T11:{m:02}:00.000Z", "end": f"2026-11-20T11:{m + 1:02}:00.000Z", name: m}
        for m, name in zip(range(3, 15), ["tweet_count", "post_count"] * 6, strict=True)
    ]

    parsed = twitter.parse_counts({"data": buckets, "meta": {}}, account="acme", observed_at=observed_at)

    assert [(o.metric_type, o.observed_at.minute, o.value) for o in parsed] == [
        ("mentions", 5, 5 + 6 + 7 + 8 + 9),
        ("mentions", 10, 10 + 11 + 12 + 13 + 14),
    ]


def test_the_newer_field_parameter_is_used_where_the_older_is_refused(answering, observed_at):
    asked = []

    def newer_only(request: httpx.Request) -> httpx.Response:
        asked.append(set(request.url.params) & {"tweet.fields", "post.fields"})
        if "tweet.fields" in request.url.params:
            detail = "The query parameter [tweet.fields] is not one of [id, post.fields]"
            return httpx.Response(400, json={"title": "Invalid Request", "detail": detail})
        return httpx.Response(200, json={"data": [{"id": "1", "public_metrics": COUNTS | NEWER}], "meta": {}})

    posts = twitter.fetch_posts(
        answering("twitter", newer_only), "7", ("likes",), account="a", observed_at=observed_at, contents=10
    )

    assert [values(page.observations) for page in posts] == [{"likes": 234}]
    assert asked == [{"tweet.fields"}, {"post.fields"}]


def test_private_metrics_refused_for_one_post_cost_no_other(answering, observed_at):
    """X answers 200 with `errors` beside `data`, and leaves the refused post out."""
    refused = {
        "resource_id": "2",
        "parameter": "non_public_metrics",
        "title": "Field Authorization Error",
        "detail": "Sorry, you are not authorized to access 'non_public_metrics.url_link_clicks' on the Tweet 2.",
        "type": "https://api.twitter.com/2/problems/not-authorized-for-field",
    }
    private = {"url_link_clicks": 89, "user_profile_clicks": 156, "engagements": 345}
    body = {"data": [{"id": "1", "non_public_metrics": private}], "errors": [refused]}
    client = answering("twitter", lambda _: httpx.Response(200, json=body))

    (page,) = twitter.fetch_private(
        client, ["1", "2"], ("link_clicks", "profile_clicks"), account="a", observed_at=observed_at
    )

    assert values(page.observations) == {"link_clicks": 89, "profile_clicks": 156}
    assert [r.metric for r in page.refused] == ["link_clicks"]


def test_private_metrics_are_asked_for_young_posts_only(answering, observed_at):
    """After 30 days X refuses them, and charges for the read."""
    asked = []

    def x(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/tweets") and "ids" in request.url.params:
            asked.append(request.url.params["ids"])
            return httpx.Response(200, json={"data": []})
        if request.url.path.startswith("/2/users/by"):
            return httpx.Response(200, json={"data": {"id": "7", "public_metrics": {"followers_count": 1}}})
        posts = [
            {"id": "1", "created_at": "2026-11-19T00:00:00.000Z", "public_metrics": COUNTS},
            {"id": "2", "created_at": "2026-10-01T00:00:00.000Z", "public_metrics": COUNTS},
        ]
        return httpx.Response(200, json={"data": posts, "meta": {"result_count": 2}})

    list(twitter.collect(answering("twitter", x), "acme", ("link_clicks",), observed_at=observed_at))

    assert asked == ["1"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"errors": [{"title": "Not Found Error", "detail": "Could not find user."}]}, SourceNotFound),
        (200, {"errors": [{"title": "Forbidden", "detail": "User has been suspended: [x]."}]}, AccessDenied),
        (200, {"errors": [{"title": "Authorization Error", "detail": "Sorry, protected."}]}, AccessDenied),
        (200, {"errors": [{"type": "https://api.x.com/2/problems/internal-error"}]}, TransientSourceError),
        (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, TransientSourceError),
        (429, {"title": "UsageCapExceeded", "type": ".../problems/usage-capped", "period": "Monthly"}, QuotaExhausted),
        (402, {"title": "CreditsDepleted", "detail": "Your account has no credits."}, QuotaExhausted),
        (403, {"title": "Client Forbidden", "reason": "client-not-enrolled"}, AccessDenied),
    ],
)
def test_what_x_says_in_the_body_decides(answering, observed_at, status, body, error):
    client = answering("twitter", lambda _: httpx.Response(status, json=body))

    with pytest.raises(error):
        list(twitter.fetch_user(client, "acme", ("followers",), account="acme", observed_at=observed_at))


def test_mentions_are_asked_for_whole_intervals_that_are_over(answering):
    """X refuses an end less than ten seconds ago, and a cut interval would look like a drop."""
    asked = {}

    def x(request: httpx.Request) -> httpx.Response:
        asked.update(request.url.params)
        return httpx.Response(200, json={"data": [], "meta": {"total_tweet_count": 0}})

    at = datetime(2026, 11, 20, 12, 5, 4, tzinfo=UTC)
    twitter.fetch_mentions(answering("twitter", x), "acme", account="acme", observed_at=at)

    assert (asked["start_time"], asked["end_time"]) == ("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z")


@pytest.mark.parametrize("name", ["docs_user_by_username", "user_with_public_metrics"])
def test_the_vendors_users(contract, observed_at, name):
    payload = contract(f"x/examples/{name}.json")

    read = values(twitter.parse_user(payload, account="a", observed_at=observed_at))

    told = payload["data"]["public_metrics"]
    assert read == {
        "followers": told["followers_count"],
        "following": told["following_count"],
        "posts": told["tweet_count"],
        "listed": told["listed_count"],
    }


@pytest.mark.parametrize("name", ["user_timeline_page", "docs_recent_search", "docs_posts_lookup", "docs_dictionary_0"])
def test_the_vendors_posts(contract, observed_at, name):
    payload = contract(f"x/examples/{name}.json")
    posts = payload["data"] if isinstance(payload["data"], list) else [payload["data"]]

    parsed = twitter.parse_posts(payload, account="a", observed_at=observed_at)

    likes = {o.content_id: o.value for o in parsed if o.metric_type == "likes"}
    reposts = {o.content_id: o.value for o in parsed if o.metric_type == "reposts"}
    assert likes == {post["id"]: post["public_metrics"]["like_count"] for post in posts}
    assert reposts == {post["id"]: post["public_metrics"]["retweet_count"] for post in posts}


def test_the_vendors_private_metrics(contract, observed_at):
    payload = contract("x/examples/docs_metrics_nonpublic_organic.json")

    parsed = twitter.parse_private(payload, account="a", observed_at=observed_at)

    assert values(parsed) == {"link_clicks": 89, "profile_clicks": 156, "private_engagements": 345}


@pytest.mark.parametrize("name", ["user_me", "tweet_without_metrics", "search_recent_page"])
def test_the_vendors_answers_without_metrics_are_unknown(contract, observed_at, name):
    payload = contract(f"x/examples/{name}.json")
    parse = twitter.parse_user if name == "user_me" else twitter.parse_posts

    parsed = parse(payload, account="a", observed_at=observed_at)

    assert parsed
    assert {o.value for o in parsed} == {None}


@pytest.mark.parametrize("name", ["counts_recent", "docs_counts_recent"])
def test_the_vendors_counts_keep_their_interval(contract, observed_at, name):
    """Hours and days are not 5-minute intervals: they go under names of their own."""
    payload = contract(f"x/examples/{name}.json")

    parsed = twitter.parse_counts(payload, account="a", observed_at=observed_at)

    assert len({o.metric_type for o in parsed}) == 1
    assert parsed[0].metric_type in {"mentions_per_hour", "mentions_per_day"}
    assert sum(o.value for o in parsed) == sum(b["tweet_count"] for b in payload["data"])
