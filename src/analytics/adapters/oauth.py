"""Sign-in with OAuth 2: authorization code with PKCE (RFC 7636) on a loopback redirect (RFC 8252).

A person opens an address in a browser and agrees; the vendor sends the browser back to this machine with a code,
which is changed for tokens. What the vendors want, in words, stands in `signin_vendors`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.errors import MismatchingStateException, MissingCodeException
from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response, prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from analytics.adapters import bounded
from analytics.adapters.http import USER_AGENT, json_of
from analytics.adapters.signin_vendors import SignIn
from analytics.adapters.vendor import vendor_message
from analytics.errors import AccessDenied, DataFileError, InputError, MalformedResponse, TransientSourceError
from analytics.unpacking import TooLarge

TIMEOUT_S = 10.0  # for each step of a call
WHOLE_S = 30.0  # for a call from connecting to its last byte
MAX_BYTES = 1024 * 1024  # tokens take a few kilobytes
CONNECTION_S = 10.0  # for a browser that has connected to say what it wants
EARLY = timedelta(minutes=5)  # a token is renewed this long before it ends: a round takes a while
PATH = "/callback"
DONE = b"<!DOCTYPE html><meta charset=utf-8><title>Signed in</title><p>Signed in. You may close this window."
FAILED = b"<!DOCTYPE html><meta charset=utf-8><title>Not signed in</title><p>Not signed in; see the terminal."
STRAY = (
    b"<!DOCTYPE html><meta charset=utf-8><title>Not this sign-in</title>"
    b"<p>This answer belongs to another sign-in. Use the address that the terminal shows."
)


@dataclass(frozen=True, slots=True)
class App:
    """What was created at the vendor's: its id, and its secret where it has one."""

    client_id: str
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """What lets us ask in a person's name; `expires_at` None: not said, or never."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    scope: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the vendor says it granted; empty where it does not say."""
        return tuple(re.split(r"[\s,]+", self.scope.strip())) if self.scope.strip() else ()

    def ends_by(self, at: datetime) -> bool:
        """Whether it is over at that time."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Grant:
    """A token with what renews it: what the store keeps, encrypted."""

    platform: str
    app: App
    token: Token

    def text(self) -> str:
        """As JSON, for the vault."""
        content = asdict(self)
        expires_at = self.token.expires_at
        content["token"]["expires_at"] = expires_at.isoformat() if expires_at else None
        return json.dumps({"oauth": 1, **content})

    @classmethod
    def read(cls, text: str) -> Grant | None:
        """The grant in a stored credential; None if it is a plain key."""
        payload, _ = json_of(text.encode())
        if not isinstance(payload, dict) or payload.get("oauth") != 1:
            return None
        token = payload["token"]
        expires_at = datetime.fromisoformat(token["expires_at"]) if token["expires_at"] else None
        return cls(payload["platform"], App(**payload["app"]), Token(**{**token, "expires_at": expires_at}))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in under way: the address for the browser, and what its answer is held against."""

    url: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str = ""


def begin(vendor: SignIn, app: App, redirect_uri: str) -> Attempt:
    """Make the address a person opens."""
    state, verifier = generate_token(43), generate_token(64)
    extra = dict(vendor.authorize_params)
    if vendor.pkce:
        extra |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    url = prepare_grant_uri(
        vendor.authorize_url,
        client_id=app.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=vendor.separator.join(vendor.scopes),
        state=state,
        **extra,
    )
    return Attempt(url, state, verifier, redirect_uri)


