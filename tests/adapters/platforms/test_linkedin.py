"""LinkedIn's shapes: what a person reads off an answer, versions, lists in addresses, limits by endpoint."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest

from analytics.adapters.http import Client
from analytics.adapters.platforms import linkedin
from analytics.errors import AccessDenied, MalformedResponse, QuotaExhausted, SourceNotFound, TransientSourceError
from analytics.simulator.platforms import linkedin as simulated_linkedin

OWN = simulated_linkedin.ACCOUNT
RATE = "engagement_rate_by_impressions"
PARSERS = [name for name in linkedin.__all__ if name.startswith("parse_") and name != "parse_posts"]


def values(observations):
    return {(o.content_id, o.metric_type): o.value for o in observations}


def read(parser, payload, observed_at):
    return getattr(linkedin, parser)(payload, account="1337", observed_at=observed_at)


def test_followers_of_a_page(contract, observed_at):
    """Connections are offered to nobody: the size of the page's network are its followers."""
    parsed = read("parse_followers", contract("linkedin/examples/network_size.json"), observed_at)

    assert values(parsed) == {("", "followers"): 219145}


def test_statistics_in_all(contract, observed_at):
    parsed = read("parse_statistics", contract("linkedin/examples/share_statistics_lifetime.json"), observed_at)

    assert {metric: value for (_, metric), value in values(parsed).items()} == {
        "views": 67703905,
        "reach": 36430528,
        "reactions": 0,
        "comments": 0,
        "shares": 0,
        "clicks": 1999920,
        RATE: 0.029,
    }


@pytest.mark.parametrize("wrapped", [True, False])
def test_statistics_of_one_share(contract, wrapped, observed_at):
    element = contract("linkedin/examples/share_statistics_single_share.json")

    parsed = read("parse_statistics", {"elements": [element]} if wrapped else element, observed_at)

    share = "urn:li:share:1000000"
    assert values(parsed) == {
        (share, "views"): 5287,
        (share, "reach"): 10,
        (share, "reactions"): 14,
        (share, "comments"): 24,
        (share, "shares"): 5,
        (share, "clicks"): 78,
        (share, RATE): 0.022886324947985624,
    }


def test_statistics_of_a_day_are_named_and_dated_by_it(observed_at):
    """Reactions withdrawn can outnumber those given: LinkedIn says so with a number below zero."""
    element = {
        "totalShareStatistics": {"impressionCount": "120", "likeCount": -2},
        "timeRange": {"start": 1795046400000, "end": 1795132800000},
        "organizationalEntity": "urn:li:organization:1337",
    }

    parsed = read("parse_statistics", {"elements": [element]}, observed_at)

    assert values(o for o in parsed if o.value is not None) == {
        ("", "views_per_day"): 120,
        ("", "reactions_per_day"): -2,
    }
    assert {o.observed_at for o in parsed} == {datetime(2026, 11, 19, tzinfo=UTC)}


def test_reach_is_read_in_both_spellings(observed_at):
    """LinkedIn's documentation writes the field in two ways."""
    for field in ("uniqueImpressionsCount", "uniqueImpressionsCounts"):
        parsed = read("parse_statistics", {"elements": [{"totalShareStatistics": {field: 3}}]}, observed_at)

        assert values(parsed)[("", "reach")] == 3


def test_gains_of_a_day(observed_at):
    element = {
        "followerGains": {"organicFollowerGain": -3, "paidFollowerGain": 1},
        "timeRange": {"start": 1795046400000, "end": 1795132800000},
    }

    parsed = read("parse_gains", {"elements": [element], "paging": {}}, observed_at)

    assert values(parsed) == {("", "organic_new_followers_per_day"): -3, ("", "paid_new_followers_per_day"): 1}


def test_follower_facets(contract, observed_at):
    """Facets that are absent are simply missing; a group may have no name."""
    element = contract("linkedin/examples/follower_statistics_element.json")

    parsed = read("parse_groups", {"elements": [element]}, observed_at)

    groups = {o.content_id: o.value for o in parsed}
    assert len(groups) == 17
    assert groups["staffCountRange/SIZE_2_TO_10"] == 29
    assert groups["function/urn:li:function:8"] == 1237 + 18
    assert groups["associationType/"] == 1228 + 184
    assert groups["seniority/urn:li:seniority:9"] == 1


def test_a_post_has_its_urn(contract):
    post = contract("linkedin/examples/post.json")

    assert linkedin.parse_posts({"elements": [post], "paging": {}}) == ["urn:li:share:6844785523593134080"]


