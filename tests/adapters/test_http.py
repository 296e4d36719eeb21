"""The one mapping of failures to errors, and when a call is made again."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from analytics.adapters import http
from analytics.adapters.http import Cached, Renewed, get_json, paged
from analytics.adapters.vendor import Retry
from analytics.errors import (
    AccessDenied,
    InputError,
    MalformedResponse,
    QuotaExhausted,
    SourceError,
    SourceNotFound,
    TransientSourceError,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OK = httpx.Response(200, json={"fine": True})


def reply(status: int, body: object = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body if body is not None else {"message": "no"}, headers=named)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SourceError),
        (401, AccessDenied),
        (402, QuotaExhausted),
        (403, AccessDenied),
        (404, SourceNotFound),
        (410, SourceNotFound),
        (422, SourceError),
        (429, TransientSourceError),
        (451, AccessDenied),
        (500, TransientSourceError),
        (503, TransientSourceError),
        (599, TransientSourceError),
        (304, MalformedResponse),
    ],
)
def test_each_status_has_one_error(answering, status, error):
    """A caller asks only "may I try again?"; the status is read in one place."""
    client = answering("github", lambda _: reply(status))

    with pytest.raises(SourceError) as caught:
        get_json(client, "repos/a/b")

    assert type(caught.value) is error
    assert str(caught.value).startswith("github GET /repos/a/b: answered " + str(status))


def test_a_transient_failure_is_tried_again_with_growing_waits(answering, waits):
    client = answering("github", [reply(503), reply(500), OK])

    answer = get_json(client, "repos/a/b")

    assert answer.payload == {"fine": True}
    assert waits == [1.0, 2.0]


def test_a_denied_call_is_not_repeated(answering, waits):
    """The second answer would be a success: it must never be asked for."""
    client = answering("github", [reply(401), OK])

    with pytest.raises(AccessDenied):
        get_json(client, "repos/a/b")

    assert waits == []


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "7"},
        {"retry-after": format_datetime(NOON.replace(second=7), usegmt=True)},
        {"x-ratelimit-reset": "7", "x-ratelimit-remaining": "0"},
        {"x-ratelimit-reset": "7.0", "x-ratelimit-remaining": "0.0"},
        {"x-ratelimit-reset": str(int(NOON.timestamp()) + 7)},
        {"x-rate-limit-reset": str(int(NOON.timestamp()) + 7), "x-rate-limit-remaining": "0"},
        {"x-ratelimit-reset": str((int(NOON.timestamp()) + 7) * 1000)},
        {"x-ratelimit-reset": "2026-11-20T12:00:07Z"},
    ],
)
def test_every_form_of_reset_means_seven_seconds(answering, waits, headers):
    """Vendors write seconds, Unix seconds, milliseconds and dates; their Date header is the clock."""
    date = {"date": format_datetime(NOON, usegmt=True)}
    client = answering("github", [httpx.Response(429, headers=date | headers, json={}), OK])

    get_json(client, "repos/a/b")

    assert waits == [pytest.approx(7.0)]


@pytest.mark.parametrize("asked", ["soon", "", "nan", "inf", "-"])
def test_an_unreadable_reset_falls_back_to_backoff(answering, waits, asked):
    client = answering("github", [reply(429, retry_after=asked), OK])

    get_json(client, "repos/a/b")

    assert waits == [1.0]


def test_a_reset_header_on_a_server_error_is_not_waited_for(answering, waits):
    """GitHub sends the reset of the hour's window on every answer; a 503 has nothing to do with it."""
    client = answering("github", [reply(503, x_ratelimit_reset=str(int(NOON.timestamp()) + 3000)), OK])

    get_json(client, "repos/a/b")

    assert waits == [1.0]


def test_a_long_wait_is_left_to_the_caller(answering, waits):
    """Fifteen minutes inside one call would hold up the whole round; the error says how long to wait."""
    client = answering("github", [reply(429, retry_after="900"), OK])

    with pytest.raises(TransientSourceError) as caught:
        get_json(client, "repos/a/b")

    assert caught.value.retry_after_s == 900
    assert waits == []


