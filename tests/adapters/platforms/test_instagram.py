"""Instagram's shapes: what a person reads off an answer, and what one refusal may cost."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from analytics.adapters.base import definition_in_force
from analytics.adapters.http import Client
from analytics.adapters.platforms import instagram
from analytics.errors import AccessDenied, MalformedResponse, SourceNotFound
from analytics.simulator.platforms import instagram as simulated_instagram

OWN = simulated_instagram.ACCOUNT
REFUSED = {"error": {"message": "(#100) The value must be a valid insights metric", "code": 100}}


def values(observations):
    return {(o.content_id, o.metric_type): o.value for o in observations}


def read(parser, payload, observed_at):
    return getattr(instagram, parser)(payload, account="1", observed_at=observed_at)


def test_an_account(contract, observed_at):
    parsed = read("parse_user", contract("instagram/examples/user_fields.json"), observed_at)

    assert values(parsed) == {("", "followers"): 64363, ("", "posts"): 427, ("", "following"): None}


def test_anothers_account(contract, observed_at):
    parsed = read("parse_discovery", contract("instagram/examples/business_discovery_user.json"), observed_at)

    assert values(parsed) == {("", "followers"): 64976, ("", "posts"): 436}


def test_the_two_pages_of_media(contract, observed_at):
    """An album is one media: its children have no counts and no insights."""
    parsed = [
        o
        for number in (1, 2)
        for o in read("parse_media", contract(f"instagram/examples/user_media_page_{number}.json"), observed_at)
    ]

    assert values(parsed) == {
        ("17895731045244887", "likes"): 0,
        ("17895731045244887", "comments"): 0,
        ("17896622936197745", "likes"): 2,
        ("17896622936197745", "comments"): 6,
        ("17896129349106152", "likes"): 1,
        ("17896129349106152", "comments"): 0,
        ("17893085207160254", "likes"): 1,
        ("17893085207160254", "comments"): 0,
    }
    assert {o.content_type for o in parsed} == {"image", "album"}


def test_a_single_media(contract, observed_at):
    parsed = read("parse_media", contract("instagram/examples/media_default.json"), observed_at)

    assert values(parsed) == {("17896129349106152", "likes"): 1, ("17896129349106152", "comments"): 0}


def test_a_story_shows_no_counts(contract, observed_at):
    parsed = read("parse_media", contract("instagram/examples/story.json"), observed_at)

    assert set(values(parsed).values()) == {None}


def test_insights_of_a_media_with_a_name_of_its_time(contract, observed_at):
    """`impressions` is not `views`: the names are kept apart, as their meanings are."""
    parsed = read("parse_insights", contract("instagram/examples/media_insights.json"), observed_at)

    media = "17846368219941692"
    assert values(parsed) == {(media, "impressions"): 8, (media, "reach"): 5, (media, "saves"): 0}


def test_insights_of_a_reel(contract, observed_at):
    parsed = read("parse_insights", contract("instagram/examples/media_insights_reel_legacy_metrics.json"), observed_at)

    assert {metric: value for (_, metric), value in values(parsed).items()} == {
        "comments": 7,
        "likes": 108,
        "plays": 2385,
        "reach": 2006,
        "saves": 7,
        "shares": 1,
        "average_watch_time_ms": 12549,
        "watch_time_ms": 30017581,
    }


def test_insights_by_day(contract, observed_at):
    """`follower_count` counts those who began to follow that day, not the followers."""
    parsed = read("parse_days", contract("instagram/examples/user_insights_day_values.json"), observed_at)

    assert [(o.metric_type, o.value, o.observed_at) for o in parsed] == [
        ("new_followers_per_day", 1000, datetime(2024, 1, 14, 7, tzinfo=UTC)),
        ("reach_per_day", 500, datetime(2024, 1, 14, 7, tzinfo=UTC)),
    ]


def test_insights_by_day_of_the_older_shape(contract, observed_at):
    parsed = read("parse_days", contract("instagram/examples/user_insights_values.json"), observed_at)

    assert [(o.metric_type, o.observed_at.astimezone(UTC).day, o.value) for o in parsed] == [
        ("impressions_per_day", 3, 4),
        ("impressions_per_day", 4, 66),
        ("reach_per_day", 3, 3),
        ("reach_per_day", 4, 36),
        ("profile_views_per_day", 3, 0),
        ("profile_views_per_day", 4, 2),
    ]


def test_a_total_of_two_days_is_no_days_figure(contract, observed_at):
    """The answer says `day`, its links say that 48 hours are meant; parts by kind of content are not added."""
    payload = contract("instagram/examples/user_insights_total_value_breakdown.json")

    parsed = read("parse_days", payload, observed_at)

    assert [(o.metric_type, o.value, o.observed_at) for o in parsed] == [("reach_per_2_days", 14516883, observed_at)]


def test_followers_by_group(contract, observed_at):
    payload = contract("instagram/examples/follower_demographics_age_gender.json")

    parsed = read("parse_followers", payload, observed_at)

    assert {o.content_id: o.value for o in parsed} == {
        "18-24/F": 10,
        "18-24/M": 7,
        "18-24/U": 1,
        "25-34/F": 25,
        "25-34/M": 19,
        "25-34/U": 2,
    }


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ({"id": "9", "comments_count": 3}, {"likes": None, "comments": 3}),
        ({"id": "9", "like_count": "12", "comments_count": None}, {"likes": 12, "comments": None}),
        ({"id": "9", "media_type": "IMAGE"}, {"likes": None, "comments": None}),
        ({"id": "9", "like_count": 1, "view_count": 40}, {"likes": 1, "comments": None, "views": 40}),
        ({"id": "9", "like_count": 1, "insights": {"data": []}}, {"likes": 1, "comments": None}),
    ],
)
def test_what_is_hidden_is_unknown(media, expected, observed_at):
    """Likes can be hidden and comments switched off: neither is a zero."""
    parsed = read("parse_media", {"data": [media]}, observed_at)

    assert {o.metric_type: o.value for o in parsed} == expected


@pytest.mark.parametrize("parser", ["parse_user", "parse_media", "parse_insights", "parse_days", "parse_discovery"])
@pytest.mark.parametrize("payload", [{}, [], None, "text", {"data": {"0": {}}}, {"data": [7]}, {"error": {"code": 1}}])
def test_another_kind_of_answer_is_malformed(parser, payload, observed_at):
    with pytest.raises(MalformedResponse, match="instagram"):
        read(parser, payload, observed_at)


def test_meanings_have_their_dates():
    """A comparison across the day must see the break."""
    definitions = instagram.DEFINITIONS

    before, on = (definition_in_force(definitions, "views", day) for day in (date(2025, 4, 20), date(2025, 4, 21)))

    assert before is None
    assert on is not None
    assert on.definition_id == "instagram.views@2025-04-21"
    assert definition_in_force(definitions, "impressions", date(2025, 4, 20)) is not None
    engagement = [definition_in_force(definitions, "engagement", date(year, 6, 1)) for year in (2023, 2024)]
    assert engagement[0] != engagement[1]


@pytest.fixture
def client(simulator, patient):
    with Client(
        instagram.VENDOR, token="EAA-token-of-acme", base_url=simulator.base_url("instagram"), retry=patient
    ) as client:
        yield client


def test_a_competitors_public_counts(client, observed_at):
    """Nothing but what Instagram shows of others is asked for, so nothing is refused."""
    pages = list(instagram.collect(client, "@rival", (), observed_at=observed_at, contents=70))

    read_of = {o.metric_type for page in pages for o in page.observations}
    assert read_of == {"followers", "posts", "likes", "comments"}
    assert len({o.content_id for page in pages for o in page.observations if o.content_id}) >= 70
    assert [r for page in pages for r in page.refused] == []


def test_an_unknown_competitor_is_not_found(client, observed_at):
    pages = list(instagram.collect(client, "@nobody", (), observed_at=observed_at, contents=0))

    assert [type(page.failure) for page in pages] == [SourceNotFound]


def test_a_token_without_an_account_cannot_ask_for_others(answering, observed_at):
    client = answering("instagram", lambda _: httpx.Response(200, json={"data": [{"id": "1"}]}))

    pages = list(instagram.collect(client, "@rival", ("followers",), observed_at=observed_at))

    assert [type(page.failure) for page in pages] == [AccessDenied]


def test_groups_are_asked_for_where_params_name_them(client, observed_at):
    pages = list(instagram.collect(client, OWN, ("followers_by_group",), observed_at=observed_at))

    assert {o.content_id for page in pages for o in page.observations} >= {"18-24/F", "25-34/M"}


def graph(answers):
    """A Graph that answers by the end of the path, with a dict or by a function of the request."""

    def answer(request):
        for end, reply in answers.items():
            if request.url.path.endswith(end):
                reply = reply(request) if callable(reply) else reply
                return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)
        return httpx.Response(400, json={"error": {"code": 100, "error_subcode": 33, "message": "does not exist"}})

    return answer


MEDIA = {"data": [{"id": str(n), "media_type": "IMAGE", "like_count": n, "comments_count": 1} for n in (7, 8, 9)]}


def media_asked_one_by_one(request):
    """The listing refuses insights within it, as it does where one media of a page has none."""
    return httpx.Response(400, json=REFUSED) if "insights" in request.url.params["fields"] else MEDIA


def insights_of(request, **figures):
    names, media = request.url.params["metric"].split(","), request.url.path.split("/")[2]
    if any(name not in figures for name in names):
        return httpx.Response(400, json=REFUSED)
    data = [
        {"name": n, "period": "lifetime", "values": [{"value": figures[n]}], "id": f"{media}/insights/{n}/lifetime"}
        for n in names
    ]
    return {"data": data}


def test_insights_refused_within_the_listing_are_asked_media_by_media(answering, observed_at):
    """Counts, and every metric but the one nobody knows any more; that one is not asked for again."""
    made = []

    def insights(request):
        made.append(request.url.params["metric"])
        return insights_of(request, reach=5, saved=2, shares=1, total_interactions=9)

    client = answering("instagram", graph({"/media": media_asked_one_by_one, "/insights": insights}))
    metrics = ("likes", "views", "reach", "saves", "shares", "engagement")
    pages = list(instagram.collect(client, "1", metrics, observed_at=observed_at))

    found = values(o for page in pages for o in page.observations)
    assert {metric for _, metric in found} == {"likes", "reach", "saves", "shares", "engagement"}
    assert {media for media, _ in found} == {"7", "8", "9"}
    assert {r.metric for page in pages for r in page.refused} == {"views"}
    assert [names for names in made if "views" in names][1:] == ["views,reach", "views"]


def test_a_media_deleted_meanwhile_or_older_than_the_account_costs_nothing(answering, observed_at):
    def insights(request):
        if "/8/" in request.url.path:
            error = {"message": "Invalid parameter", "code": 100, "error_subcode": 2108006}
            return httpx.Response(400, json={"error": error})
        return insights_of(request, reach=5)

    client = answering("instagram", graph({"/media": media_asked_one_by_one, "/insights": insights}))
    pages = list(instagram.collect(client, "1", ("reach",), observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {("7", "reach"): 5, ("9", "reach"): 5}
    assert [r for page in pages for r in page.refused] == []


def test_a_metric_refused_for_one_kind_of_media_is_not_refused(answering, observed_at):
    """The others give it: no incident. A kind without any insights is asked once, not metric by metric."""
    made = []

    def insights(request):
        media, names = request.url.path.split("/")[2], request.url.params["metric"].split(",")
        made.append(media)
        if media == "8":
            error = {"message": "(#100) Tried accessing nonexisting field (insights) on node type", "code": 100}
            return httpx.Response(400, json={"error": error})
        if media == "9" and "views" in names:
            said = "(#100) The Media Insights API does not support the views metric for this media product type."
            return httpx.Response(400, json={"error": {"message": said, "code": 100}})
        return insights_of(request, reach=5, views=6)

    client = answering("instagram", graph({"/media": media_asked_one_by_one, "/insights": insights}))
    pages = list(instagram.collect(client, "1", ("reach", "views"), observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {
        ("7", "reach"): 5,
        ("7", "views"): 6,
        ("9", "reach"): 5,
    }
    assert [r for page in pages for r in page.refused] == []
    assert made == ["7", "8", "9", "9"]


def test_without_permission_insights_are_not_asked_of_every_media(answering, contract, observed_at):
    """Two hundred refusals would say no more than one; the counts still land."""
    made = []

    def denied(request):
        made.append(request)
        return httpx.Response(400, json=contract("instagram/examples/error_10_permission.json"))

    client = answering("instagram", graph({"/media": media_asked_one_by_one, "/insights": denied}))
    pages = list(instagram.collect(client, "1", ("likes", "reach", "views"), observed_at=observed_at))

    assert {o.metric_type for page in pages for o in page.observations} == {"likes"}
    assert {r.metric for page in pages for r in page.refused} == {"reach", "views"}
    assert all(request.url.path.split("/")[2] == "7" for request in made)


def test_a_listing_without_insights_in_it_is_completed_media_by_media(answering, observed_at):
    """Where the fields within fields are passed over in silence."""
    insights = lambda request: insights_of(request, reach=5)  # noqa: E731
    client = answering("instagram", graph({"/media": MEDIA, "/insights": insights}))

    pages = list(instagram.collect(client, "1", ("reach",), observed_at=observed_at))

    assert len(values(o for page in pages for o in page.observations)) == 3


def test_an_empty_set_is_unknown_and_said(answering, observed_at):
    """Instagram gives an empty list instead of zeros: no reading, and the metric is named once."""
    client = answering("instagram", graph({"/insights": {"data": []}}))

    pages = list(instagram.collect(client, "1", ("reach_per_day", "views_per_day"), observed_at=observed_at))

    assert [o for page in pages for o in page.observations] == []
    assert sorted(r.metric for page in pages for r in page.refused) == ["reach_per_day", "views_per_day"]


def test_followers_too_few_for_one_metric_cost_that_one(answering, observed_at):
    """`follower_count` needs 100 followers; reach does not."""

    def insights(request):
        names = request.url.params["metric"].split(",")
        if "follower_count" in names:
            return httpx.Response(400, json={"error": {"message": "(#100) Not enough followers", "code": 100}})
        value = {"value": 4, "end_time": "2026-11-20T08:00:00+0000"}
        return {"data": [{"name": n, "period": "day", "values": [value], "id": f"1/insights/{n}/day"} for n in names]}

    client = answering("instagram", graph({"/insights": insights}))
    metrics = ("reach_per_day", "new_followers_per_day")
    pages = list(instagram.collect(client, "1", metrics, observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {("", "reach_per_day"): 4}
    assert {r.metric for page in pages for r in page.refused} == {"new_followers_per_day"}


def test_stories_are_read_where_replies_are_asked_for(answering, observed_at):
    story = {"id": "5", "media_type": "IMAGE", "media_product_type": "STORY"}
    figures = {"views": 20, "reach": 15, "shares": 1, "total_interactions": 3, "replies": 2}
    answers = {"/stories": {"data": [story]}, "/insights": lambda request: insights_of(request, **figures)}

    pages = list(instagram.collect(answering("instagram", graph(answers)), "1", ("replies",), observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {("5", "replies"): 2}


def test_every_request_is_in_the_vendors_description(client, contract, observed_at):
    """Edges, parameters, fields and metrics are those of the SDK's description, and none of the dead ones."""
    user, media = (contract(f"instagram/spec.IG{kind}.json") for kind in ("User", "Media"))
    enums = contract("instagram/enums.json")
    dead = {"impressions", "plays", "clips_replays_count", "ig_reels_aggregated_all_plays_count", "video_views"}
    edges = {api["endpoint"]: {p["name"] for p in api["params"]} for api in user["apis"]}
    fields = {field["name"] for kind in (user, media) for field in kind["fields"]}
    made = []
    client.event_hooks["request"].append(made.append)

    metrics = {definition.metric_type for definition in instagram.DEFINITIONS}
    list(instagram.collect(client, OWN, metrics, observed_at=observed_at, contents=60))

    of_user = set(enums["shadowiguserinsights_metric_enum_param"]["values"])
    of_media = set(enums["shadowigmediainsights_metric_enum_param"]["values"]) - dead
    assert {request.url.path.split("/")[2] for request in made} == {"v25.0"}
    for request in made:
        edge, params = request.url.path.split("/")[4:], dict(request.url.params)
        listed, _, inside = params.get("fields", "").partition(",insights.metric")
        assert set(filter(None, listed.split(","))) <= fields
        assert set(filter(None, inside.strip("()").split(","))) <= of_media
        if edge == ["insights"]:
            assert {"metric", "period"} <= set(params) <= edges["insights"]
            assert set(params["metric"].split(",")) <= of_user
