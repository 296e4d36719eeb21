"""Sign-in against a real OAuth server, a process of its own on loopback; a thread plays the browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from analytics.adapters.oauth import (
    App,
    Attempt,
    Grant,
    Loopback,
    Token,
    begin,
    code_of,
    exchange,
    http_client,
    renew,
    sign_in,
)
from analytics.adapters.signin_vendors import VENDORS, SignIn, vendor_of, with_pkce
from analytics.errors import AccessDenied, InputError, MalformedResponse, TransientSourceError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
APP = App("app", "app-secret-of-mine")


@pytest.fixture(scope="module")
def server():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "oauth_server.py"), str(port)])
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/inspect")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture
def vendor(server):
    return SignIn("youtube", f"{server}/authorize", f"{server}/token", ("read",), "words")


def browser(url):
    """Opens the address as a person would, and follows where it is sent."""
    threading.Thread(target=lambda: httpx.get(url, follow_redirects=True), daemon=True).start()


def inspected(server, **query):
    return httpx.get(f"{server}/inspect", params=query).json()


@pytest.mark.parametrize("auth", ["basic", "post"])
@pytest.mark.parametrize("app", [APP, App("public")], ids=["secret", "public"])
def test_a_person_signs_in(vendor, server, auth, app):
    grant = sign_in(replace(vendor, client_auth=auth), app, port=0, show=browser, timeout_s=30)

    assert grant.token.access_token in inspected(server)["good"]
    assert timedelta(minutes=59) < grant.token.expires_at - datetime.now(UTC) <= timedelta(hours=1)


@pytest.fixture
def linkedin(server):
    """LinkedIn's entry, with this machine's addresses for LinkedIn's."""
    addresses = {"authorize_url": f"{server}/linkedin", "pkce_authorize_url": f"{server}/native"}
    return replace(vendor_of("linkedin"), token_url=f"{server}/token", **addresses)


def test_linkedin_signs_in_without_pkce(linkedin, server):
    """Its usual sign-in does not describe PKCE, and refuses a code that comes with a verifier."""
    grant = sign_in(linkedin, APP, port=0, show=browser, timeout_s=30)

    assert grant.token.access_token in inspected(server)["good"]
    with pytest.raises(AccessDenied, match="Client authentication failed"):
        sign_in(replace(linkedin, pkce=True), APP, port=0, show=browser, timeout_s=30)


def test_linkedin_signs_in_with_pkce_at_its_address_for_native_apps(linkedin, server):
    """Where LinkedIn has enabled it for the app: back to 127.0.0.1, and without the secret."""
    native = with_pkce(linkedin, True)

    grant = sign_in(native, App("app"), port=0, show=browser, timeout_s=30)

    assert grant.token.access_token in inspected(server)["good"]
    assert (native.redirect_host, native.takes_secret) == ("127.0.0.1", False)
    assert linkedin.takes_secret
    with pytest.raises(AccessDenied, match="Client authentication failed"):
        sign_in(native, APP, port=0, show=browser, timeout_s=30)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.platform)
def test_pkce_is_a_setting_and_off_for_a_reason(vendor):
    off, on, as_it_is = (with_pkce(vendor, setting) for setting in (False, True, None))

    uri = "http://127.0.0.1:1/callback"
    assert "code_challenge" not in begin(off, APP, uri).url
    assert "code_challenge_method=S256" in begin(on, APP, uri).url
    assert as_it_is == vendor
    assert vendor.pkce or "--pkce" in vendor.pkce_words


def test_the_address_holds_what_the_vendor_and_we_need(vendor):
    attempt = begin(replace(vendor, authorize_params={"prompt": "consent"}), APP, "http://127.0.0.1:1/callback")

    query = {name: values[0] for name, values in parse_qs(urlsplit(attempt.url).query).items()}
    other = begin(vendor, APP, "http://127.0.0.1:1/callback")
    assert query["prompt"] == "consent"
    assert query["code_challenge_method"] == "S256"
    assert query["state"] == attempt.state != other.state
    assert 43 <= len(attempt.verifier) <= 128
    assert attempt.verifier not in attempt.url
    assert attempt.verifier not in repr(attempt)


def test_a_code_without_its_verifier_is_worth_nothing(vendor):
    """Who steals the code from the browser has no use for it."""
    with http_client() as client, Loopback() as listener:
        attempt = begin(vendor, APP, listener.redirect_uri)
        browser(attempt.url)
        code = listener.wait(vendor, attempt, timeout_s=30)
        stolen = replace(attempt, verifier="x" * 43)

        with pytest.raises(AccessDenied, match="code_verifier"):
            exchange(client, vendor, APP, stolen, code, now=NOW)


