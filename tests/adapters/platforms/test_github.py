"""GitHub's shapes, as its documentation and recordings have them."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from analytics.adapters.platforms import github
from analytics.errors import MalformedResponse

REPOSITORY = {"full_name": "acme/orchard", "stargazers_count": 80, "watchers_count": 80, "forks_count": 9}


def values(observations):
    return {o.metric_type: o.value for o in observations}


def test_watchers_are_the_subscribers(observed_at):
    """`watchers_count` has repeated the stars since 2012."""
    payload = REPOSITORY | {"subscribers_count": 42}

    parsed = github.parse_repository(payload, account="acme/orchard", observed_at=observed_at)

    assert values(parsed) == {"stars": 80, "forks": 9, "watchers": 42}


def test_a_missing_count_is_unknown_and_costs_no_other(observed_at):
    parsed = github.parse_repository(REPOSITORY, account="acme/orchard", observed_at=observed_at)

    assert values(parsed) == {"stars": 80, "forks": 9, "watchers": None}


@pytest.mark.parametrize("payload", [{}, [], None, "text", {"message": "Not Found"}, {"stargazers_count": "many"}])
def test_another_kind_of_answer_is_malformed(observed_at, payload):
    with pytest.raises(MalformedResponse, match="github repository acme/orchard"):
        github.parse_repository(payload, account="acme/orchard", observed_at=observed_at)


def test_a_day_without_traffic_stays_out(observed_at):
    """GitHub leaves it out, and leaves out days it has not counted yet as well: unknown, not zero."""
    payload = {
        "count": 12,
        "uniques": 4,
        "views": [
            {"timestamp": "2026-11-17T00:00:00Z", "count": 5, "uniques": 3},
            {"timestamp": "2026-11-19T00:00:00Z", "count": 7, "uniques": 2},
        ],
    }

    parsed = github.parse_views(payload, account="acme/orchard", observed_at=observed_at)

    assert [(o.metric_type, o.observed_at.day, o.value) for o in parsed] == [
        ("views", 17, 5),
        ("unique_visitors", 17, 3),
        ("views", 19, 7),
        ("unique_visitors", 19, 2),
    ]


def test_no_traffic_at_all_is_an_empty_list(observed_at):
    payload = {"count": 0, "uniques": 0, "clones": []}

    assert github.parse_clones(payload, account="a/b", observed_at=observed_at) == []


def test_contributions_are_everybodys_commits(observed_at):
    payload = [{"total": 120, "author": {"login": "ada"}, "weeks": []}, {"total": 3, "author": None, "weeks": []}]

    parsed = github.parse_contributors(payload, account="a/b", observed_at=observed_at)

    assert values(parsed) == {"contributions": 123}


@pytest.mark.parametrize("payload", [None, []])
def test_no_contributor_listed_is_unknown(observed_at, payload):
    """204 for an empty repository, and an empty list while GitHub counts: no zero is made of either."""
    parsed = github.parse_contributors(payload, account="a/b", observed_at=observed_at)

    assert values(parsed) == {"contributions": None}


def test_traffic_refused_costs_traffic_alone(answering, observed_at):
    """Traffic needs push access; stars are public."""

    def without_push_access(request: httpx.Request) -> httpx.Response:
        if "traffic" in request.url.path:
            return httpx.Response(403, json={"message": "Must have push access to repository"})
        return httpx.Response(200, json=REPOSITORY | {"subscribers_count": 42, "followers": 7})

    client = answering("github", without_push_access)
    pages = list(github.collect(client, "acme/orchard", ("stars", "views", "followers"), observed_at=observed_at))

    assert values(o for page in pages for o in page.observations) == {"stars": 80, "followers": 7}
    assert [(r.metric, r.reason) for page in pages for r in page.refused] == [
        ("views", "answered 403: Must have push access to repository")
    ]


def test_a_spent_rate_limit_is_transient_though_it_is_a_403(answering, waits, observed_at):
    reset = str(int(datetime(2026, 11, 20, 12, 4, tzinfo=UTC).timestamp()))
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "date": "Fri, 20 Nov 2026 12:03:50 GMT"}
    limited = httpx.Response(403, json={"message": "API rate limit exceeded for user ID 1."}, headers=headers)
    client = answering("github", [limited, httpx.Response(200, json=REPOSITORY)])

    page = github.fetch_repository(client, "acme/orchard", ("stars",), observed_at=observed_at)

    assert values(page.observations) == {"stars": 80}
    assert waits == [10.0]


def test_statistics_still_being_counted_are_asked_for_again(answering, waits, observed_at):
    """202 with an empty body: GitHub computes them in the background."""
    client = answering("github", [httpx.Response(202, json={}), httpx.Response(200, json=[{"total": 5}])])

    page = github.fetch_contributions(client, "acme/orchard", observed_at=observed_at)

    assert values(page.observations) == {"contributions": 5}
    assert waits == [1.0]


def test_an_answer_that_cannot_be_read_is_kept(answering, observed_at):
    """A mended parser reads it again from the landing."""
    client = answering("github", lambda _: httpx.Response(200, json={"stargazers_count": "many"}))

    page = github.fetch_repository(client, "acme/orchard", ("stars",), observed_at=observed_at)

    assert isinstance(page.failure, MalformedResponse)
    assert page.raw == b'{"stargazers_count":"many"}'
    assert [r.metric for r in page.refused] == ["stars"]


def test_an_owners_repositories_are_read_page_by_page(answering, observed_at):
    """The next link points to `/user/{id}/repos`: only its page number is taken."""

    def listing(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/users/acme/repos"
        if request.url.params.get("page") == "2":
            return httpx.Response(200, json=[REPOSITORY | {"full_name": "acme/cellar"}])
        link = '<https://api.github.com/user/9/repos?per_page=100&page=2>; rel="next"'
        return httpx.Response(200, json=[REPOSITORY], headers={"link": link})

    pages = list(
        github.collect(answering("github", listing), "acme", ("stars",), observed_at=observed_at, contents=200)
    )

    assert [o.content_id for page in pages for o in page.observations] == ["acme/orchard", "acme/cellar"]


def test_the_vendors_recorded_repository(contract, observed_at):
    recording = contract("github/examples/recorded_repo.json")

    parsed = github.parse_repository(recording["response"], account="a/b", observed_at=observed_at)

    wanted = {k: recording["response"][k] for k in ("stargazers_count", "forks_count", "subscribers_count")}
    assert [o.value for o in parsed] == list(wanted.values())


def test_the_vendors_recorded_traffic(contract, observed_at):
    recording = contract("github/examples/recorded_traffic_views.json")

    parsed = github.parse_views(recording["response"], account="a/b", observed_at=observed_at)

    views = [o for o in parsed if o.metric_type == "views"]
    assert [(f"{o.observed_at:%m-%d}", o.value) for o in views] == [
        ("11-27", 56),
        ("11-28", 6),
        ("11-30", 18),
        ("12-01", 4),
        ("12-02", 9),
    ]
