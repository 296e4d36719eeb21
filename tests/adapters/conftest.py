"""What the adapters' tests share: a time, a client that never waits, one simulator for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from analytics.adapters.http import Client
from analytics.adapters.registry import load_adapter
from analytics.adapters.vendor import Retry
from analytics.simulator import Simulator, serve
from tests.contracts import CONTRACTS

OBSERVED_AT = datetime(2026, 11, 20, 12, 3, 41, tzinfo=UTC)


@pytest.fixture
def observed_at() -> datetime:
    return OBSERVED_AT


@pytest.fixture
def waits() -> list[float]:
    """Seconds the client would have waited, in order."""
    return []


@pytest.fixture
def patient(waits: list[float]) -> Retry:
    """Retries as in production, but time passes at once."""
    return Retry(sleep=waits.append, jitter=lambda: 1.0)


@pytest.fixture
def answering(patient: Retry) -> Callable[..., Client]:
    """A client of a platform whose calls are answered by a function, or in turn from a list of responses."""

    def build(platform: str, answers: Any, **options: Any) -> Client:
        turn = iter(answers) if isinstance(answers, list) else None
        handler = (lambda _: next(turn)) if turn else answers
        return Client(
            load_adapter(platform).VENDOR,
            transport=httpx.MockTransport(handler),
            **{"token": "a-secret-token", "retry": patient, **options},
        )

    return build


@pytest.fixture(scope="session")
def simulated() -> Iterator[Simulator]:
    with serve(now=OBSERVED_AT, limits=False) as simulator:
        yield simulator


@pytest.fixture
def simulator(simulated: Simulator) -> Iterator[Simulator]:
    """The simulator without orders left over from another test."""
    simulated.faults.orders.clear()
    yield simulated
    simulated.faults.orders.clear()


@pytest.fixture
def contract() -> Callable[[str], Any]:
    """A vendor's real payload or description (text where it is no JSON); the test skips where there is none."""

    def read(name: str) -> Any:
        path = CONTRACTS / name
        if not path.exists():
            pytest.skip(f"no vendor payload {name}")
        text = path.read_text("utf-8")
        return json.loads(text) if path.suffix == ".json" else text

    return read
