"""The one HTTP client: who we are, how long we wait, when we try again, and what each failure is called.

A vendor's way of speaking stands in its `Vendor`; everything else is the same for all. Whatever
goes wrong ends in one of the errors below `SourceError`, naming platform, call and value, never a token.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx

from analytics import __version__
from analytics.adapters import redirects
from analytics.adapters.bounded import body_of
from analytics.adapters.breaker import Breaker
from analytics.adapters.limits import asked_wait_s, remaining_of
from analytics.adapters.vendor import Cached, QueryAuth, Retry, Vendor, vendor_message
from analytics.errors import (
    AccessDenied,
    DataFileError,
    InputError,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)
from analytics.unpacking import ACCEPTED, TooLarge

USER_AGENT = f"analytics/{__version__} (traffic collector)"
OURS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ACCEPTED}
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_PAGES = 100
NEVER = 10**9
SECRET_LENGTH = 12  # no vendor's token is shorter; a short one stands in bodies by chance
SECRET_PARAMS = frozenset({"key", "access_token", "token", "api_key", "client_secret", "code", "appsecret_proof"})

STATUS_ERRORS: dict[int, type[SourceError]] = {
    401: AccessDenied,
    402: QuotaExhausted,
    403: AccessDenied,
    404: SourceNotFound,
    408: TransientSourceError,
    410: SourceNotFound,
    425: TransientSourceError,
    429: TransientSourceError,
    451: AccessDenied,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful call."""

    call: str
    payload: Any
    raw: bytes
    status: int
    headers: httpx.Headers
    api_version: str
    rate_limit_remaining: int | None


@dataclass(frozen=True, slots=True)
class Renewed:
    """A token in place of one that was refused, and what to do if this one is refused as well."""

    token: str = field(repr=False)
    advice: str


