"""Under which names the web app answers.

A page of a foreign name can be made to lead to this machine (DNS rebinding): the browser then lets it read everything
here. It is told by the `Host` it asks for: an address cannot be rebound, and of names only our own are answered.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from analytics.settings import Settings


class OwnHostsOnly:
    """Answers 400 where the `Host` of a request is not one of `names` or an address."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or answer."""
        if scope["type"] in {"http", "websocket"}:
            asked = Headers(scope=scope).getlist("host")
            if not all(is_own(host, self._names) for host in asked):
                said = "this host name is not served here: ANALYTICS_ALLOWED_HOSTS names those that are"
                await JSONResponse({"error": said}, 400)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def own_names(settings: Settings) -> tuple[str, ...]:
    """Names the settings give beside `localhost`: of the public address, and those allowed."""
    public = urlsplit(settings.public_url or "").hostname
    given = (name.strip().lower() for name in settings.allowed_hosts.split(","))
    return ("localhost", *([public] if public else []), *(name for name in given if name))


def is_own(host: str, names: tuple[str, ...]) -> bool:
    """Whether a `Host` header, with or without a port, is an address or one of the names; `*.` stands for any below.

    >>> [is_own(host, ("localhost",)) for host in ("127.0.0.1:8600", "[::1]", "localhost:1", "evil.example")]
    [True, True, True, False]
    >>> is_own("stats.acme.example", ("*.acme.example",)), is_own("acme.example", ("*.acme.example",)), is_own("", ())
    (True, False, False)
    """
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
        if parts.netloc != host or parts.username is not None:
            return False
        ip_address(name)
    except ValueError:
        pass
    else:
        return True
    return bool(name) and any(
        own in (name, "*") or (own.startswith("*.") and name.endswith(own[1:]) and name != own[2:]) for own in names
    )
