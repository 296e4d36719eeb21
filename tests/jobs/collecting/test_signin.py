"""Sign-ins in a real store: encrypted, renewed in time and by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from analytics.adapters.oauth import App, Grant, Token
from analytics.errors import AccessDenied, SettingsError, TransientSourceError
from analytics.jobs.collecting.signin import access_token, keep
from analytics.store import open_store, vault

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"secret_key": SecretStr(vault.new_key())})


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def grant(ends):
    return Grant("youtube", App("app", "app-secret"), Token("old-token", "refresh-1", ends))


@pytest.fixture
def token_server():
    """Takes each refresh token once, as X does."""
    made, good = [], ["refresh-1"]

    def answer(request):
        given = dict(part.split("=") for part in request.content.decode().split("&"))["refresh_token"]
        if given not in good:
            return httpx.Response(400, json={"error": "invalid_grant"})
        good.remove(given)
        made.append(given)
        good.append(f"refresh-{len(made) + 1}")
        return httpx.Response(
            200, json={"access_token": f"token-{len(made)}", "refresh_token": good[-1], "expires_in": 3600}
        )

    transport = httpx.MockTransport(answer)
    transport.made = made
    return transport


def asked(settings, store, transport=None, now=NOW):
    return access_token(settings, store, "YOUTUBE_TOKEN", now=now, transport=transport).get_secret_value()


def test_a_living_token_is_handed_out_as_it_is(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW + timedelta(hours=1)))

    assert asked(settings, store) == "old-token"
    with store.begin() as connection:
        sealed = bytes(connection.scalar(sa.text("SELECT ciphertext FROM credentials")))
    assert b"token" not in sealed


def test_a_token_is_renewed_before_it_ends(settings, store, token_server):
    """A round takes minutes: a token that ends within them would fail half of it."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW + timedelta(minutes=4)))

    assert [asked(settings, store, token_server) for _ in range(2)] == ["token-1", "token-1"]
    assert asked(settings, store, token_server, NOW + timedelta(minutes=56)) == "token-2"
    assert token_server.made == ["refresh-1", "refresh-2"]


def test_many_at_once_renew_once(settings, store, token_server):
    """A refresh token used twice is taken for stolen by some vendors, who then revoke the sign-in."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW - timedelta(minutes=1)))

    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda _: asked(settings, store, token_server), range(4)))

    assert tokens == ["token-1"] * 4
    assert len(token_server.made) == 1


def test_a_vendor_that_is_down_costs_nothing_while_the_token_lives(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW + timedelta(minutes=4)))
    down = httpx.MockTransport(lambda _: httpx.Response(503))

    assert asked(settings, store, down) == "old-token"
    with pytest.raises(TransientSourceError):
        asked(settings, store, down, NOW + timedelta(minutes=5))


def test_a_revoked_sign_in_says_what_to_do(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW - timedelta(days=1)))
    revoked = httpx.MockTransport(lambda _: httpx.Response(400, json={"error": "invalid_grant"}))

    with pytest.raises(AccessDenied, match="analytics connect youtube"):
        asked(settings, store, revoked)


def test_a_plain_key_and_none_at_all(settings, store):
    with store.begin() as connection:
        vault.put(connection, vault.Key(settings.secret_key), "YOUTUBE_TOKEN", SecretStr("a-plain-key"))

    assert asked(settings, store) == "a-plain-key"
    assert access_token(settings, store, "GITHUB_TOKEN", now=NOW) is None


def test_without_a_key_nothing_is_kept(settings, store):
    with pytest.raises(SettingsError, match="ANALYTICS_SECRET_KEY"):
        keep(settings.model_copy(update={"secret_key": None}), store, "X_TOKEN", grant(None))