def test_page_views(observed_at):
    views = {"allPageViews": {"pageViews": 812}, "allDesktopPageViews": {"pageViews": 700}}

    parsed = read("parse_page_views", {"elements": [{"totalPageStatistics": {"views": views}}]}, observed_at)

    assert values(parsed) == {("", "page_views"): 812}


OBJECT = "com.linkedin.adsexternalapi.memberanalytics.v1.CreatorPostAnalyticsMetricTypeV1"


@pytest.mark.parametrize("kind", ["IMPRESSION", {OBJECT: "IMPRESSION"}])
def test_a_members_figures_in_both_generations(kind, observed_at):
    payload = {"elements": [{"count": 42, "metricType": kind, "dateRange": {}}], "paging": {}}

    assert values(read("parse_member", payload, observed_at)) == {("", "views"): 42}


def test_a_members_day_is_dated(observed_at):
    span = {"start": {"year": 2026, "month": 11, "day": 18}, "end": {"year": 2026, "month": 11, "day": 19}}
    payload = {"elements": [{"count": 7, "metricType": "REACTION", "dateRange": span}]}

    parsed = read("parse_member", payload, observed_at)

    assert [(o.metric_type, o.value, o.observed_at.day) for o in parsed] == [("reactions_per_day", 7, 18)]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("payload", [{}, [], None, "text", {"elements": {"0": 1}}, {"elements": [7]}, {"status": 1}])
def test_another_kind_of_answer_is_malformed(parser, payload, observed_at):
    with pytest.raises(MalformedResponse, match="linkedin"):
        read(parser, payload, observed_at)


def test_a_part_refused_within_the_answer_is_unknown_and_named(answering, observed_at):
    """LinkedIn puts the limit of a part into a 200, under the part's name with an exclamation mark."""
    problem = {"serviceErrorCode": 101, "message": "Resource level throttle limit is reached.", "status": 429}
    client = answering("linkedin", lambda _: httpx.Response(200, json={"firstDegreeSize!": problem}))

    (page,) = linkedin.collect(client, OWN, ("followers",), observed_at=observed_at)

    assert [o.value for o in page.observations] == [None]
    assert [(r.metric, r.reason) for r in page.refused] == [
        ("followers", "answered 429: Resource level throttle limit is reached.")
    ]


def test_a_decoration_that_costs_no_figure_refuses_nothing(contract):
    """The recorded one is about a profile's picture."""
    assert linkedin.parse_problems(contract("linkedin/examples/error_429_decoration.json")) == []


THROTTLE = {"serviceErrorCode": 101, "message": "Resource level throttle APPLICATION DAY limit", "status": 429}


@pytest.mark.parametrize(
    ("status", "body", "headers", "error"),
    [
        (429, THROTTLE, {}, QuotaExhausted),
        (429, {"message": "Resource level throttle limit for calls to this resource is reached."}, {}, QuotaExhausted),
        (429, THROTTLE, {"retry-after": "5"}, TransientSourceError),
        (429, {"message": "Too many requests"}, {}, TransientSourceError),
        (200, THROTTLE, {}, QuotaExhausted),
        (200, {"status": 403, "message": "Not enough permissions"}, {}, AccessDenied),
        (401, {"serviceErrorCode": 65600, "message": "Invalid access token"}, {}, AccessDenied),
        (403, {"serviceErrorCode": 100, "message": "Not enough permissions to access: GET"}, {}, AccessDenied),
        (404, {"message": "Could not find entity"}, {}, SourceNotFound),
        (503, {"message": "Internal Server Error"}, {}, TransientSourceError),
    ],
)
def test_a_refusal_is_read_wherever_it_stands(answering, status, body, headers, error, observed_at):
    client = answering("linkedin", lambda _: httpx.Response(status, json=body, headers=headers))

    (page,) = linkedin.collect(client, OWN, ("followers",), observed_at=observed_at)

    assert type(page.failure) is error
    assert [r.metric for r in page.refused] == ["followers"]


@pytest.fixture
def client(simulator, patient):
    def build(token="token-of-acme"):  # noqa: S107 no secret: the simulator takes any
        return Client(linkedin.VENDOR, token=token, base_url=simulator.base_url("linkedin"), retry=patient)

    return build


