"""Answers nobody has seen yet: one place of one answer of a round is something else, everywhere and in every way.

Whatever comes, an adapter gives readings or says which metrics it cost and why: no other exception, no figure made
up, no metric that goes missing without a word.
"""

from __future__ import annotations

import copy
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.adapters.http import Client
from analytics.adapters.registry import built_in, load_adapter
from analytics.errors import QuotaExhausted
from analytics.simulator import platforms
from tests.adapters.conftest import OBSERVED_AT

TOKEN = "user-token-of-the-owner"
JSON = tuple(name for name in built_in() if name in platforms.names() and load_adapter(name).VENDOR.form == "JSON")
ABSENT = object()
STRANGE = (ABSENT, None, True, "", "abc", "12", 12, -3, 1.5, 1e300, 10**400, "9" * 400, [], {}, [None], [[]], {"a": 1})


class Recorded:
    """One healthy round of a platform, which can be played again with one value changed."""

    def __init__(self, name, simulator, retry):
        self.name, self.retry, self.base_url = name, retry, simulator.base_url(name)
        self.adapter, self.answers = load_adapter(name), {}
        self.metrics = sorted({definition.metric_type for definition in self.adapter.DEFINITIONS})
        self.healthy = self._round(_Recorder(self.answers))
        self.places = [(call, place) for call, (_, body) in self.answers.items() for place in _places(json.loads(body))]

    def changed(self, call, place, value):
        headers, body = self.answers[call]
        answers = self.answers | {call: (headers, json.dumps(_put(json.loads(body), place, value)).encode())}

        def answer(request):
            found = answers.get(_call_of(request))
            return httpx.Response(200, headers=found[0], content=found[1]) if found else httpx.Response(404, json={})

        return self._round(httpx.MockTransport(answer))

    def _round(self, transport):
        account = platforms.load(self.name).account
        with Client(
            self.adapter.VENDOR, token=TOKEN, base_url=self.base_url, retry=self.retry, transport=transport
        ) as client:
            return list(self.adapter.collect(client, account, self.metrics, observed_at=OBSERVED_AT, contents=4))


class _Recorder(httpx.HTTPTransport):
    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def handle_request(self, request):
        answer = super().handle_request(request)
        body = answer.read()
        if answer.is_success:
            kept = {name: answer.headers[name] for name in ("content-type", "link") if name in answer.headers}
            self.answers[_call_of(request)] = (kept, body)
        return answer


def _call_of(request):
    return request.method, request.url.path, str(request.url.params), request.content


def _places(value, place=()):
    """Every place of a payload; of a list the first two entries stand for all."""
    yield place
    entries = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from _places(inner, (*place, key))


def _put(payload, place, value):
    if not place:
        return {} if value is ABSENT else value
    changed = copy.deepcopy(payload)
    at = changed
    for key in place[:-1]:
        at = at[key]
    if value is ABSENT:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return changed


@pytest.fixture(scope="module", params=JSON)
def recorded(request, simulated):
    from analytics.adapters.vendor import Retry

    return Recorded(request.param, simulated, Retry(sleep=lambda _: None, jitter=lambda: 1.0))


def _of_account(pages):
    return {o.metric_type for page in pages for o in page.observations if not o.content_id and o.value is not None}


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_strange_value_costs_metrics_that_are_named(recorded, data):
    call, place = data.draw(st.sampled_from(recorded.places))
    value = data.draw(st.sampled_from(STRANGE))

    try:
        pages = recorded.changed(call, place, value)
    except QuotaExhausted:
        return

    before = {(o.key, o.observed_at): o.value for page in recorded.healthy for o in page.observations}
    after = {(o.key, o.observed_at): o.value for page in pages for o in page.observations}
    assert all(o is None or o == o for o in after.values())
    if not (isinstance(value, (int, float)) and not isinstance(value, bool)) and place[-1:] != ("shares",):
        # Facebook alone leaves a count out where it is zero: `shares`
        assert {key for key in after.keys() & before.keys() if after[key] == 0 != before[key]} == set()
    told = {o.metric_type for page in pages for o in page.observations}
    told |= {refused.metric for page in pages for refused in page.refused}
    is_empty = value == [] or value is ABSENT  # an empty list may be what there is
    assert is_empty or _of_account(recorded.healthy) <= told


@pytest.mark.parametrize("value", [10**400, "9" * 400, "NaN", True], ids=["digits", "text", "NaN", "flag"])
def test_a_number_no_count_can_be_costs_itself(value, observed_at):
    """A number with more digits than a float holds once ended a whole round."""
    from analytics.adapters.platforms import github
    from analytics.errors import MalformedResponse

    payload = {"stargazers_count": value, "forks_count": 3, "subscribers_count": 2}

    read = github.parse_repository(payload, account="a/b", observed_at=observed_at)

    assert [(o.value, o.fault.partition(":")[0]) for o in read] == [(None, "stargazers_count"), (3, ""), (2, "")]
    with pytest.raises(MalformedResponse, match="github repository a/b: stargazers_count"):
        github.parse_repository({"stargazers_count": value}, account="a/b", observed_at=observed_at)


def test_posts_that_cannot_be_read_cost_what_is_asked_by_them(answering, observed_at):
    """X's clicks are asked for by the posts' ids: without these they are refused by name."""
    from analytics.adapters.platforms import twitter

    user = {"data": {"id": "1", "username": "acme", "public_metrics": {"followers_count": 3}}}
    client = answering(
        "twitter", [httpx.Response(200, json=user), httpx.Response(200, json={"meta": {"result_count": 5}})]
    )

    asked = ("followers", "likes", "link_clicks")
    pages = list(twitter.collect(client, "acme", asked, observed_at=observed_at, contents=5))

    assert {o.metric_type: o.value for page in pages for o in page.observations} == {"followers": 3.0}
    assert {r.metric for page in pages for r in page.refused} == {"likes", "link_clicks"}
    assert "result_count is 5" in str(pages[-1].failure)


def test_a_report_without_a_column_names_its_figure(answering, observed_at):
    from analytics.adapters.platforms import youtube

    table = {"columnHeaders": [{"name": "day"}, {"name": "views"}], "rows": [["2026-11-17", 12]]}
    client = answering("youtube", lambda _: httpx.Response(200, json=table))

    asked = ("views_per_day", "watch_time_minutes")
    pages = list(youtube.collect(client, "UC1", asked, observed_at=observed_at, contents=0))

    assert [o.value for page in pages for o in page.observations] == [12.0]
    assert [r.metric for page in pages for r in page.refused] == ["watch_time_minutes"]