def test_a_code_counts_once(vendor):
    with http_client() as client, Loopback() as listener:
        attempt = begin(vendor, APP, listener.redirect_uri)
        browser(attempt.url)
        code = listener.wait(vendor, attempt, timeout_s=30)
        exchange(client, vendor, APP, attempt, code, now=NOW)

        with pytest.raises(AccessDenied, match="analytics connect youtube"):
            exchange(client, vendor, APP, attempt, code, now=NOW)


def test_a_refusal_is_said_in_the_vendors_words(vendor):
    with pytest.raises(AccessDenied, match="The user said no"):
        sign_in(replace(vendor, scopes=("refuse",)), APP, port=0, show=browser, timeout_s=30)


ATTEMPT = Attempt("http://x", "the-state", "v" * 43, "http://127.0.0.1:1/callback")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"code": "c", "state": "another"}, "another attempt"),
        ({"code": "c"}, "another attempt"),
        ({"state": "the-state"}, "no code"),
        ({"error": "x", "state": "another"}, "no code"),
        ({"error": "server_error", "state": "the-state"}, "refused: server_error"),
    ],
)
def test_an_answer_to_another_attempt_is_refused(vendor, answer, said):
    """Otherwise a link somebody sends could sign us in to their account."""
    with pytest.raises(AccessDenied, match=said):
        code_of(vendor, ATTEMPT, f"/callback?{urlencode(answer)}")

    assert code_of(vendor, ATTEMPT, "/callback?code=c&state=the-state") == "c"


def test_the_listener_minds_only_the_callback(vendor):
    with Loopback() as listener:
        root = listener.redirect_uri.removesuffix("/callback")

        def visit():
            for path in ("/favicon.ico", "/callback", f"/callback?{urlencode({'code': 'c', 'state': 'the-state'})}"):
                httpx.get(root + path)

        threading.Thread(target=visit, daemon=True).start()

        assert listener.wait(vendor, ATTEMPT, timeout_s=30) == "c"


def test_an_idle_connection_and_an_old_answer_end_no_sign_in(vendor):
    """Browsers open a second connection and say nothing on it; an old tab may answer an attempt that is over."""
    with Loopback() as listener:
        port = urlsplit(listener.redirect_uri).port
        answered = []

        def visit():
            for query in (
                "code=old&state=another",
                "error=access_denied&state=another",
                "code=x",
                "code=c&state=the-state",
            ):
                answered.append(httpx.get(f"{listener.redirect_uri}?{query}").status_code)

        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as half:
            half.send(b"GET /callback?code=")
            visitor = threading.Thread(target=visit)
            visitor.start()
            code = listener.wait(vendor, ATTEMPT, timeout_s=30)
            visitor.join(30)

    assert (code, answered) == ("c", [400, 400, 400, 200])


def test_an_idle_connection_is_closed_after_its_own_time(vendor):
    with Loopback(connection_s=0.05) as listener:
        port = urlsplit(listener.redirect_uri).port
        with socket.create_connection(("127.0.0.1", port), timeout=20) as idle:
            with pytest.raises(AccessDenied, match="timed out"):
                listener.wait(vendor, ATTEMPT, timeout_s=0.5)
            assert idle.recv(1) == b""


def test_nobody_coming_back_is_said(vendor):
    with Loopback() as listener, pytest.raises(AccessDenied, match="sign-in: timed out"):
        listener.wait(vendor, ATTEMPT, timeout_s=0.05)


def test_a_port_in_use_is_said():
    with Loopback() as first:
        port = urlsplit(first.redirect_uri).port
        with pytest.raises(InputError, match=f"port {port} on 127.0.0.1 cannot be used"):
            Loopback(port)


def test_a_token_is_renewed_and_the_refresh_token_rotates(vendor):
    grant = sign_in(vendor, APP, port=0, show=browser, timeout_s=30)

    with http_client() as client:
        fresh = renew(client, vendor, APP, grant.token, now=NOW)
        with pytest.raises(AccessDenied, match="revoked; sign in again"):
            renew(client, vendor, APP, grant.token, now=NOW)

    assert fresh.access_token != grant.token.access_token
    assert fresh.expires_at == NOW + timedelta(hours=1)


