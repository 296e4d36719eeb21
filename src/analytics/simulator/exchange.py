"""One request and its reply, and the counting of calls in a window."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from analytics.simulator.flow import EPOCH
from analytics.simulator.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a platform's handler sees it; `at` is the simulated time."""

    world: World
    at: datetime
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base_url: str
    body: bytes = b""

    @property
    def bearer(self) -> str | None:
        """The token of an `Authorization: Bearer` (or `token`) header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() in {"bearer", "token"} and token else None

    @property
    def operation(self) -> str:
        """The name of a GraphQL operation; '' for a call of another kind."""
        try:
            asked = json.loads(self.body) if self.body else None
        except ValueError:
            return ""
        return str(asked.get("operationName", "")) if isinstance(asked, dict) else ""

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from the query, kept between 1 and `most`."""
        text = self.query.get(name, "")
        return min(most, max(1, int(text))) if text.isdecimal() else default


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: JSON, or `text` as it stands."""

    payload: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json; charset=utf-8"

    @property
    def content(self) -> bytes:
        """The body's bytes; none for 204 and 304."""
        if self.status in {204, 304}:
            return b""
        return (self.text if self.text is not None else json.dumps(self.payload, separators=(",", ":"))).encode()


@dataclass(frozen=True, slots=True)
class Limit:
    """Calls a token may make in a window, and the headers that tell of it."""

    calls: int
    window: timedelta
    headers: Callable[[int, int, datetime, datetime], Mapping[str, str]]

    def window_of(self, at: datetime) -> datetime:
        """When the window around `at` began."""
        return EPOCH + (at - EPOCH) // self.window * self.window


@dataclass(slots=True)
class Meter:
    """Calls made so far, by platform, token and window."""

    used: dict[tuple[str, str, datetime], int] = field(default_factory=dict)

    def count(self, platform: str, token: str, limit: Limit, at: datetime, *, free: bool = False) -> int:
        """Add one call unless it is free; return how many were made in this window."""
        key = (platform, token, limit.window_of(at))
        self.used[key] = self.used.get(key, 0) + (0 if free else 1)
        return self.used[key]
