"""Reddit's listings, its hidden scores, its errors in three shapes."""

from __future__ import annotations

import httpx
import pytest

from analytics.adapters.platforms import reddit
from analytics.errors import AccessDenied, InputError, MalformedResponse, SourceNotFound, TransientSourceError


def values(observations):
    return {o.metric_type: o.value for o in observations}


def page(*children, after=None):
    return {"kind": "Listing", "data": {"children": list(children), "after": after, "before": None}}


def post(name="t3_a", **data):
    return {"kind": "t3", "data": {"name": name, "score": 17, "upvote_ratio": 0.93, "num_comments": 4, **data}}


def test_a_post_gives_score_ratio_and_comments(observed_at):
    parsed = reddit.parse_listing(page(post()), account="r/acme", observed_at=observed_at)

    assert values(parsed) == {"upvotes": 17, "upvote_ratio": 0.93, "comments": 4}
    assert {(o.content_id, o.content_type, o.author_id) for o in parsed} == {("t3_a", "post", "r/acme")}


def test_a_score_may_be_negative(observed_at):
    """More downvotes than upvotes: a fact, not a fault."""
    parsed = reddit.parse_listing(page(post(score=-12)), account="r/acme", observed_at=observed_at)

    assert values(parsed)["upvotes"] == -12


def test_a_hidden_score_is_unknown(observed_at):
    """Young posts show 1, whatever they have."""
    parsed = reddit.parse_listing(page(post(score=1, hide_score=True)), account="r/acme", observed_at=observed_at)

    assert values(parsed) == {"upvotes": None, "upvote_ratio": 0.93, "comments": 4}


def test_comments_beside_posts_have_a_score_only(observed_at):
    comment = {"kind": "t1", "data": {"name": "t1_c", "score": 6, "body": "[removed]", "author": "[deleted]"}}
    more = {"kind": "more", "data": {"count": 3, "children": ["x"]}}

    parsed = reddit.parse_listing(page(comment, post(), more), account="u/acme", observed_at=observed_at)

    assert [(o.content_type, o.metric_type) for o in parsed] == [
        ("comment", "upvotes"),
        ("post", "upvotes"),
        ("post", "upvote_ratio"),
        ("post", "comments"),
    ]


def test_an_unknown_id_is_an_empty_listing(observed_at):
    assert reddit.parse_listing(page(), account="u/acme", observed_at=observed_at) == []


@pytest.mark.parametrize("payload", [{}, None, "x", {"kind": "Listing", "data": []}, page({"kind": "t3"}), [{}]])
def test_another_kind_of_answer_is_malformed(observed_at, payload):
    with pytest.raises(MalformedResponse, match="reddit"):
        reddit.parse_listing(payload, account="u/acme", observed_at=observed_at)


def test_old_captures_lack_the_total(observed_at):
    payload = {"kind": "t2", "data": {"link_karma": 1, "comment_karma": 15}}

    parsed = reddit.parse_user(payload, account="u/acme", observed_at=observed_at)

    assert values(parsed) == {"karma": None, "link_karma": 1, "comment_karma": 15}


def test_an_unknown_community_is_redirected_to_a_search(answering, observed_at):
    client = answering("reddit", lambda _: httpx.Response(200, json=page()))

    with pytest.raises(SourceNotFound, match="no community 'nobody'"):
        reddit.fetch_community(client, "nobody", ("subscribers",), account="r/nobody", observed_at=observed_at)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"message": "Unauthorized", "error": 401}), AccessDenied),
        (httpx.Response(403, json={"reason": "private", "message": "Forbidden", "error": 403}), AccessDenied),
        (httpx.Response(403, html="<html><body>whoa there, pardner!</body></html>"), AccessDenied),
        (httpx.Response(404, json={"message": "Not Found", "error": 404}), SourceNotFound),
        (httpx.Response(429, text="Too Many Requests"), TransientSourceError),
        (httpx.Response(503, html="<html>Our CDN was unable to reach our servers</html>"), TransientSourceError),
        (httpx.Response(200, html="<html>Please log in</html>"), MalformedResponse),
    ],
)
def test_errors_come_as_json_html_or_text(answering, observed_at, answer, error):
    client = answering("reddit", lambda _: answer)

    with pytest.raises(error):
        reddit.fetch_user(client, "acme", ("karma",), account="u/acme", observed_at=observed_at)


def test_seconds_left_are_waited_for(answering, waits, observed_at):
    headers = {"x-ratelimit-used": "996", "x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "42"}
    about = {"kind": "t2", "data": {"total_karma": 5}}
    client = answering("reddit", [httpx.Response(429, headers=headers), httpx.Response(200, json=about)])

    reddit.fetch_user(client, "acme", ("karma",), account="u/acme", observed_at=observed_at)

    assert waits == [42.0]


def test_remaining_calls_are_read_from_a_decimal(answering, observed_at):
    about = httpx.Response(
        200, json={"kind": "t2", "data": {"total_karma": 5}}, headers={"x-ratelimit-remaining": "299.0"}
    )

    page_read = reddit.fetch_user(
        answering("reddit", lambda _: about), "acme", ("karma",), account="u/acme", observed_at=observed_at
    )

    assert page_read.rate_limit_remaining == 299


@pytest.mark.parametrize("account", ["acme", "r/", "x/acme", ""])
def test_an_account_is_a_user_or_a_community(answering, observed_at, account):
    with pytest.raises(InputError, match="expected u/name or r/name"):
        list(reddit.collect(answering("reddit", []), account, (), observed_at=observed_at))


@pytest.mark.parametrize(("name", "total"), [("user_about", 1), ("user_about_old", None)])
def test_the_vendors_users(contract, observed_at, name, total):
    body = contract(f"reddit/examples/{name}.json")["body"]

    read = values(reddit.parse_user(body, account="u/a", observed_at=observed_at))

    told = body["data"]
    assert read == {"karma": total, "link_karma": told["link_karma"], "comment_karma": told["comment_karma"]}


def test_the_vendors_community(contract, observed_at):
    body = contract("reddit/examples/subreddit_about.json")["body"]

    assert values(reddit.parse_community(body, account="r/a", observed_at=observed_at)) == {"subscribers": 47456009}


@pytest.mark.parametrize(
    "name",
    [
        "submission_2025",
        "submission_crosspost",
        "comments_listing_pair",
        "user_overview_page",
        "duplicates",
        "info_comment",
    ],
)
def test_the_vendors_listings(contract, observed_at, name):
    body = contract(f"reddit/examples/{name}.json")["body"]
    children = [child for part in (body if isinstance(body, list) else [body]) for child in part["data"]["children"]]

    parsed = reddit.parse_listing(body, account="u/a", observed_at=observed_at)

    read = {o.content_id: o.value for o in parsed if o.metric_type == "upvotes"}
    told = {
        c["data"]["name"]: None if c["data"].get("hide_score") or c["data"].get("score_hidden") else c["data"]["score"]
        for c in children
        if c["kind"] in ("t1", "t3")
    }
    assert read == told


def test_the_vendors_empty_listing(contract, observed_at):
    body = contract("reddit/examples/info_unknown_id_empty_200.json")["body"]

    assert reddit.parse_listing(body, account="u/a", observed_at=observed_at) == []
