"""Facebook's shapes: what a person reads off an answer, and what one refusal may cost."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from analytics.adapters.base import definition_in_force
from analytics.adapters.http import Client
from analytics.adapters.platforms import facebook
from analytics.errors import MalformedResponse, TransientSourceError
from analytics.simulator.platforms import facebook as simulated_facebook

OWN = simulated_facebook.ACCOUNT
POST = "175154750010052_424924701699721"


def values(observations):
    return {(o.content_id, o.metric_type): o.value for o in observations}


def read(parser, payload, observed_at):
    return getattr(facebook, parser)(payload, account="1", observed_at=observed_at)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page_default", {"fans": 214507731, "talking_about": 652404, "followers": None}),
        ("page_fields", {"fans": 214507731, "talking_about": None, "followers": None}),
        ("page_node_minimal", {"fans": 1, "talking_about": None, "followers": None}),
    ],
)
def test_a_page(contract, name, expected, observed_at):
    """Fields that were not asked for, or that a small page has not, are unknown."""
    parsed = read("parse_page", contract(f"facebook/examples/{name}.json"), observed_at)

    assert {o.metric_type: o.value for o in parsed} == expected


def test_a_post_with_all_its_counts(contract, observed_at):
    """One person laughed; shares are left out because there are none."""
    parsed = read("parse_posts", contract("facebook/examples/post_single.json"), observed_at)

    assert values(parsed) == {
        (POST, "reactions"): 1,
        (POST, "likes"): 0,
        (POST, "comments"): 0,
        (POST, "shares"): 0,
        (POST, "engagement"): 1,
    }


@pytest.mark.parametrize("number", [1, 2])
def test_posts_whose_counts_were_not_asked_for_are_unknown(contract, number, observed_at):
    """Shares left out beside no other count are no zero."""
    payload = contract(f"facebook/examples/feed_fields_page_{number}.json")

    parsed = read("parse_posts", payload, observed_at)

    assert len({o.content_id for o in parsed}) == 5
    assert {o.value for o in parsed} == {None}


def test_a_list_of_people_is_no_list_of_posts(contract, observed_at):
    with pytest.raises(MalformedResponse, match="facebook posts"):
        read("parse_posts", contract("facebook/examples/likes_page.json"), observed_at)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("insights_page_daily_follows_unique", "new_followers_per_day"),
        ("insights_page_post_engagements", "engagement_per_day"),
    ],
)
def test_insights_by_day(contract, name, metric, observed_at):
    """The ends of the days are at midnight in California: the days are the 2nd and 3rd of September."""
    parsed = read("parse_days", contract(f"facebook/examples/{name}.json"), observed_at)

    assert [(o.metric_type, o.observed_at, o.value) for o in parsed] == [
        (metric, datetime(2026, 9, 2, 7, tzinfo=UTC), 0),
        (metric, datetime(2026, 9, 3, 7, tzinfo=UTC), 0),
    ]


def test_without_a_period_the_answer_holds_every_period(contract, observed_at):
    """A week's reach is another metric than a day's."""
    parsed = read("parse_days", contract("facebook/examples/insights_page_impressions_unique_2020.json"), observed_at)

    assert [(o.metric_type, o.value) for o in parsed] == [
        ("reach_per_day", 66226),
        ("reach_per_day", 78037),
        ("reach_per_week", 202229),
        ("reach_per_week", 206982),
    ]


def test_a_level_told_by_day_is_dated_at_the_days_end(observed_at):
    """`page_fans` was the number of fans at the end of the day."""
    value = {"value": "21", "end_time": "2025-06-02T07:00:00+0000"}

    parsed = read("parse_days", {"data": [{"name": "page_fans", "period": "day", "values": [value]}]}, observed_at)

    assert [(o.metric_type, o.value, o.observed_at) for o in parsed] == [
        ("fans", 21, datetime(2025, 6, 2, 7, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ({"shares": {"count": 4}, "created_time": "x"}, {"shares": 4}),
        ({"shares": None, "comments": {"summary": {"total_count": "2"}}}, {"comments": 2}),
        ({"likes": {"data": [], "summary": {"total_count": 3}}}, {"likes": 3, "shares": 0}),
        ({"reactions": {"data": [{"id": "1"}]}}, {"shares": 0}),
        ({"reactions": {"summary": {}}, "shares": {}}, {}),
        (
            {
                "reactions": {"summary": {"total_count": 5}},
                "comments": {"summary": {"total_count": 2}},
                "insights": {"data": [{"name": "post_impressions_unique", "values": [{"value": 70}]}]},
            },
            {"reactions": 5, "comments": 2, "shares": 0, "engagement": 7, "reach": 70},
        ),
    ],
)
def test_a_count_that_is_not_told_is_unknown(post, expected, observed_at):
    """An edge without a summary shows some people, not how many they are."""
    parsed = read("parse_posts", {"data": [{"id": "1_2", **post}]}, observed_at)

    told = {o.metric_type: o.value for o in parsed if o.value is not None}
    assert told == expected


def test_reactions_by_kind_are_added_up(observed_at):
    result = {
        "name": "post_reactions_by_type_total",
        "period": "lifetime",
        "values": [{"value": {"like": 5, "love": 2}}],
        "id": "1_2/insights/post_reactions_by_type_total/lifetime",
    }

    parsed = read("parse_post_insights", {"data": [result]}, observed_at)

    assert values(parsed) == {("1_2", "reactions"): 7}


@pytest.mark.parametrize("parser", ["parse_page", "parse_posts", "parse_post_insights", "parse_days"])
@pytest.mark.parametrize("payload", [{}, [], None, "text", {"data": {"0": {}}}, {"data": [7]}, {"error": {"code": 1}}])
def test_another_kind_of_answer_is_malformed(parser, payload, observed_at):
    with pytest.raises(MalformedResponse, match="facebook"):
        read(parser, payload, observed_at)


def test_meanings_have_their_dates():
    """The unique viewers were counted otherwise before June 2026: the break is not a fall."""
    of = facebook.DEFINITIONS

    before, after = (definition_in_force(of, "reach_per_day", date(2026, 6, day)) for day in (14, 15))

    assert before is not None
    assert after is not None
    assert (before.definition_id, after.definition_id) == (
        "facebook.reach_per_day",
        "facebook.reach_per_day@2026-06-15",
    )
    assert definition_in_force(of, "views_per_day", date(2025, 11, 14)) is None


@pytest.fixture
def client(simulator, patient):
    with Client(
        facebook.VENDOR, token="EAA-token-of-acme", base_url=simulator.base_url("facebook"), retry=patient
    ) as client:
        yield client


def test_a_competitors_public_counts(client, observed_at):
    """Insights are the owner's alone: they are not asked for, so nothing is refused."""
    pages = list(facebook.collect(client, "@rival", (), observed_at=observed_at, contents=60))

    read_of = {o.metric_type for page in pages for o in page.observations}
    assert read_of == {"followers", "fans", "talking_about", "reactions", "likes", "comments", "shares", "engagement"}
    assert [r for page in pages for r in page.refused] == []


