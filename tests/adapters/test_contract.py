"""What every adapter keeps, shown against the simulated platforms over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from analytics.adapters.base import definition_in_force
from analytics.adapters.http import Client
from analytics.adapters.registry import built_in, load_adapter
from analytics.errors import AccessDenied, MalformedResponse, QuotaExhausted, SourceNotFound, TransientSourceError
from analytics.simulator import platforms

TOKEN = "user-token-of-the-owner"
PLATFORMS = tuple(name for name in built_in() if name in platforms.names())
LISTED = tuple(name for name in PLATFORMS if platforms.load(name).publishing is not None)
FAULTS = {
    "401": AccessDenied,
    "403": AccessDenied,
    "404": SourceNotFound,
    "410": SourceNotFound,
    "429": TransientSourceError,
    "500": TransientSourceError,
    "502": TransientSourceError,
    "503": TransientSourceError,
    "timeout": TransientSourceError,
    "cut": TransientSourceError,
    "truncated": MalformedResponse,
    "html": MalformedResponse,
    "empty": MalformedResponse,
    "wrong_types": MalformedResponse,
}
RESETS = (
    {"retry-after": "7"},
    {"retry-after": "Fri, 20 Nov 2026 12:03:48 GMT"},
    {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"},
    {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795176228"},
    {"x-rate-limit-remaining": "0", "x-rate-limit-reset": "2026-11-20T12:03:48Z"},
)


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


@pytest.fixture
def collected(simulator, patient, observed_at):
    """Pages of one round of a platform's example account, with the client's options."""

    def run(name, *, contents=30, at=observed_at, metrics=(), **options):
        adapter = load_adapter(name)
        with Client(
            adapter.VENDOR,
            **{"token": TOKEN, "base_url": simulator.base_url(name), "retry": patient, **options},
        ) as client:
            return list(
                adapter.collect(client, platforms.load(name).account, metrics, observed_at=at, contents=contents)
            )

    return run


def metrics_of(pages):
    return {o.metric_type for page in pages for o in page.observations}


def refused_of(pages):
    return {refused.metric for page in pages for refused in page.refused}


def test_every_metric_read_is_defined(platform, collected, observed_at):
    """A figure without a meaning cannot be compared with anything."""
    definitions = load_adapter(platform).DEFINITIONS

    pages = collected(platform)

    read = metrics_of(pages)
    assert read
    assert all(definition_in_force(definitions, metric, observed_at.date()) for metric in read)
    assert len({d.definition_id for d in definitions}) == len(definitions)
    assert {d.platform for d in definitions} == {platform}


DATED = (
    "instagram.views@2025-04-21",
    "instagram.views_per_day@2025-04-21",
    "youtube.views@2025-03-31",
    "youtube.views@2026-08-24",
    "youtube.views_per_day@2025-03-31",
    "youtube.views_per_day@2026-08-24",
    "facebook.views@2025-11-15",
    "facebook.reach@2026-06-15",
)


@pytest.mark.parametrize("meaning", DATED)
def test_a_change_of_meaning_is_known_with_its_day(meaning):
    """Announced by the platforms: without the day it would be told as a rise or a fall."""
    platform = meaning.partition(".")[0]

    assert meaning in {definition.definition_id for definition in load_adapter(platform).DEFINITIONS}


def test_a_healthy_platform_withholds_nothing_of_the_account(platform, collected):
    pages = collected(platform)

    assert [page.failure for page in pages if page.failure] == []
    assert refused_of(pages) == set()
    assert all(o.value is not None for page in pages for o in page.observations if not o.content_id)


def test_only_the_metrics_asked_for_are_read(platform, collected):
    """Each may cost calls, and money."""
    one = sorted(metrics_of(collected(platform)))[0]

    assert metrics_of(collected(platform, metrics=(one,))) == {one}


def test_the_same_poll_read_twice_gives_the_same_points(platform, collected, observed_at):
    """A retried run must meet its own points, not lay new ones beside them."""
    first, second = (
        {(o.key, o.observed_at): o.value for page in collected(platform, at=at) for o in page.observations}
        for at in (observed_at, observed_at + timedelta(seconds=20))
    )

    assert first == second
    assert all(at.tzinfo is UTC or at.utcoffset() is not None for _, at in first)


def test_every_answer_with_readings_can_be_read_again(platform, collected):
    """The landing keeps the answer and the parser's name: the readings must follow from these alone."""
    from analytics.adapters.http import json_of

    adapter = load_adapter(platform)
    account = platforms.load(platform).account
    again = 0
    for page in collected(platform):
        if page.parser:
            payload, _ = (adapter.VENDOR.read or json_of)(page.raw)
            parsed = getattr(adapter, page.parser)(payload, account=account, observed_at=page.observed_at)
            assert all(observation in parsed for observation in page.observations[:200])
            again += 1

    assert again


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_its_error_with_nothing_lost(platform, fault, collected, simulator):
    """The first call fails for good: each metric of a healthy round comes all the same, or is named as refused."""
    healthy = metrics_of(collected(platform))
    first_path = _path_of(collected(platform)[0].call)
    simulator.faults.orders.clear()
    simulator.fault(fault, platform, path=first_path, times=0)

    pages = collected(platform, timeout=httpx.Timeout(0.2) if fault == "timeout" else httpx.Timeout(20))

    failures = [page.failure for page in pages if page.failure]
    assert failures
    assert {type(failure) for failure in failures} <= {FAULTS[fault]}
    assert healthy <= metrics_of(pages) | refused_of(pages)
    assert all(TOKEN not in str(failure) for failure in failures)