class Loopback:
    """A listener on this machine for the request that brings the code; use it as a context manager.

    Browsers open connections that they do not use, and old tabs send old answers: each connection has a thread and a
    time limit of its own, and an answer that does not belong to the attempt is told so and waited past.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1", *, connection_s: float = CONNECTION_S) -> None:
        self._answers: SimpleQueue[str] = SimpleQueue()
        self._state = ""
        self._serving = False
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = connection_s

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                if parts.path != PATH or not query.keys() & {"code", "error"}:
                    self.send_error(404)
                elif query.get("state") != [listener._state]:
                    self.answer(400, STRAY)
                else:
                    self.answer(200, DONE if "code" in query else FAILED)
                    listener._answers.put(self.path)

            def answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(OSError):  # the browser has gone: what it brought counts all the same
                    self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """The code stands in the request line: say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A connection that breaks off is its own affair."""

        try:
            self._server = Server(("127.0.0.1", port), Handler)
        except OSError as exc:
            raise InputError(f"port {port} on 127.0.0.1 cannot be used ({exc.strerror}); choose another") from exc
        self.redirect_uri = f"http://{host}:{self._server.server_port}{PATH}"

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        if self._serving:
            self._server.shutdown()
        self._server.server_close()

    def wait(self, vendor: SignIn, attempt: Attempt, *, timeout_s: float) -> str:
        """The code the browser brings.

        Raises:
            AccessDenied: the person or the vendor refused, or no answer to this attempt came in time.
        """
        deadline = monotonic() + timeout_s
        self._state = attempt.state
        if not self._serving:
            self._serving = True
            Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                raise AccessDenied(vendor.platform, "sign-in", f"timed out after {timeout_s:.0f} s") from None
            if parse_qs(urlsplit(answer).query).get("state") == [attempt.state]:
                return code_of(vendor, attempt, answer)


def code_of(vendor: SignIn, attempt: Attempt, answer: str) -> str:
    """The code in the address the browser was sent to; raise `AccessDenied` if there is none for this attempt."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
    try:
        if "error" in query and query.get("state") == attempt.state:
            said = query.get("error_description") or query["error"]
            raise AccessDenied(vendor.platform, "sign-in", f"refused: {said:.200}")
        code: str = parse_authorization_code_response(answer, attempt.state)["code"]
    except MismatchingStateException as exc:
        raise AccessDenied(vendor.platform, "sign-in", "the answer belongs to another attempt; begin again") from exc
    except MissingCodeException as exc:
        raise AccessDenied(vendor.platform, "sign-in", "the answer holds no code for this attempt") from exc
    return code


def exchange(client: httpx.Client, vendor: SignIn, app: App, attempt: Attempt, code: str, *, now: datetime) -> Token:
    """Change a code for tokens; where the vendor's first token lives for an hour only, for one that lives longer."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": attempt.redirect_uri}
    form |= {"code_verifier": attempt.verifier} if vendor.pkce else {}
    token = _asked(client, vendor, app, form, now=now)
    return _prolonged(client, vendor, app, token, now=now) if vendor.prolong_grant else token


def renew(client: httpx.Client, vendor: SignIn, app: App, token: Token, *, now: datetime) -> Token:
    """A fresh token; one the vendor does not repeat (refresh token, scope) stays as it was.

    Raises:
        AccessDenied: the vendor will not renew it: sign in again.
    """
    if vendor.prolong_grant:
        return _prolonged(client, vendor, app, token, now=now)
    if not token.refresh_token:
        raise AccessDenied(vendor.platform, "renewal", f"has ended and cannot be renewed; {again(vendor)}")
    form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
    fresh = _asked(client, vendor, app, form, now=now)
    return replace(fresh, refresh_token=fresh.refresh_token or token.refresh_token, scope=fresh.scope or token.scope)


def again(vendor: SignIn) -> str:
    """What to do when a sign-in is over."""
    return f"sign in again: analytics connect {vendor.platform}"


def not_granted(vendor: SignIn, token: Token) -> tuple[str, ...]:
    """Scopes that were asked for and not granted; none where the vendor does not say what it granted (RFC 6749, 5.1).

    >>> vendor = SignIn("x", "", "", ("tweet.read", "users.read"), "")
    >>> not_granted(vendor, Token("t", scope="tweet.read")), not_granted(vendor, Token("t"))
    (('users.read',), ())
    """
    given = token.scopes
    return () if not given or "*" in given else tuple(scope for scope in vendor.scopes if scope not in given)


def http_client(*, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for token calls: it follows nowhere, as a redirect would take secrets along."""
    return httpx.Client(
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"}, timeout=TIMEOUT_S, transport=transport
    )


