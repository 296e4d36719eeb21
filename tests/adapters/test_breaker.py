"""A platform that is down costs one call's patience, not every account's."""

from __future__ import annotations

import httpx
import pytest

from analytics.adapters.breaker import Breaker
from analytics.adapters.http import get_json
from analytics.adapters.vendor import Retry
from analytics.errors import TransientSourceError


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def asking(answering):
    """Calls of account after account over one breaker, until one is not made; (calls made, seconds)."""

    def ask(answer, takes_s):
        clock, sent = Clock(), []
        breaker = Breaker(clock=clock)

        def answered(_):
            clock.sleep(takes_s)
            sent.append(clock.now)
            return answer(len(sent))

        for _ in range(16):
            retry = Retry(sleep=clock.sleep, jitter=lambda: 1.0, clock=clock)
            client = answering("github", answered, breaker=breaker, retry=retry)
            with pytest.raises(TransientSourceError):
                get_json(client, "repos/a/b")
        return len(sent), clock.now

    return ask


def time_out(_):
    raise httpx.ReadTimeout("timed out")


def test_sixteen_accounts_that_time_out_cost_as_much_as_one(asking):
    calls, seconds = asking(time_out, 30.0)

    assert calls == 5
    assert seconds < 200


def test_a_burst_of_errors_over_within_seconds_opens_nothing(asking):
    """Quick refusals cost little, and the platform may be back for the next account."""
    calls, _ = asking(lambda n: httpx.Response(503) if n <= 8 else time_out(n), 0.01)

    assert calls > 8


def test_a_platform_that_asks_for_patience_is_there(asking):
    calls, _ = asking(lambda _: httpx.Response(429, headers={"retry-after": "90"}), 30.0)

    assert calls == 16


def test_an_answer_closes_it():
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(9):
        breaker.failed(clock())
        clock.sleep(30)
    assert breaker.is_open

    breaker.answered()

    assert not breaker.is_open