def _path_of(call):
    return call.split(" ")[1].split("?")[0]


@pytest.mark.parametrize("headers", RESETS, ids=lambda h: "+".join(h))
def test_a_rate_limit_is_waited_for_as_the_platform_asks(platform, headers, collected, simulator, waits):
    """Seconds, Unix seconds, dates: the wait is the one asked for, and the round is whole."""
    healthy = metrics_of(collected(platform))
    simulator.fault("429", platform, **{name.replace("-", "_"): value for name, value in headers.items()})

    pages = collected(platform)

    assert waits == [pytest.approx(7.0)]
    assert metrics_of(pages) == healthy


def test_nulls_are_unknown_never_zero(platform, collected, simulator):
    simulator.fault("nulls", platform, times=1)

    pages = collected(platform)

    assert all(o.value is None for o in pages[0].observations)
    assert all(page.failure is None or isinstance(page.failure, MalformedResponse) for page in pages)


def test_a_renamed_field_costs_its_metric_alone(collected, simulator):
    """GitHub would call its stars otherwise tomorrow: forks and watchers go on."""
    simulator.rename("github", stargazers_count="sparkles_count")

    page = collected("github", metrics=("stars", "forks", "watchers"))[0]

    assert page.withheld == ("stars",)
    assert {o.metric_type for o in page.observations if o.value is not None} == {"forks", "watchers"}


def test_a_new_generation_of_names_goes_on_with_the_same_series(collected, simulator):
    """X renamed reposts in August 2026; nothing is lost, nothing is withheld."""
    before = collected("twitter")
    simulator.rename("twitter", retweet_count="repost_count", tweet_count="post_count")

    after = collected("twitter")

    assert [o for page in after for o in page.observations] == [o for page in before for o in page.observations]


def test_a_revoked_token_is_said_and_costs_everything(platform, collected):
    pages = collected(platform, token="revoked")

    assert metrics_of(pages) == set()
    assert {type(page.failure) for page in pages} == {AccessDenied}


def test_a_spent_quota_is_not_tried_again(collected, waits):
    """YouTube says so with a 403: every further call would be refused until midnight Pacific."""
    with pytest.raises(QuotaExhausted, match="exceeded your quota"):
        collected("youtube", token="AIza-spent")

    assert waits == []


@pytest.mark.parametrize("platform", ["twitter", "youtube", "reddit"], indirect=True)
def test_contents_are_named_beside_their_figures(platform, collected, observed_at):
    """A report's best posts need a title, an address and a time, at no call more."""
    pages = collected(platform)

    told = {content.content_id: content for page in pages for content in page.contents}
    assert set(told) == {o.content_id for page in pages for o in page.observations if o.content_id}
    assert all(c.title and c.url.startswith("https://") and c.published_at <= observed_at for c in told.values())


@pytest.mark.parametrize("platform", LISTED, indirect=True)
def test_contents_are_read_to_the_depth_asked_for(platform, collected):
    read = {o.content_id for page in collected(platform, contents=130) for o in page.observations if o.content_id}

    assert 100 <= len(read) <= 200


@pytest.mark.parametrize("platform", LISTED, indirect=True)
def test_paging_that_goes_round_is_said_and_what_came_is_kept(platform, collected, simulator):
    """Every page is the first again: without a guard a round would never end."""
    simulator.fault("endless", platform, times=0)

    pages = collected(platform, contents=5000)

    said = [str(page.failure) for page in pages if page.failure]
    assert len(said) == 1
    assert "paging goes round" in said[0]
    assert metrics_of(pages)


def test_no_contents_asked_for_is_none_read(platform, collected):
    """A round of the accounts alone must not pay for their posts."""
    assert {o.content_id for page in collected(platform, contents=0) for o in page.observations} <= {""}


def test_readings_are_those_of_the_world(simulator, collected, observed_at):
    """The simulator's truth, the HTTP answers and the adapters agree on every figure."""
    from analytics.simulator import history

    start = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for name, metric in (
        ("github", "stars"),
        ("twitter", "followers"),
        ("youtube", "views"),
        ("reddit", "subscribers"),
    ):
        account = platforms.load(name).account
        read = [o for p in collected(name) for o in p.observations if o.metric_type == metric and not o.content_id]
        truth = history(name, account, metric, start, start + timedelta(minutes=5))
        assert read[0].value == truth.value[0]
        assert read[0].observed_at == truth.time[0]
