"""The Prefect server, with one repair and two guards.

The repair: without it, Prefect 3.8.8 makes no scheduled run under SQLAlchemy 2.1. The scheduler inserts flow runs as
dictionaries that also hold `state`, a hybrid property of the model. SQLAlchemy 2.0 left such a key alone; 2.1 asks the
hybrid for a `bulk_dml` function and raises where it has none, so the schedules stay empty while everything else works
(seen 2026-11-20, Prefect 3.8.8 with SQLAlchemy 2.1.9: "Can't evaluate bulk DML statement"). The function given here
leaves the key alone, as before.

The first guard: whoever reaches the API may run commands on this machine (a deployment's pull steps may be a shell
script), and a browser reaches loopback on behalf of any page it shows. So of pages only the server's own are answered.

The second guard: the pages below `/v2` carry a tracker that calls its maker's hosts (seen 2026-12-01, Prefect 3.8.8:
api2.amplitude.com, sr-client-cfg.amplitude.com). A content security policy lets pages speak with this server only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import orm_models
from prefect.settings import Settings, get_current_settings
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def leave(_model: type[Any], _mapping: Mapping[str, Any], _value: object) -> None:
    """Change nothing: the state is written by a statement of its own."""


def repair() -> None:
    """Give the hybrid `state` of flow and task runs what SQLAlchemy 2.1 asks for."""
    for model in (orm_models.FlowRun, orm_models.TaskRun):
        hybrid = vars(model)["state"]
        if getattr(hybrid, "bulk_dml_setter", leave) is None:
            hybrid.bulk_dml_setter = leave


@dataclass(frozen=True)
class OwnPagesOnly:
    """Refuse what a browser sends for a page that is not the server's own; programs send no `Origin` and go on.

    A foreign page is told by its `Origin`, which browsers send with every call that changes something and every
    websocket. A page of a foreign name that was made to lead here (DNS rebinding) is told by `Host`: an address cannot
    be rebound, of names only our own are let in.

    Attributes:
        urls: addresses under which the server is reached, as its pages and workers know it.
    """

    app: ASGIApp
    urls: tuple[str, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or answer 403 (a websocket is closed before it opens)."""
        if scope["type"] in {"http", "websocket"} and (problem := self.problem(Headers(scope=scope))):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": problem})
            else:
                await PlainTextResponse(problem, status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def problem(self, headers: Mapping[str, str]) -> str:
        """Why a request with these headers is refused, '' if it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        ours = [urlsplit(url) for url in self.urls]
        if not (is_address(host) or urlsplit(f"//{host}").hostname in {"localhost", *(url.hostname for url in ours)}):
            return f"host {host!r} is not this server's: PREFECT_UI_API_URL names the address its pages are reached at"
        own = {f"{url.scheme}://{url.netloc}" for url in ours} | {f"http://{host}", f"https://{host}"}
        if origin is not None and origin not in own:
            return f"a page of {origin} may not call this server"
        return ""


@dataclass(frozen=True)
class NoStrangers:
    """Adds a content security policy to every answer: browsers then load from and send to this server only.

    Attributes:
        urls: addresses under which the server is reached; a page opened under one of them may call the others.
    """

    app: ASGIApp
    urls: tuple[str, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the policy."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = self.policy
            await send(message)

        await self.app(scope, receive, with_policy)

    @property
    def policy(self) -> str:
        """What pages may load and call. They write styles and a few scripts into themselves."""
        origins = {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, self.urls) if url.netloc}
        sockets = {"ws" + origin.removeprefix("http") for origin in origins}
        return "; ".join(
            (
                "default-src 'self'",
                "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "font-src 'self' data:",
                "worker-src 'self' blob:",
                f"connect-src 'self' {' '.join(sorted(origins | sockets))}",
                "form-action 'self'",
                "frame-ancestors 'self'",
                "base-uri 'self'",
                "object-src 'none'",
            )
        )


def is_address(host: str) -> bool:
    """Whether a `Host` header is an IP address, with or without a port.

    >>> is_address("127.0.0.1:4200"), is_address("[::1]:4200"), is_address("evil.example:4200"), is_address("")
    (True, True, False, False)
    """
    try:
        ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def own_urls(settings: Settings) -> tuple[str, ...]:
    """Where pages and workers reach the server, and origins an operator allows; `*`, Prefect's default, allows none."""
    server = settings.server
    loopback = (f"http://{name}:{server.api.port}" for name in ("127.0.0.1", "localhost"))
    allowed: Iterable[str] = server.api.cors_allowed_origins.split(",")
    named = (settings.api.url, server.ui.api_url, *allowed)
    return (*loopback, *(url.strip() for url in named if url and url.strip() != "*"))


def main() -> None:
    """Serve API and UI where the settings say, until SIGTERM."""
    os.umask(0o077)  # its database holds what every run was given
    repair()
    settings = get_current_settings()
    api = settings.server.api
    urls = own_urls(settings)
    uvicorn.run(
        OwnPagesOnly(NoStrangers(create_app(final=True), urls), urls),
        host=api.host,
        port=api.port,
        timeout_keep_alive=api.keepalive_timeout,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
