"""Sign-ins in a real store: encrypted, renewed in time and by one at a time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from analytics.adapters.oauth import App, Grant, Token
from analytics.errors import AccessDenied, InputError, SettingsError, TransientSourceError
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


def during(act):
    """A token endpoint in whose call something else happens; it makes `fresh-token`."""

    def answer(_):
        act()
        return httpx.Response(200, json={"access_token": "fresh-token", "refresh_token": "r-2", "expires_in": 3600})

    return httpx.MockTransport(answer)


def kept(settings, store):
    with store.begin() as connection:
        return vault.get(connection, vault.Key(settings.secret_key), "YOUTUBE_TOKEN")


def test_a_credential_removed_during_its_renewal_stays_removed(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))

    def remove():
        with store.begin() as connection:
            assert vault.remove(connection, "YOUTUBE_TOKEN")

    with pytest.raises(AccessDenied, match="removed meanwhile"):
        asked(settings, store, during(remove))

    assert kept(settings, store) is None


@pytest.mark.parametrize("answer", ["granted", "refused"])
def test_a_new_sign_in_during_a_renewal_wins(settings, store, answer):
    """Also where the vendor refuses the renewal because of it."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))
    new = Grant("youtube", App("app"), Token("new-sign-in", "new-refresh", NOW + timedelta(hours=1)))

    def sign_in_again():
        keep(settings, store, "YOUTUBE_TOKEN", new)
        if answer == "refused":
            raise httpx.ReadError("cut off")

    assert asked(settings, store, during(sign_in_again)) == "new-sign-in"
    assert Grant.read(kept(settings, store).get_secret_value()) == new


def test_a_rotation_waits_for_a_renewal_and_keeps_its_token(settings, store):
    """Otherwise it would seal the refresh token that the vendor has just made worthless."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))
    new = SecretStr(vault.new_key())

    def rotate():
        with store.begin() as connection:
            return vault.rotate(connection, vault.Key(settings.secret_key), vault.Key(new))

    with ThreadPoolExecutor(1) as pool:
        rotated = []
        asked(settings, store, during(lambda: rotated.append(pool.submit(rotate))))
        assert rotated[0].result(60) == 1

    after = settings.model_copy(update={"secret_key": new})
    assert Grant.read(kept(after, store).get_secret_value()).token.refresh_token == "r-2"


def test_a_rotation_that_did_not_wait_is_not_undone(settings, store):
    """A renewal that hung must not seal with the old key what the new one holds."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))
    new = SecretStr(vault.new_key())

    def rotate():
        with store.begin() as connection:
            vault.rotate(connection, vault.Key(settings.secret_key), vault.Key(new), patience_s=0)

    with pytest.raises(InputError, match="sealed with key"):
        asked(settings, store, during(rotate))

    assert kept(settings.model_copy(update={"secret_key": new}), store) is not None


def test_no_transaction_waits_for_a_vendor(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))
    seen = []

    def look():
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        with store.begin() as connection:
            seen.append(connection.scalar(sa.text(query)))

    asked(settings, store, during(look))

    assert seen == [1]  # the one that asks


@pytest.mark.parametrize("ends", [None, NOW + timedelta(days=300)], ids=["no end said", "alive by our clock"])
def test_a_token_that_the_platform_refused_is_renewed_once(settings, store, token_server, ends):
    keep(settings, store, "YOUTUBE_TOKEN", grant(ends))

    def refused(token):
        found = access_token(settings, store, "YOUTUBE_TOKEN", now=NOW, rejected=token, transport=token_server)
        return found.get_secret_value()

    assert asked(settings, store, token_server) == "old-token"
    assert [refused("old-token"), refused("old-token")] == ["token-1", "token-1"]  # the second: of another round
    assert token_server.made == ["refresh-1"]


def test_a_refused_token_that_cannot_be_renewed_says_what_to_do(settings, store):
    keep(settings, store, "YOUTUBE_TOKEN", Grant("youtube", App("app"), Token("old-token")))

    with pytest.raises(AccessDenied, match="sign in again: analytics connect youtube"):
        access_token(settings, store, "YOUTUBE_TOKEN", now=NOW, rejected="old-token")


RENEWS = """
import sys
from datetime import UTC, datetime
from dataclasses import replace
from analytics.adapters.signin_vendors import vendor_of
from analytics.jobs.collecting.signin import access_token
from analytics.settings import load_settings
from analytics.store import open_store

vendor = replace(vendor_of("youtube"), token_url=sys.argv[1])
settings = load_settings()
with open_store(settings) as store:
    access_token(settings, store, "YOUTUBE_TOKEN", now=datetime.now(UTC), vendor=vendor)
"""


def test_a_process_killed_in_its_renewal_leaves_the_sign_in_as_it_was(settings, store, token_server, tmp_path):
    """Its turn ends with it: the next round renews at once."""
    keep(settings, store, "YOUTUBE_TOKEN", grant(NOW))
    before = kept(settings, store).get_secret_value()
    own = {
        "ANALYTICS_DATABASE_URL": str(settings.database_url.get_secret_value()),
        "ANALYTICS_SECRET_KEY": settings.secret_key.get_secret_value(),
        "ANALYTICS_HOME": str(tmp_path),
    }
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        process = subprocess.Popen([sys.executable, "-c", RENEWS, address], env={**os.environ, **own})
        silent.settimeout(60)
        connection, _ = silent.accept()
        connection.recv(1)  # the refresh token is on its way
        process.kill()
        process.wait(20)
        connection.close()

    assert kept(settings, store).get_secret_value() == before
    assert asked(settings, store, token_server) == "token-1"


def test_a_plain_key_and_none_at_all(settings, store):
    with store.begin() as connection:
        vault.put(connection, vault.Key(settings.secret_key), "YOUTUBE_TOKEN", SecretStr("a-plain-key"))

    assert asked(settings, store) == "a-plain-key"
    assert access_token(settings, store, "GITHUB_TOKEN", now=NOW) is None


def test_without_a_key_nothing_is_kept(settings, store):
    with pytest.raises(SettingsError, match="ANALYTICS_SECRET_KEY"):
        keep(settings.model_copy(update={"secret_key": None}), store, "X_TOKEN", grant(None))