def test_a_short_token_is_changed_for_a_long_one(vendor, server):
    """Meta's first token lives an hour; there is no refresh token, the token itself is changed."""
    meta = replace(vendor, platform="facebook", prolong_grant="exchange")

    grant = sign_in(meta, APP, port=0, show=browser, timeout_s=30)
    with http_client() as client:
        fresh = renew(client, meta, APP, grant.token, now=NOW)

    assert inspected(server)["calls"][-3:] == ["authorization_code", "exchange", "exchange"]
    assert fresh.access_token in inspected(server)["good"]


def test_no_secret_is_ever_said(vendor):
    with http_client() as client, pytest.raises(AccessDenied) as caught:
        renew(client, vendor, App("app", "another-secret"), Token("t", "r" * 20), now=NOW)

    assert "wrong secret" in str(caught.value)
    assert "another-secret" not in str(caught.value)
    assert "secret" not in repr(Grant("x", App("app", "my-secret"), Token("secret-token", "secret-refresh")))


ANSWERS = {
    "html": (httpx.Response(200, html="<html>"), MalformedResponse),
    "no token": (httpx.Response(200, json={"expires_in": 5}), MalformedResponse),
    "odd end": (httpx.Response(200, json={"access_token": "t", "expires_in": "soon"}), MalformedResponse),
    "list": (httpx.Response(200, json=[]), MalformedResponse),
    "error in 200": (httpx.Response(200, json={"error": "invalid_grant"}), AccessDenied),
    "moved": (httpx.Response(302, headers={"location": "http://evil.example"}), MalformedResponse),
    "busy": (httpx.Response(429), TransientSourceError),
    "down": (httpx.Response(503, html="<html>"), TransientSourceError),
}


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.values(), ids=ANSWERS)
def test_every_odd_answer_has_its_error(vendor, answer, kind):
    with http_client(transport=httpx.MockTransport(lambda _: answer)) as client, pytest.raises(kind):
        renew(client, vendor, APP, Token("t", "r"), now=NOW)


@pytest.fixture
def stubborn():
    """A token endpoint that sends what it is given, again and again, until the caller hangs up."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(first, then, pause_s):
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(first)
                while not ended.wait(pause_s):
                    connection.sendall(then)

        def start(*what):
            threading.Thread(target=serve, args=what, daemon=True).start()
            return f"http://127.0.0.1:{listening.getsockname()[1]}/token"

        yield start
        ended.set()


@pytest.mark.parametrize(
    ("first", "then", "pause_s", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, 0, "larger than 1048576 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" ", 0.02, "no whole answer in 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.02, "no whole answer in 0.5 s"),
    ],
    ids=["endless", "a drip of a body", "a drip of headers"],
)
def test_a_token_endpoint_has_limits_of_size_and_time(vendor, stubborn, monkeypatch, first, then, pause_s, said):
    monkeypatch.setattr("analytics.adapters.oauth.WHOLE_S", 0.5 if "whole" in said else 60)
    slow = replace(vendor, token_url=stubborn(first, then, pause_s))

    with http_client() as client, pytest.raises((TransientSourceError, MalformedResponse), match=said):
        renew(client, slow, APP, Token("t", "r"), now=NOW)


def test_a_token_that_cannot_be_renewed_says_what_to_do(vendor):
    with http_client() as client, pytest.raises(AccessDenied, match="sign in again: analytics connect youtube"):
        renew(client, vendor, APP, Token("t"), now=NOW)


def test_a_grant_survives_the_vault():
    for expires_at in (None, NOW):
        grant = Grant("x", APP, Token("t", "r", expires_at, "a b"))
        assert Grant.read(grant.text()) == grant
    assert Grant.read("a-plain-key") is None
    assert Grant.read('{"type": "service_account"}') is None


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.platform)
def test_every_vendor_is_described(vendor):
    attempt = begin(vendor, App("id-of-mine"), "http://localhost:8765/callback")

    assert attempt.url.startswith("https://")
    assert vendor.token_url.startswith("https://")
    assert "id-of-mine" in attempt.url
    assert vendor.scopes[0] in parse_qs(urlsplit(attempt.url).query)["scope"][0]
    assert "http://localhost" in vendor.words.format(redirect_uri="http://localhost") or vendor.platform == "youtube"


def test_platforms_are_found_by_their_names():
    assert vendor_of("Twitter").platform == "x"
    assert {v.platform for v in VENDORS} == {
        *("youtube", "linkedin", "instagram", "facebook", "x", "reddit", "producthunt")
    }
    with pytest.raises(InputError, match="expected one of youtube, linkedin"):
        vendor_of("medium")