def graph(answers):
    """A Graph that answers by the last part of the path."""

    def answer(request):
        reply = answers[request.url.path.rsplit("/", 1)[-1]]
        reply = reply(request) if callable(reply) else reply
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    return answer


def day(name, value=4):
    values = [{"value": value, "end_time": "2026-11-20T08:00:00+0000"}]
    return {"name": name, "period": "day", "values": values, "id": f"1/insights/{name}/day"}


def test_a_metric_that_was_removed_costs_that_one(answering, contract, observed_at):
    """The recorded refusal does not say which: the others are found by halving."""
    refusal = contract("facebook/examples/error_100_page_impressions_removed.json")

    def insights(request):
        names = request.url.params["metric"].split(",")
        if "page_views_total" in names:
            return httpx.Response(400, json=refusal)
        return {"data": [day(name) for name in names]}

    client = answering("facebook", graph({"insights": insights}))
    metrics = [f"{metric}_per_day" for metric in facebook.DAYS.values()]
    pages = list(facebook.collect(client, "1", metrics, observed_at=observed_at))

    assert {o.metric_type for page in pages for o in page.observations} == set(metrics) - {"page_views_per_day"}
    assert [r.metric for page in pages for r in page.refused] == ["page_views_per_day"]


def test_reach_is_read_by_its_classic_name_where_the_new_is_not_known(answering, observed_at):
    def insights(request):
        names = request.url.params["metric"].split(",")
        if "page_total_media_view_unique" in names:
            error = {"message": "(#100) The value must be a valid insights metric", "code": 100}
            return httpx.Response(400, json={"error": error})
        return {"data": [day(name) for name in names]}

    client = answering("facebook", graph({"insights": insights}))
    pages = list(facebook.collect(client, "1", ("reach_per_day", "views_per_day"), observed_at=observed_at))

    assert {o.metric_type for page in pages for o in page.observations} == {"reach_per_day", "views_per_day"}
    assert [r for page in pages for r in page.refused] == []