def _prolonged(client: httpx.Client, vendor: SignIn, app: App, token: Token, *, now: datetime) -> Token:
    form = {"grant_type": vendor.prolong_grant, vendor.prolong_grant: token.access_token}
    fresh = _asked(client, vendor, app, form, now=now)
    return replace(fresh, scope=fresh.scope or token.scope)


def _asked(client: httpx.Client, vendor: SignIn, app: App, form: Mapping[str, str], *, now: datetime) -> Token:
    call = f"POST {urlsplit(vendor.token_url).path}"
    sent = dict(form)
    basic = vendor.client_auth == "basic"
    if not basic or not app.client_secret:
        sent |= {"client_id": app.client_id} | ({"client_secret": app.client_secret} if app.client_secret else {})
    auth = (
        httpx.BasicAuth(app.client_id, app.client_secret)
        if basic and (app.client_secret or vendor.empty_secret)
        else None
    )
    request = client.build_request("POST", vendor.token_url, data=sent)
    try:
        answer, raw = bounded.fetch(client, request, auth=auth, max_bytes=MAX_BYTES, max_s=WHOLE_S)
    except bounded.TooSlow as exc:
        raise TransientSourceError(vendor.platform, call, f"no whole answer in {WHOLE_S:g} s") from exc
    except TooLarge as exc:
        raise MalformedResponse(vendor.platform, call, f"answer is larger than {MAX_BYTES} bytes") from exc
    except DataFileError as exc:
        raise MalformedResponse(vendor.platform, call, f"the answer: {exc}") from exc
    except httpx.HTTPError as exc:
        raise TransientSourceError(vendor.platform, call, f"{type(exc).__name__}: {exc}".rstrip(": ")) from exc
    payload, fault = json_of(raw)
    if answer.status_code == 429 or answer.status_code >= 500:
        raise TransientSourceError(vendor.platform, call, f"answered {answer.status_code}")
    if answer.is_error or (isinstance(payload, dict) and "error" in payload):
        said = _without(vendor_message(payload), *sent.values(), app.client_secret)
        problem = f"answered {answer.status_code}" + (f": {said:.200}" if said else "")
        raise AccessDenied(vendor.platform, call, f"{problem}; {again(vendor)}")
    if fault or not isinstance(payload, dict):
        raise MalformedResponse(vendor.platform, call, "the token's answer is no JSON object")
    return _token_of(vendor, call, payload, now)


def _token_of(vendor: SignIn, call: str, payload: Mapping[str, Any], now: datetime) -> Token:
    access, refresh, scope = (payload.get(name) or "" for name in ("access_token", "refresh_token", "scope"))
    if not (isinstance(access, str) and access and isinstance(refresh, str)):
        raise MalformedResponse(vendor.platform, call, "the answer holds no access token")
    try:
        seconds = payload.get("expires_in")
        expires_at = now + timedelta(seconds=float(seconds)) if seconds is not None else None
    except (TypeError, ValueError, OverflowError) as exc:
        raise MalformedResponse(vendor.platform, call, "expires_in is no number of seconds") from exc
    return Token(access, refresh, expires_at, " ".join(scope) if isinstance(scope, list) else str(scope))


def _without(text: str, *secrets: str) -> str:
    """A vendor's words on one line, without what we sent."""
    shown = " ".join(text.split())
    for secret in secrets:
        shown = shown.replace(secret, "…") if len(secret) >= 6 else shown
    return shown


def sign_in(
    vendor: SignIn,
    app: App,
    *,
    port: int,
    show: Callable[[str], None],
    timeout_s: float = 300.0,
    transport: httpx.BaseTransport | None = None,
) -> Grant:
    """The whole way: listen, show the address, wait for the code, change it for tokens."""
    with Loopback(port, vendor.redirect_host) as listener, http_client(transport=transport) as client:
        attempt = begin(vendor, app, listener.redirect_uri)
        show(attempt.url)
        code = listener.wait(vendor, attempt, timeout_s=timeout_s)
        return Grant(vendor.platform, app, exchange(client, vendor, app, attempt, code, now=datetime.now(UTC)))
