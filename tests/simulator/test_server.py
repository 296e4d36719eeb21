"""The simulator over real HTTP: sign-in, limits, tags, faults, clock."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from analytics.errors import InputError
from analytics.simulator import serve

NOW = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
REPOSITORY = "/github/repos/acme/orchard"
SIGNED_IN = {"Authorization": "Bearer any"}


@pytest.fixture
def simulator():
    with serve(now=NOW) as running:
        yield running


def test_a_revoked_token_is_turned_away(simulator):
    answer = httpx.get(simulator.url + REPOSITORY, headers={"Authorization": "Bearer revoked"})

    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_calls_are_counted_and_the_spent_window_refuses(simulator):
    first = httpx.get(simulator.url + REPOSITORY, headers=SIGNED_IN)
    simulator.meter.used = dict.fromkeys(simulator.meter.used, 5000)
    spent = httpx.get(simulator.url + REPOSITORY, headers=SIGNED_IN)

    assert first.headers["x-ratelimit-remaining"] == "4999"
    assert (spent.status_code, spent.headers["x-ratelimit-remaining"]) == (403, "0")
    assert int(spent.headers["x-ratelimit-reset"]) == datetime(2026, 11, 20, 13, tzinfo=UTC).timestamp()


def test_an_unchanged_answer_costs_nothing(simulator):
    first = httpx.get(simulator.url + REPOSITORY, headers=SIGNED_IN)
    second = httpx.get(simulator.url + REPOSITORY, headers={**SIGNED_IN, "If-None-Match": first.headers["etag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


def test_a_request_may_bring_its_own_time(simulator):
    """Months are collected in a minute by asking for each past moment."""
    then, now = (
        httpx.get(simulator.url + REPOSITORY, headers={**SIGNED_IN, **extra})
        for extra in ({"X-Simulated-Now": "2026-03-01T00:00:00Z"}, {})
    )

    assert then.json()["stargazers_count"] < now.json()["stargazers_count"]
    assert then.headers["date"] == "Sun, 01 Mar 2026 00:00:00 GMT"


def test_an_unreadable_time_is_a_bad_request(simulator):
    answer = httpx.get(simulator.url + REPOSITORY, headers={"X-Simulated-Now": "tomorrow"})

    assert answer.status_code == 400


def test_a_fault_lasts_as_long_as_ordered(simulator):
    simulator.fault("503", "github", times=2, retry_after="3")

    answers = [httpx.get(simulator.url + REPOSITORY, headers=SIGNED_IN) for _ in range(3)]

    assert [a.status_code for a in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "3"


def test_orders_and_clock_can_be_sent_from_another_process(simulator):
    httpx.post(simulator.url + "/_simulator/clock", json={"now": "2026-03-01T00:00:00Z"})
    ordered = httpx.post(simulator.url + "/_simulator/faults", json={"kind": "html", "platform": "github"})
    refused = httpx.post(simulator.url + "/_simulator/faults", json={"kind": "flood"})

    answer = httpx.get(simulator.url + REPOSITORY, headers=SIGNED_IN)

    assert (ordered.status_code, refused.status_code) == (200, 400)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["date"] == "Sun, 01 Mar 2026 00:00:00 GMT"


def test_the_truth_can_be_asked_for(simulator):
    period = {"start": "2026-01-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
    truth = httpx.get(simulator.url + "/_simulator/truth/github/acme/orchard", params=period).json()

    assert {"launch", "viral"} <= {event["kind"] for event in truth}


def test_a_port_in_use_is_said_plainly(simulator):
    port = int(simulator.url.rpartition(":")[2])

    with pytest.raises(InputError, match=f"port {port}"), serve(port):
        pass