def test_counts_that_need_another_permission_cost_themselves(answering, observed_at):
    """Reactions and comments need `pages_read_user_content`; the shares still land, and are no zero where unsaid."""

    def posts(request):
        if "reactions" in request.url.params["fields"]:
            error = {"message": "(#10) This endpoint requires the 'pages_read_user_content' permission", "code": 10}
            return httpx.Response(403, json={"error": error})
        return {
            "data": [{"id": "1_2", "created_time": "x", "shares": {"count": 3}}, {"id": "1_3", "created_time": "x"}]
        }

    client = answering("facebook", graph({"posts": posts}))
    metrics = ("reactions", "comments", "shares")
    pages = list(facebook.collect(client, "1", metrics, observed_at=observed_at))

    told = {key: value for key, value in values(o for page in pages for o in page.observations).items() if value}
    assert told == {("1_2", "shares"): 3}
    assert {r.metric for page in pages for r in page.refused} == {"reactions", "comments"}


def test_a_page_too_heavy_for_one_answer_is_asked_for_with_less(answering, observed_at):
    """Graph says so with a 500, which would otherwise be tried again in vain."""
    made = []

    def posts(request):
        made.append(request.url.params["fields"])
        if "insights" in made[-1]:
            error = {"message": "Please reduce the amount of data you're asking for, then retry", "code": 1}
            return httpx.Response(500, json={"error": error})
        return {"data": [{"id": "1_2", "comments": {"summary": {"total_count": 1}}}]}

    result = {"name": "post_clicks", "values": [{"value": 6}], "id": "1_2/insights/post_clicks/lifetime"}
    client = answering("facebook", graph({"posts": posts, "insights": {"data": [result]}}))
    pages = list(facebook.collect(client, "1", ("comments", "clicks"), observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {("1_2", "comments"): 1, ("1_2", "clicks"): 6}
    assert len(made) == 2


def test_older_posts_are_reached_by_time_where_there_is_no_cursor(answering, contract, observed_at):
    """The recorded feed pages by `until` and `__paging_token`; the second page leads back only."""
    made = []

    def posts(request):
        made.append(dict(request.url.params))
        return contract(f"facebook/examples/feed_fields_page_{len(made)}.json")

    client = answering("facebook", graph({"posts": posts}))
    pages = list(facebook.collect(client, "4", ("comments",), observed_at=observed_at, contents=120))

    assert len(pages) == len(made) == 2
    assert made[1]["until"] == "1624385168"
    assert "access_token" not in made[1]


def test_a_spent_limit_is_transient(answering, contract, waits, observed_at):
    spent = httpx.Response(400, json=contract("facebook/examples/error_4_app_rate_limit.json"))
    client = answering("facebook", lambda _: spent)

    pages = list(facebook.collect(client, "1", ("followers",), observed_at=observed_at))

    assert [type(page.failure) for page in pages] == [TransientSourceError]
    assert waits == [1.0, 2.0, 4.0]


def test_every_request_is_in_the_vendors_description(client, contract, observed_at):
    """Edges, their parameters and the fields are those of the SDK's description."""
    page, post = (contract(f"facebook/spec.Page{kind}.json") for kind in ("", "Post"))
    edges = {api["endpoint"]: {p["name"] for p in api["params"]} for api in page["apis"]}
    within = {api["endpoint"] for api in post["apis"]} | {field["name"] for field in post["fields"]} | {"id"}
    fields = {field["name"] for field in page["fields"]}
    made = []
    client.event_hooks["request"].append(made.append)

    metrics = {definition.metric_type for definition in facebook.DEFINITIONS}
    list(facebook.collect(client, OWN, metrics, observed_at=observed_at, contents=60))

    for request in made:
        parts, params = request.url.path.split("/")[2:], dict(request.url.params)
        assert parts[0] == "v25.0"
        asked = params.get("fields", "").partition(",insights.metric")[0].split(",")
        if len(parts) == 2:
            assert set(asked) <= fields
        elif parts[2] == "posts":
            assert {name.split(".")[0] for name in asked} <= within
            assert set(params) - {"fields", "after"} <= edges["posts"]
        else:
            assert set(params) <= edges[parts[2]]
    assert {request.url.path.split("/")[-1] for request in made} == {OWN, "insights", "posts"}