def test_a_platform_that_is_down_is_not_waited_for_twice(answering, waits):
    """Five accounts of twenty calls each with four tries would take minutes to say the same thing."""
    client = answering("github", lambda _: reply(503))
    for _ in range(3):
        with pytest.raises(TransientSourceError):
            get_json(client, "repos/a/b")

    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout]
)
def test_transport_failures_are_transient(answering, failure):
    def broken(request: httpx.Request) -> httpx.Response:
        raise failure("the line is dead", request=request)

    with pytest.raises(TransientSourceError, match=failure.__name__):
        get_json(answering("github", broken), "repos/a/b")


@pytest.mark.parametrize(
    "content",
    [
        b'{"stars": 12',
        b"<!DOCTYPE html><html>",
        b"",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["cut", "html", "empty", "nan", "infinity", "not utf-8", "too deep", "huge number"],
)
def test_what_is_not_json_is_malformed(answering, content):
    client = answering("github", lambda _: httpx.Response(200, content=content))

    with pytest.raises(MalformedResponse, match="not JSON"):
        get_json(client, "repos/a/b")


def test_a_byte_order_mark_is_no_fault(answering):
    client = answering("github", lambda _: httpx.Response(200, content=b'\xef\xbb\xbf{"a": 1}'))

    assert get_json(client, "x").payload == {"a": 1}


def test_a_broken_compression_is_malformed(answering):
    squeezed = gzip.compress(b'{"a": 1}')[:-9] + b"rubbish!!"

    client = answering("github", lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, content=squeezed))

    with pytest.raises(MalformedResponse, match="DecodingError"):
        get_json(client, "x")


def test_an_answer_without_end_is_cut_off(answering):
    """A gzip bomb or a runaway server must not take the collector's memory."""
    client = answering("github", lambda _: httpx.Response(200, json={"a": "x" * 2000}), max_body_bytes=1000)

    with pytest.raises(MalformedResponse, match="larger than 1000 bytes"):
        get_json(client, "x")


def test_an_answer_that_trickles_in_is_given_up(answering, waits):
    """Each byte comes in time, the whole never: without a limit one server holds the round for ever."""
    seconds = iter(range(0, 10**6, 50))
    trickle = (b" " for _ in range(10**6))
    client = answering(
        "github",
        lambda _: httpx.Response(200, content=trickle),
        retry=Retry(attempts=1, clock=lambda: next(seconds)),
    )

    with pytest.raises(TransientSourceError, match="no whole answer in 120 s"):
        get_json(client, "x")


def test_no_message_shows_the_token(answering):
    """Vendors echo tokens in errors, and httpx puts addresses into its own."""
    client = answering("github", lambda _: reply(401, {"message": "bad token a-secret-token"}))

    with pytest.raises(AccessDenied) as caught:
        get_json(client, "x", params={"access_token": "a-secret-token", "fields": "views"})

    assert "a-secret-token" not in str(caught.value)
    assert str(caught.value) == "github GET /x?fields=views: answered 401: bad token REDACTED"


def test_a_token_written_for_an_address_is_taken_out_too(answering):
    """Access tokens hold slashes and bars; a vendor's link has them escaped."""
    token = "EAAB/secret|token=="
    echoed = "https://graph.example/x?access_token=EAAB%2Fsecret%7Ctoken%3D%3D"
    client = answering("github", lambda _: reply(400, {"message": echoed}), token=token)

    with pytest.raises(SourceError) as caught:
        get_json(client, "x")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["ghp_secret9999\n", "ghp_secret\x7f9999", "ghp_secret\t \t9999", "ghp'secret\\9999"])
def test_a_token_no_header_can_hold_is_not_shown_as_python_writes_it(answering, token):
    """h11 shows the header it refuses by its `repr`; the same key is refused the next time too."""

    def refused(_):
        raise httpx.LocalProtocolError(f"Illegal header value {f'Bearer {token}'.encode()!r}")

    client = answering("github", refused, token=token)

    with pytest.raises(SourceError, match=r"Illegal header value b.*…") as caught:
        get_json(client, "x")

    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, TransientSourceError)


def test_a_token_inside_a_body_is_taken_out_before_it_is_kept(answering):
    """Meta writes the token into the link to the next page."""
    body = {"paging": {"next": "https://graph.example/x?access_token=a-secret-token"}}
    client = answering("github", lambda _: httpx.Response(200, json=body))

    answer = get_json(client, "x")

    assert b"a-secret-token" not in answer.raw
    assert "a-secret-token" not in json.dumps(answer.payload)