def test_a_spent_limit_is_that_endpoints_alone(client, waits, observed_at):
    """LinkedIn counts each endpoint's calls by UTC day: followers still land, and nothing is tried again."""
    with client("spent-token") as asking:
        pages = list(linkedin.collect(asking, OWN, (), observed_at=observed_at, contents=5))

    read_of = {o.metric_type for page in pages for o in page.observations}
    assert read_of == {"followers", "page_views", "organic_new_followers_per_day", "paid_new_followers_per_day"}
    assert {type(page.failure) for page in pages if page.failure} == {QuotaExhausted}
    assert waits == []


def test_a_retired_version_is_replaced_by_a_newer_one(client, observed_at):
    """The version built in dies after a year; the answers say which one gave them."""
    later = observed_at.replace(year=2028)
    with client() as asking:
        asking.headers["X-Simulated-Now"] = later.isoformat()
        pages = list(linkedin.collect(asking, OWN, ("followers", "page_views"), observed_at=later))

    assert [page.failure for page in pages] == [None, None]
    assert {page.api_version for page in pages} == {"202809"}


def test_no_version_at_all_is_said(answering, observed_at):
    body = {"status": 426, "code": "NONEXISTENT_VERSION", "message": "Requested version 20260501 is not active"}
    made = []

    def answer(request):
        made.append(request.headers["linkedin-version"])
        return httpx.Response(426, json=body)

    (page,) = linkedin.collect(answering("linkedin", answer), OWN, ("followers",), observed_at=observed_at)

    assert made == ["202605", "202609", "202607"]
    assert "answered 426" in page.refused[0].reason


def test_lists_and_urns_are_written_as_protocol_2_wants_them(answering, observed_at):
    """Colons encoded, the parentheses and commas of the list itself not; shares and other posts asked apart."""
    posts = ["urn:li:share:1", "urn:li:ugcPost:2", "urn:li:share:3"]
    made = []

    def answer(request):
        made.append((request.url.raw_path.decode(), dict(request.headers)))
        if request.url.path == "/rest/posts":
            return httpx.Response(200, json={"elements": [{"id": post} for post in posts], "paging": {"links": []}})
        return httpx.Response(200, json={"elements": []})

    list(linkedin.collect(answering("linkedin", answer), OWN, ("views",), observed_at=observed_at, contents=9))

    addresses = [address for address, _ in made]
    whose = "q=organizationalEntity&organizationalEntity=urn%3Ali%3Aorganization%3A5515715"
    statistics = f"/rest/organizationalEntityShareStatistics?{whose}"
    assert addresses[1].startswith("/rest/posts?q=author&author=urn%3Ali%3Aorganization%3A5515715&count=9")
    assert addresses[0] == statistics
    assert addresses[2] == f"{statistics}&shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A3)"
    assert addresses[3] == f"{statistics}&ugcPosts=List(urn%3Ali%3AugcPost%3A2)"
    assert {(h["linkedin-version"], h["x-restli-protocol-version"]) for _, h in made} == {("202605", "2.0.0")}


def test_an_interval_refused_in_one_form_is_asked_for_in_the_other(answering, observed_at):
    """The description has it with dots, protocol 2.0 in parentheses."""
    made = []

    def answer(request):
        made.append(request.url.query.decode())
        if "timeIntervals.timeRange" in made[-1]:
            body = {"status": 400, "message": "Invalid query parameters passed to request"}
            return httpx.Response(400, json=body)
        return httpx.Response(200, json={"elements": []})

    list(linkedin.collect(answering("linkedin", answer), OWN, ("views_per_day",), observed_at=observed_at))

    assert made[1].endswith(
        "&timeIntervals=(timeRange:(start:1794528000000,end:1795132800000),timeGranularityType:DAY)"
    )
    assert len(made) == 2


def test_a_full_page_does_not_prove_another(answering, observed_at):
    """Only the link does; the last page may hold exactly as many as were asked for."""
    made = []

    def answer(request):
        made.append(dict(request.url.params))
        if request.url.path != "/rest/posts":
            return httpx.Response(200, json={"elements": []})
        start = int(request.url.params["start"])
        href = "/rest/posts?author=urn%3Ali%3Aorganization%3A5515715&count=50&q=author&start=50"
        links = [{"rel": "next", "href": href}] if start == 0 else [{"rel": "prev", "href": href}]
        elements = [{"id": f"urn:li:share:{start + n}"} for n in range(50)]
        return httpx.Response(200, json={"elements": elements, "paging": {"start": start, "count": 50, "links": links}})

    list(linkedin.collect(answering("linkedin", answer), OWN, ("views",), observed_at=observed_at, contents=500))

    assert [params["start"] for params in made if params["q"] == "author"] == ["0", "50"]


