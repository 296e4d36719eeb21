"""Product Hunt's GraphQL: refusals inside a 200, nulls for what does not exist, and the rank it does not publish."""

from __future__ import annotations

import json

import httpx
import pytest

from analytics.adapters.platforms import producthunt
from analytics.errors import AccessDenied, MalformedResponse, SourceError, SourceNotFound, TransientSourceError

POST = {"id": "1", "slug": "acme", "votesCount": 321, "commentsCount": 42, "featuredAt": "2026-05-31T07:01:00Z"}
UNKNOWN_FIELD = {"errors": [{"message": "Field 'dailyRank' doesn't exist on type 'Post'"}]}


def values(observations):
    return {o.metric_type: o.value for o in observations}


def graphql(**operations):
    """A server that answers each operation from a list in turn, or with one payload for all."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        found = operations[body["operationName"]]
        return httpx.Response(200, json=found(body["variables"]) if callable(found) else found)

    return answer


def ranking(*slugs, more=False, cursor="MjA"):
    edges = [{"node": {"id": s, "slug": s, "votesCount": 5}} for s in slugs]
    return {"data": {"posts": {"pageInfo": {"hasNextPage": more, "endCursor": cursor}, "edges": edges}}}


def collected(answering, answer, metrics=(), account="acme"):
    from datetime import UTC, datetime

    at = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)
    return list(producthunt.collect(answering("producthunt", answer), account, metrics, observed_at=at))


def test_a_post_gives_votes_and_comments(observed_at):
    parsed = producthunt.parse_post({"data": {"post": POST}}, account="acme", observed_at=observed_at)

    assert values(parsed) == {"upvotes": 321, "comments": 42}


@pytest.mark.parametrize(("given", "rank"), [("3", 3), (3, 3), (None, None)])
def test_a_rank_may_be_text_a_number_or_null(answering, given, rank):
    server = graphql(Post={"data": {"post": POST}}, Rank={"data": {"post": {"id": "1", "dailyRank": given}}})

    pages = collected(answering, server, ("rank",))

    assert values(o for p in pages for o in p.observations) == {"rank": rank}


def test_where_the_rank_is_not_offered_it_is_the_place_by_votes(answering):
    """The launch day is Pacific: 07:01 UTC in May is one minute past its midnight."""
    asked = []

    def places(variables):
        asked.append(variables)
        return ranking(*"abc", more=True) if "after" not in variables else ranking("d", "acme")

    pages = collected(answering, graphql(Post={"data": {"post": POST}}, Rank=UNKNOWN_FIELD, Ranking=places), ("rank",))

    assert values(o for p in pages for o in p.observations) == {"rank": 5}
    assert asked[0]["from"] == "2026-05-31T00:00:00-07:00"
    assert asked[0]["to"] == "2026-06-01T00:00:00-07:00"


def test_no_place_among_the_day_is_refused_not_invented(answering):
    pages = collected(
        answering,
        graphql(Post={"data": {"post": POST}}, Rank=UNKNOWN_FIELD, Ranking=ranking("a", "b")),
        ("upvotes", "rank"),
    )

    assert values(o for p in pages for o in p.observations) == {"upvotes": 321}
    assert [(r.metric, r.reason) for p in pages for r in p.refused] == [
        ("rank", "'acme' is not among the first 2 posts of its day")
    ]


def test_a_makers_posts_are_read_page_by_page(answering):
    def made(variables):
        slug, more = ("b", False) if "after" in variables else ("a", True)
        connection = {"pageInfo": {"hasNextPage": more, "endCursor": "Mg"}, "edges": [{"node": POST | {"slug": slug}}]}
        return {"data": {"user": {"id": "9", "madePosts": connection}}}

    maker = {"data": {"user": {"id": "9", "username": "acme", "followers": {"totalCount": 12}}}}
    pages = collected(answering, graphql(Maker=maker, MadePosts=made), account="@acme")

    read = [(o.metric_type, o.content_id, o.value) for p in pages for o in p.observations]
    assert read == [
        ("followers", "", 12),
        ("upvotes", "a", 321),
        ("comments", "a", 42),
        ("upvotes", "b", 321),
        ("comments", "b", 42),
    ]


def test_paging_in_a_circle_is_malformed(answering):
    connection = {"pageInfo": {"hasNextPage": True, "endCursor": "Mg"}, "edges": [{"node": POST}]}
    pages = collected(
        answering, graphql(MadePosts={"data": {"user": {"id": "9", "madePosts": connection}}}), ("upvotes",), "@acme"
    )

    assert isinstance(pages[-1].failure, MalformedResponse)
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"data": {"post": None}}), SourceNotFound),
        (httpx.Response(200, json=UNKNOWN_FIELD), SourceError),
        (httpx.Response(200, json={"data": None, "errors": [{"error": "invalid_oauth_token"}]}), AccessDenied),
        (httpx.Response(200, json={"errors": [{"error": "rate_limit_reached"}]}), TransientSourceError),
        (httpx.Response(401, json={"data": None, "errors": [{"error": "invalid_oauth_token"}]}), AccessDenied),
        (httpx.Response(429, json={"errors": [{"error": "rate_limit_reached"}]}), TransientSourceError),
        (httpx.Response(404, html="<html>"), SourceNotFound),
        (httpx.Response(200, json={"data": {}}), MalformedResponse),
        (httpx.Response(200, json={"data": {"post": [1]}}), MalformedResponse),
        (httpx.Response(200, json=[]), MalformedResponse),
    ],
)
def test_a_refusal_inside_a_200_is_read(answering, observed_at, answer, error):
    client = answering("producthunt", lambda _: answer)

    with pytest.raises(SourceError) as caught:
        list(producthunt.fetch_post(client, "acme", ("upvotes",), observed_at=observed_at))

    assert type(caught.value) is error


def test_a_message_names_the_operation_and_what_was_said(answering, observed_at):
    client = answering("producthunt", lambda _: httpx.Response(200, json=UNKNOWN_FIELD))

    with pytest.raises(SourceError) as caught:
        producthunt.ask(client, "Rank", slug="acme")

    assert str(caught.value) == (
        "producthunt POST /v2/api/graphql Rank: answered 200: Field 'dailyRank' doesn't exist on type 'Post'"
    )


def test_composed_examples_of_the_vendors_schema(contract, observed_at):
    post = contract("producthunt/examples/post_by_slug.json")
    posts = contract("producthunt/examples/posts_page.json")

    one = producthunt.parse_post(post, account="example", observed_at=observed_at)
    some = producthunt.parse_posts(posts, account="example", observed_at=observed_at)

    assert values(one) == {"upvotes": 321, "comments": 42}
    assert [(o.content_id, o.metric_type, o.value) for o in some] == [
        ("1", "upvotes", 10),
        ("1", "comments", 0),
        ("2", "upvotes", 4),
        ("2", "comments", 1),
    ]


@pytest.mark.parametrize(
    ("name", "status", "error"), [("error_401_token", 401, AccessDenied), ("error_200_unknown_field", 200, SourceError)]
)
def test_observed_errors(contract, answering, observed_at, name, status, error):
    body = contract(f"producthunt/examples/{name}.json")
    client = answering("producthunt", lambda _: httpx.Response(status, json=body))

    with pytest.raises(error):
        list(producthunt.fetch_post(client, "acme", ("upvotes",), observed_at=observed_at))