def test_a_link_to_another_host_is_not_followed_with_the_token(answering):
    """A listing's next link comes from the answer: it must not carry the token anywhere else."""
    client = answering("github", lambda _: pytest.fail("asked a foreign host"))

    with pytest.raises(MalformedResponse, match="another host"):
        get_json(client, "https://evil.example/steal")


def test_an_unchanged_answer_comes_from_the_etag_store(answering):
    """A 304 is free at GitHub, and carries no body."""
    etags: dict[str, Cached] = {}
    seen: list[str | None] = []

    def github(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("if-none-match"))
        return httpx.Response(304) if seen[-1] else httpx.Response(200, json={"a": 1}, headers={"etag": '"v1"'})

    client = answering("github", github, etags=etags)
    first, second = get_json(client, "x"), get_json(client, "x")

    assert first.payload == second.payload == {"a": 1}
    assert seen == [None, '"v1"']


def _following(answer: http.Answer) -> str | None:
    return answer.payload["next"]


def test_pages_are_read_to_the_last(answering):
    client = answering("github", lambda r: httpx.Response(200, json={"next": {"": "b", "b": None}[r.url.params["at"]]}))

    assert len(list(paged(client, "x", params={"at": ""}, cursor="at", next_of=_following))) == 2


def test_paging_in_a_circle_is_malformed(answering):
    client = answering("github", lambda _: httpx.Response(200, json={"next": "again"}))

    with pytest.raises(MalformedResponse, match="goes round"):
        list(paged(client, "x", params={}, cursor="at", next_of=_following))


def test_paging_without_end_is_malformed(answering):
    count = iter(range(10_000))
    client = answering("github", lambda _: httpx.Response(200, json={"next": str(next(count))}))

    with pytest.raises(MalformedResponse, match="does not end after 100 pages"):
        list(paged(client, "x", params={}, cursor="at", next_of=_following))


def test_a_base_url_without_scheme_is_refused(answering):
    with pytest.raises(InputError, match="expected http"):
        answering("github", [], base_url="api.github.com")


def test_every_try_takes_its_turn_and_none_goes_out_without(answering, waits):
    """Limits are shared by processes: a repeat counts at the platform like a first call."""
    taken = []
    client = answering("github", [reply(503), OK], turn=lambda: taken.append(1))
    get_json(client, "x")
    assert len(taken) == 2

    def refuse() -> None:
        raise TransientSourceError("github", "calls-github", "no slot")

    silent = answering("github", lambda _: pytest.fail("a call went out"), turn=refuse, retry=Retry(attempts=1))
    with pytest.raises(TransientSourceError, match="no slot"):
        get_json(silent, "x")


def test_a_token_that_is_refused_is_renewed_once_and_the_call_repeated(answering):
    """Platforms end tokens before their time; a round must not fail for it, nor ask for tokens without end."""
    good, asked = ["token-of-yesterday-9"], []

    def answer(request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return reply(200) if token in good else reply(401)

    def renew(refused):
        asked.append(refused)
        return Renewed("token-of-today-long", "sign in again: analytics connect github")

    client = answering("github", answer, token="token-of-yesterday-9", renew=renew)

    get_json(client, "first")
    good[:] = ["token-of-today-long"]
    get_json(client, "second")
    good.clear()
    for call in ("third", "fourth"):
        with pytest.raises(AccessDenied, match=r"answered 401: no; also.*connect github") as caught:
            get_json(client, call)
        assert "today" not in str(caught.value)

    assert asked == ["token-of-yesterday-9"]


def test_a_fresh_token_that_is_refused_too_says_what_to_do(answering):
    renew = lambda _: Renewed("token-of-today-long", "sign in again: analytics connect github")  # noqa: E731
    client = answering("github", lambda _: reply(401), token="token-of-yesterday-9", renew=renew)

    with pytest.raises(AccessDenied, match="renewed; sign in again: analytics connect github"):
        get_json(client, "first")


@pytest.mark.parametrize(("code", "renewals"), [(190, 1), (102, 1), (10, 0), (100, 0)])
def test_graph_refuses_a_token_with_400(answering, code, renewals):
    asked = []
    body = {"error": {"code": code, "message": "no"}}
    client = answering(
        "facebook",
        lambda _: httpx.Response(400, json=body),
        token="token-of-yesterday-9",
        renew=lambda token: asked.append(token),
    )

    with pytest.raises(SourceError):
        get_json(client, "v25.0/me")

    assert len(asked) == renewals