def test_paging_that_does_not_end_is_refused(answering, observed_at):
    links = [{"rel": "next", "href": "/rest/posts?start=0"}]

    def answer(request):
        elements = [{"id": "urn:li:share:1"}] if request.url.path == "/rest/posts" else []
        return httpx.Response(200, json={"elements": elements, "paging": {"links": links}})

    client = answering("linkedin", answer)
    pages = list(linkedin.collect(client, OWN, ("views",), observed_at=observed_at, contents=500))

    assert [str(page.failure) for page in pages if page.failure] == [
        "linkedin " + pages[-1].call + ": paging goes round at start 0"
    ]


def test_a_post_without_activity_is_left_out(answering, contract, observed_at):
    """LinkedIn does not list it: no reading, and no zero."""
    element = contract("linkedin/examples/share_statistics_single_share.json")
    posts = [{"id": "urn:li:share:1000000"}, {"id": "urn:li:share:2000000"}]

    def answer(request):
        of_posts = request.url.path == "/rest/posts"
        found = posts if of_posts else [element] if "shares" in request.url.params else []
        return httpx.Response(200, json={"elements": found})

    client = answering("linkedin", answer)
    pages = list(linkedin.collect(client, OWN, ("views", "clicks"), observed_at=observed_at, contents=10))

    assert values(o for page in pages for o in page.observations) == {
        ("urn:li:share:1000000", "views"): 5287,
        ("urn:li:share:1000000", "clicks"): 78,
    }


def test_anothers_page_shows_its_followers_alone(client, observed_at):
    with client() as asking:
        pages = list(linkedin.collect(asking, "@rival", (), observed_at=observed_at))
        unknown = list(linkedin.collect(asking, "@nobody", (), observed_at=observed_at))

    assert {o.metric_type for page in pages for o in page.observations} == {"followers"}
    assert [type(page.failure) for page in unknown if page.failure] == [SourceNotFound]


def test_the_member_who_signed_in(client, observed_at):
    """Saves and sends are told of members only, clicks of organisations only."""
    with client() as asking:
        pages = list(linkedin.collect(asking, "me", (), observed_at=observed_at))

    read_of = {o.metric_type for page in pages for o in page.observations}
    assert read_of == {"followers", *linkedin.MEMBER.values()}
    assert [page.failure for page in pages if page.failure] == []


def test_one_kind_refused_costs_that_kind(answering, observed_at):
    def answer(request):
        kind = request.url.params.get("queryType")
        if kind == "POST_SEND":
            return httpx.Response(400, json={"status": 400, "message": "Invalid queryType"})
        return httpx.Response(200, json={"elements": [{"count": 3, "metricType": kind}]})

    client = answering("linkedin", answer)
    pages = list(linkedin.collect(client, "me", ("saves", "sends", "views"), observed_at=observed_at))

    assert {o.metric_type for page in pages for o in page.observations} == {"saves", "views"}
    assert [r.metric for page in pages for r in page.refused] == ["sends"]


@pytest.mark.parametrize("account", ["acme", "", "urn:li:person:abc", "12a"])
def test_what_names_no_account_is_not_found(answering, account, observed_at):
    client = answering("linkedin", lambda _: httpx.Response(200, json={}))

    with pytest.raises(SourceNotFound, match="expected an organisation"):
        list(linkedin.collect(client, account, (), observed_at=observed_at))


def test_every_request_is_in_the_vendors_description(client, contract, observed_at):
    """Paths and parameters of what the description has; posts are not in it, nor what a member may ask."""
    description = contract("linkedin/openapi.community_management.json")
    made = []
    with client() as asking:
        asking.event_hooks["request"].append(made.append)
        metrics = {definition.metric_type for definition in linkedin.DEFINITIONS}
        list(linkedin.collect(asking, OWN, metrics, observed_at=observed_at, contents=60))

    seen = set()
    for request in made:
        path = request.url.path.removeprefix("/linkedin/rest")
        for template, methods in description["paths"].items():
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                known = {p["name"] for p in methods["get"]["parameters"] if p["in"] == "query"}
                assert set(request.url.params) - {"shares", "ugcPosts"} <= known
                seen.add(template)
    assert seen == {
        "/networkSizes/urn:li:organization:{organization_id}",
        "/organizationalEntityShareStatistics",
        "/organizationalEntityFollowerStatistics",
        "/organizationPageStatistics",
    }
    assert {r.url.path.removeprefix("/linkedin/rest/") for r in made} - {t.strip("/") for t in seen} == {
        f"networkSizes/urn:li:organization:{OWN}",
        "posts",
    }