class Client(httpx.Client):
    """An `httpx.Client` that knows its vendor. Build one an account, use it as a context manager.

    Args:
        vendor: the platform's way of speaking.
        token: the account's secret; None for what needs none.
        base_url: another address than the vendor's, for a proxy or the simulator.
        retry: waiting; tests give a `sleep` that returns at once.
        etags: answers by call, sent as `If-None-Match`; a 304 is free at most vendors.
        headers: beside the vendor's own.
        breaker: shared by the platform's clients of a round; once it is open, no call goes out.
        every: the shortest stretch between two of the account's polls; None: not known.
        renew: gives a fresh token for one that was refused, None where there is no way; asked once a client.
        turn: called before every request goes out, repeats included; it may wait, for limits that processes share.
        transport: for tests.
    """

    def __init__(
        self,
        vendor: Vendor,
        *,
        token: str | None = None,
        base_url: str | None = None,
        retry: Retry | None = None,
        etags: MutableMapping[str, Cached] | None = None,
        headers: Mapping[str, str] | None = None,
        breaker: Breaker | None = None,
        every: timedelta | None = None,
        renew: Callable[[str], Renewed | None] | None = None,
        turn: Callable[[], None] | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        address = (base_url or vendor.base_url).rstrip("/") + "/"
        if not address.startswith(("http://", "https://")):
            raise InputError(f"{vendor.platform} base URL {address!r}: expected http:// or https://")
        super().__init__(
            base_url=address,
            auth=vendor.auth(token) if token else None,
            headers={**OURS, **vendor.headers, **(headers or {})},
            timeout=timeout,
            transport=transport,
            verify=_certificates(),
            follow_redirects=False,  # `redirects` decides, hop by hop
        )
        self.vendor = vendor
        self.overridden = base_url is not None
        own = () if self.overridden else vendor.other_hosts
        self.origins = {redirects.origin(self.base_url), *(redirects.origin(httpx.URL(host)) for host in own)}
        self.retry = retry or Retry()
        self.etags = etags
        self.turn = turn
        self.max_body_bytes = max_body_bytes
        self.struggling = False
        self.breaker = breaker or Breaker(failures=NEVER)
        self.every = every
        self._secret = token
        self._renew = renew
        self._spent: tuple[str, ...] = ()
        self.advice = ""  # what to do about a refused token

    def renewed(self) -> bool:
        """Change the refused token for a fresh one, the first time; False where there is none to be had.

        Raises:
            SourceError: the sign-in cannot be renewed; `advice` then says what to do.
        """
        if self._renew is None or self._secret is None:
            return False
        renew, self._renew = self._renew, None
        try:
            fresh = renew(self._secret)
        except SourceError as exc:
            self.advice = exc.problem
            raise
        if fresh is None:
            return False
        self.advice = f"also with a token that was renewed; {fresh.advice}"
        self._spent += (self._secret,)
        self._secret, self.auth = fresh.token, self.vendor.auth(fresh.token)
        return True

    @property
    def signed_in(self) -> bool:
        """Whether the token is a person's or app's sign-in, not a mere key in the query."""
        return self._secret is not None and not isinstance(self.auth, QueryAuth)

    def step(self, usual: timedelta = timedelta(minutes=5)) -> timedelta:
        """The slots that readings are dated to: the platform's usual ones, unless two polls could fall into one."""
        return usual if self.every is None or not self.every % usual else self.every

    def path_at(self, host: str, path: str) -> str:
        """`path` on another host of the vendor's; where the base URL is overridden, everything is below that."""
        return path if self.overridden else f"{host}/{path}"

    def allow(self, host: str) -> None:
        """Let this client ask another host, `https://…`: an account may live at an address of its own."""
        self.origins.add(redirects.origin(httpx.URL(host)))

    def scrubbed(self, text: str) -> str:
        """`text` on one line, cut to 200 characters, without the token, also as Python or an address writes it."""
        written: set[str] = set()
        for secret in self._secrets():
            written |= {secret, quote(secret, safe=""), repr(secret)[1:-1], " ".join(secret.split())}
        for form in sorted({*written, *(form.strip() for form in written)} - {""}, key=len, reverse=True):
            text = text.replace(form, "…")
        return " ".join(text.split())[:200]

    def redacted(self, raw: bytes) -> bytes:
        """A body without the token: some vendors put it into the links to the next page."""
        for secret in (form for one in self._secrets() for form in (one, quote(one, safe=""))):
            raw = raw.replace(secret.encode(), b"REDACTED") if len(secret) >= SECRET_LENGTH else raw
        return raw

    def _secrets(self) -> tuple[str, ...]:
        return (*self._spent, self._secret or "")


def get_json(client: Client, path: str, *, params: Mapping[str, str | int] | None = None) -> Answer:
    """GET `path` below the base URL; raise an error below `SourceError` for anything but JSON with a 2xx."""
    return request_json(client, "GET", path, params=params)


def post_json(client: Client, path: str, *, body: Any) -> Answer:
    """POST `body` as JSON; same errors as `get_json`."""
    return request_json(client, "POST", path, body=body)


def request_json(
    client: Client, method: str, path: str, *, params: Mapping[str, str | int] | None = None, body: Any = None
) -> Answer:
    """Send one call, again if it failed in passing, and read its JSON.

    Raises:
        TransientSourceError: transport, timeout, 429 or 5xx to the last try; `retry_after_s` where one was named.
        QuotaExhausted, AccessDenied, SourceNotFound: by status, or by what the vendor reads in the body.
        MalformedResponse: not JSON, cut off, compressed wrongly, too large, redirected in circles or to another host.
    """
    request = client.build_request(method, path, params=params, json=body)
    call = shown_call(request) + (
        f" {body['operationName']}" if isinstance(body, dict) and "operationName" in body else ""
    )
    if redirects.origin(request.url) not in client.origins:
        raise MalformedResponse(client.vendor.platform, call, f"points to another host than {client.base_url.host}")
    attempts = 1 if client.struggling else client.retry.attempts
    for attempt in range(attempts):
        if client.breaker.is_open:
            raise TransientSourceError(client.vendor.platform, call, client.breaker.reason)
        begun = client.breaker.clock()
        try:
            answer = _signed_in(client, lambda: client.build_request(method, path, params=params, json=body), call)
        except TransientSourceError as exc:
            wait_s = client.retry.backoff_s(attempt) if exc.retry_after_s is None else exc.retry_after_s
            client.breaker.answered() if exc.is_throttled else client.breaker.failed(begun)
            if attempt + 1 == attempts or wait_s > client.retry.max_wait_s or client.breaker.is_open:
                client.struggling = True  # the next call gets one try: a platform that is down is not waited for twice
                raise
            client.retry.sleep(wait_s)
        except SourceError:
            client.breaker.answered()
            raise
        else:
            client.breaker.answered()
            client.struggling = False
            return answer
    raise AssertionError("unreachable: the last attempt returns or raises")


def paged(
    client: Client, path: str, *, params: Mapping[str, str | int], cursor: str, next_of: Callable[[Answer], str | None]
) -> Iterator[Answer]:
    """Yield a listing's pages; `next_of` reads the next value of the parameter `cursor`, None on the last.

    Raises:
        MalformedResponse: a cursor came twice, or `MAX_PAGES` were not enough: the listing does not end.
    """
    seen: set[str] = set()
    asked = dict(params)
    for _ in range(MAX_PAGES):
        answer = get_json(client, path, params=asked)
        yield answer
        following = next_of(answer)
        if following is None:
            return
        if following in seen:
            raise MalformedResponse(client.vendor.platform, answer.call, f"paging goes round at {following!r:.40}")
        seen.add(following)
        asked[cursor] = following
    raise MalformedResponse(client.vendor.platform, f"GET {path}", f"paging does not end after {MAX_PAGES} pages")


def shown_call(request: httpx.Request) -> str:
    """Method, path and query without secrets, as messages, the landing and the log show it."""
    query = "&".join(f"{k}={v}" for k, v in request.url.params.multi_items() if k.lower() not in SECRET_PARAMS)
    return f"{request.method} {request.url.path}" + (f"?{query}" if query else "")


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read once: a round opens a client an account, and reading the bundle takes 50 ms."""
    return httpx.create_ssl_context()


def _signed_in(client: Client, build: Callable[[], httpx.Request], call: str) -> Answer:
    """One try; where the token is refused, a second with a fresh one."""
    try:
        return _once(client, build(), call)
    except AccessDenied as exc:
        if not exc.refuses_token:
            raise
        if not client.renewed():
            raise _advised(client, exc) from exc
    try:
        return _once(client, build(), call)
    except AccessDenied as exc:
        raise _advised(client, exc) from exc


def _advised(client: Client, exc: AccessDenied) -> AccessDenied:
    return AccessDenied(exc.platform, exc.call, f"{exc.problem}; {client.advice}") if client.advice else exc


def _once(client: Client, request: httpx.Request, call: str) -> Answer:
    cached = client.etags.get(call) if client.etags is not None and request.method == "GET" else None
    if cached:
        request.headers["If-None-Match"] = cached.etag
    if client.turn is not None:
        client.turn()
    response, raw = _sent(client, request, call)
    if response.status_code == httpx.codes.NOT_MODIFIED and cached:
        raw = cached.raw
    raw = client.redacted(raw)
    payload, fault = (client.vendor.read or json_of)(raw)
    unchanged = cached is not None and response.status_code == httpx.codes.NOT_MODIFIED
    error = None if unchanged else _error_of(client, call, response, payload)
    if error:
        raise error
    if fault and response.status_code != httpx.codes.NO_CONTENT:
        kind = response.headers.get("content-type", "no content type").split(";")[0]
        raise MalformedResponse(
            client.vendor.platform, call, client.scrubbed(f"{kind}, not {client.vendor.form}: {fault}")
        )
    if client.etags is not None and request.method == "GET" and "etag" in response.headers:
        client.etags[call] = Cached(response.headers["etag"], raw)
    return Answer(
        call=call,
        payload=payload,
        raw=raw,
        status=response.status_code,
        headers=response.headers,
        api_version=client.vendor.api_version,
        rate_limit_remaining=remaining_of(response.headers, client.vendor.remaining_headers),
    )


def _sent(client: Client, request: httpx.Request, call: str) -> tuple[httpx.Response, bytes]:
    """The response with its body, read up to the size limit."""
    platform = client.vendor.platform
    raw, limit = bytearray(), client.max_body_bytes
    begun = client.retry.clock()
    try:
        hosts = () if client.overridden else client.vendor.redirect_hosts
        response = redirects.followed(client, request, client.origins, hosts)
        try:
            for chunk in body_of(response, limit=limit):
                raw += chunk
                if client.retry.clock() - begun > client.retry.max_answer_s:
                    raise TransientSourceError(platform, call, f"no whole answer in {client.retry.max_answer_s:g} s")
        finally:
            response.close()
    except TooLarge as exc:
        raise MalformedResponse(platform, call, f"answer is larger than {limit} bytes") from exc
    except DataFileError as exc:
        raise MalformedResponse(platform, call, f"the answer's {exc}") from exc
    except httpx.LocalProtocolError as exc:  # what we sent is no HTTP, and will be none the next time
        raise SourceError(platform, call, client.scrubbed(f"{type(exc).__name__}: {exc}")) from exc
    except httpx.TransportError as exc:  # timeouts and cut connections are among these
        name = type(exc).__name__
        raise TransientSourceError(platform, call, client.scrubbed(f"{name}: {exc}".rstrip(": "))) from exc
    except redirects.Astray as exc:
        raise MalformedResponse(platform, call, client.scrubbed(str(exc))) from exc
    except (httpx.DecodingError, httpx.InvalidURL) as exc:
        raise MalformedResponse(platform, call, client.scrubbed(f"{type(exc).__name__}: {exc}")) from exc
    return response, bytes(raw)


def json_of(raw: bytes) -> tuple[Any, str | None]:
    """The payload of a body, and what is wrong where there is none (then the payload is None)."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=refuse), None
    except (ValueError, RecursionError) as exc:
        begin = raw[:40].decode("utf-8", "replace")
        return None, f"{exc} in {len(raw)} bytes that begin {begin!r}"


def _error_of(client: Client, call: str, response: httpx.Response, payload: Any) -> SourceError | None:
    vendor, status = client.vendor, response.status_code
    kind = vendor.classify(response, payload)
    if kind is None:
        if response.is_success:
            return None
        general = TransientSourceError if status >= 500 else MalformedResponse if status < 400 else SourceError
        kind = STATUS_ERRORS.get(status, general)
    said = vendor_message(payload)
    problem = client.scrubbed(f"answered {status}" + (f": {said}" if said else ""))
    if issubclass(kind, TransientSourceError):
        transient = kind(vendor.platform, call, problem, retry_after_s=asked_wait_s(vendor, response))
        transient.is_throttled = status < 500
        return transient
    error = kind(vendor.platform, call, problem)
    if isinstance(error, AccessDenied):
        error.refuses_token = vendor.refuses_token(response, payload)
    return error
