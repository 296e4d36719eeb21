"""How one platform is spoken to: address, sign-in, headers, and when a failed call is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from analytics.errors import SourceError

# What a vendor reads in an answer that the general mapping would get wrong; None: the general mapping.
Classify = Callable[[httpx.Response, Any], type[SourceError] | None]
# A body's payload, and what is wrong where there is none (then the payload is None).
Read = Callable[[bytes], tuple[Any, str | None]]


def _general(_response: httpx.Response, _payload: Any) -> None:
    return None


def _is_unauthorized(response: httpx.Response, _payload: Any) -> bool:
    return response.status_code == httpx.codes.UNAUTHORIZED


class BearerAuth(httpx.Auth):
    """`Authorization: Bearer …`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class QueryAuth(httpx.Auth):
    """The token as a query parameter; `shown_call` keeps it out of messages."""

    def __init__(self, parameter: str, token: str) -> None:
        self._parameter, self._token = parameter, token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the parameter."""
        request.url = request.url.copy_merge_params({self._parameter: self._token})
        yield request


@dataclass(frozen=True, slots=True)
class Vendor:
    """How one platform is spoken to.

    `other_hosts` are addresses of the vendor's that take the same token, `https://…` without a path. `read` reads
    bodies of another `form` than JSON. `free_unchanged`: an answer with 304 costs no quota, so tags are kept.
    `method` is what its rounds are counted as. `refuses_token` tells a token that has ended from a permission that
    lacks. `redirect_hosts` are names (with those below them) to which an answer may send us, without the token.
    """

    platform: str
    base_url: str
    api_version: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Callable[[str], httpx.Auth] = BearerAuth
    remaining_headers: tuple[str, ...] = ("x-ratelimit-remaining", "x-rate-limit-remaining")
    reset_headers: tuple[str, ...] = ("x-ratelimit-reset", "x-rate-limit-reset")
    classify: Classify = _general
    refuses_token: Callable[[httpx.Response, Any], bool] = _is_unauthorized
    other_hosts: tuple[str, ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    read: Read | None = None
    form: str = "JSON"
    free_unchanged: bool = False
    method: Literal["api", "feed"] = "api"


@dataclass(frozen=True, slots=True)
class Retry:
    """When a transient failure is tried again: exponential backoff with jitter, or what the platform asks for.

    A platform that asks for more than `max_wait_s` is not waited for: the error says how long it asked. An
    answer that trickles in for more than `max_answer_s` is given up.
    """

    attempts: int = 4
    base_s: float = 1.0
    max_backoff_s: float = 30.0
    max_wait_s: float = 60.0
    max_answer_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def backoff_s(self, attempt: int) -> float:
        """Seconds before the try after `attempt` (from 0): between half and all of the doubled base."""
        return min(self.max_backoff_s, self.base_s * 2.0**attempt) * (0.5 + 0.5 * self.jitter())


@dataclass(frozen=True, slots=True)
class Cached:
    """A body with the tag the platform gave it."""

    etag: str
    raw: bytes


def vendor_message(payload: Any) -> str:
    """What an error body says, in the shapes vendors use; '' where it says nothing we can read.

    >>> vendor_message({"error": {"code": 403, "message": "quota exceeded"}})
    'quota exceeded'
    >>> vendor_message({"errors": [{"error": "invalid_oauth_token", "error_description": "Please supply one"}]})
    'Please supply one'
    """
    if isinstance(payload, str):
        return payload
    if isinstance(payload, list):
        return next((said for said in map(vendor_message, payload) if said), "")
    if not isinstance(payload, dict):
        return ""
    for key in ("message", "error_description", "error_msg", "detail", "title", "error", "errors", "reason"):
        said = vendor_message(payload.get(key))
        if said:
            return said
    return ""
