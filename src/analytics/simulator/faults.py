"""Faults on command: what a platform answers when it does not answer well."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from analytics.errors import InputError
from analytics.simulator.exchange import Call, Reply

CURSORS = frozenset({"after", "cursor", "page", "pageToken", "pagination_token", "start"})
HTML = "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Something went wrong</h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One order: the next `times` calls (0: all) whose path holds `path` end in `kind`.

    The name of a GraphQL operation stands behind its path, so `Rank` fits it.

    `kind` is a status from 400 to 599, or one of `KINDS`; `headers` are added to the answer, so that
    `Fault("429", headers={"retry-after": "7"})` asks for seven seconds. With `kind` "renamed", `renamed` maps
    field names to what the platform calls them from now on. With `kind` "odd", `odd` maps field names to what
    stands in the first of each instead of its value.
    """

    kind: str
    platform: str = ""
    path: str = ""
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    odd: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS and not (self.kind.isdecimal() and 400 <= int(self.kind) <= 599):
            raise InputError(f"fault {self.kind!r}: expected a status from 400 to 599 or one of {', '.join(KINDS)}")


@dataclass(slots=True)
class Faults:
    """Orders not yet used up."""

    orders: list[Fault] = field(default_factory=list)

    def take(self, platform: str, path: str) -> Fault | None:
        """The first order that fits this call, counted down; None where there is none."""
        for order in self.orders:
            if order.platform in ("", platform) and order.path in path:
                if order.times == 1:
                    self.orders.remove(order)
                order.times -= 1 if order.times else 0
                return order
        return None


def first_page_again(call: Call) -> Call:
    """The call without its cursor: every page is the first, and none the last."""
    query = {name: value for name, value in call.query.items() if name not in CURSORS}
    body = call.body
    if body:
        asked = json.loads(body)
        asked.get("variables", {}).pop("after", None)
        body = json.dumps(asked).encode()
    return replace(call, query=query, body=body)


def spoil(reply: Reply, fault: Fault) -> Reply:
    """A good reply turned bad in the way the fault says; without its tag, which is the good one's."""
    headers = {name: value for name, value in reply.headers.items() if name != "etag"}
    return KINDS[fault.kind](replace(reply, headers=headers), fault)


def _html(_: Reply, _fault: Fault) -> Reply:
    return Reply(text=HTML, media_type="text/html; charset=utf-8")


def _truncated(reply: Reply, _fault: Fault) -> Reply:
    content = reply.content.decode()
    return Reply(text=content[: len(content) // 2], headers=reply.headers)


def _wrong_types(reply: Reply, _fault: Fault) -> Reply:
    return Reply(_twisted(reply.payload), headers=reply.headers)


def _empty(_: Reply, _fault: Fault) -> Reply:
    return Reply(text="")


def _twisted(value: Any) -> Any:
    """Numbers become words, lists become objects."""
    if isinstance(value, dict):
        return {key: _twisted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {str(i): _twisted(inner) for i, inner in enumerate(value)}
    if isinstance(value, bool) or value is None:
        return value
    return "many" if isinstance(value, int | float) or str(value).isdecimal() else value


def _nulls(reply: Reply, _fault: Fault) -> Reply:
    return Reply(_emptied(reply.payload), headers=reply.headers)


def _emptied(value: Any, key: str = "") -> Any:
    """Figures become null, also those written as text; what names things stays."""
    if isinstance(value, dict):
        return {name: _emptied(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_emptied(inner, key) for inner in value]
    figure = isinstance(value, int | float) and not isinstance(value, bool)
    return None if figure or (str(value).isdecimal() and not key.lower().endswith("id")) else value


def _renamed(reply: Reply, fault: Fault) -> Reply:
    return Reply(_with_names(reply.payload, fault.renamed), reply.status, reply.headers)


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _with_names(inner, names) for key, inner in value.items()}
    return [_with_names(inner, names) for inner in value] if isinstance(value, list) else value


def _odd(reply: Reply, fault: Fault) -> Reply:
    if reply.text is None:
        return Reply(_with_odd(reply.payload, dict(fault.odd)), reply.status, reply.headers)
    text = reply.text
    for name, value in fault.odd.items():
        if found := re.search(rf"<{re.escape(name)}\b[^>]*>([^<]*)", text):
            text = text[: found.start(1)] + escape(str(value)) + text[found.end(1) :]
    return Reply(text=text, headers=reply.headers, media_type=reply.media_type)


def _with_odd(value: Any, left: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: left.pop(key) if key in left else _with_odd(inner, left) for key, inner in value.items()}
    return [_with_odd(inner, left) for inner in value] if isinstance(value, list) else value


def _as_it_is(reply: Reply, _fault: Fault) -> Reply:
    return reply


# `cut` and `timeout` happen to the connection, `endless` to the request: the server sees to them
KINDS: dict[str, Callable[[Reply, Fault], Reply]] = {
    "html": _html,
    "truncated": _truncated,
    "wrong_types": _wrong_types,
    "nulls": _nulls,
    "empty": _empty,
    "cut": _as_it_is,
    "timeout": _as_it_is,
    "endless": _as_it_is,
    "renamed": _renamed,
    "odd": _odd,
}
