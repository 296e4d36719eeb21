"""Sign-ins in the store: kept encrypted, handed out as tokens that still live, renewed by one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from analytics.adapters.http import Renewed
from analytics.adapters.oauth import EARLY, Grant, again, http_client, renew
from analytics.adapters.signin_vendors import SignIn, vendor_of
from analytics.errors import AccessDenied, SourceError
from analytics.store import vault

if TYPE_CHECKING:
    from analytics.settings import Settings
    from analytics.store import Store

Renewal = Callable[[str], Renewed | None]
log = logging.getLogger(__name__)


def keep(settings: Settings, store: Store, name: str, grant: Grant) -> None:
    """Store a sign-in under the name the params call it by."""
    key = vault.Key(settings.secret_key)
    with store.begin() as connection:
        vault.put(connection, key, name, SecretStr(grant.text()))


def access_token(
    settings: Settings,
    store: Store,
    name: str,
    *,
    now: datetime,
    rejected: str | None = None,
    vendor: SignIn | None = None,
    transport: httpx.BaseTransport | None = None,
) -> SecretStr | None:
    """What to send: a stored key as it is, a sign-in's token, renewed if it ends within minutes; None: not there.

    A vendor may take a refresh token once only: whoever comes second waits, and finds the fresh one. The vendor is
    asked outside of any transaction. What somebody else stored or removed meanwhile stays as it is.

    Args:
        rejected: a token the platform refused although it should live; if it is still the one stored, it is renewed.

    Raises:
        AccessDenied: the vendor will not renew it, and it is over: sign in again.
        TransientSourceError: the vendor could not be asked, and the token is over.
        StoreError: another process has been renewing it for too long.
    """
    key = vault.Key(settings.secret_key)

    def read() -> tuple[vault.Stored | None, Grant | None]:
        with store.begin() as connection:
            stored = vault.read(connection, key, name)
        return stored, Grant.read(stored.secret.get_secret_value()) if stored else None

    def is_spent(grant: Grant) -> bool:
        return grant.token.ends_by(now + EARLY) or grant.token.access_token == rejected

    stored, grant = read()
    if stored is None or grant is None:
        return stored.secret if stored else None
    if not is_spent(grant):
        return SecretStr(grant.token.access_token)
    with vault.turn(store.engine, name):
        stored, grant = read()
        if stored is None:
            raise _removed(name)
        if grant is None:
            return stored.secret
        if not is_spent(grant):
            return SecretStr(grant.token.access_token)
        fresh, error = _renewed(grant, vendor or vendor_of(grant.platform), now, transport)
        if fresh is not None:
            with store.begin() as connection:
                if vault.replace(connection, key, name, SecretStr(fresh.text()), read=stored):
                    return SecretStr(fresh.token.access_token)
    return _changed_meanwhile(
        store, key, name, stored, grant, error, is_over=rejected is not None or grant.token.ends_by(now)
    )


def renewal(settings: Settings, store: Store, name: str, *, transport: httpx.BaseTransport | None = None) -> Renewal:
    """What gives a client one fresh token for one the platform refused; None for a plain key, which nothing renews."""

    def renew(rejected: str) -> Renewed | None:
        now = datetime.now(UTC)
        key = vault.Key(settings.secret_key)
        with store.begin() as connection:
            stored = vault.get(connection, key, name)
        grant = Grant.read(stored.get_secret_value()) if stored else None
        if grant is None:
            return None
        fresh = access_token(settings, store, name, now=now, rejected=rejected, transport=transport)
        return Renewed(fresh.get_secret_value(), again(vendor_of(grant.platform))) if fresh else None

    return renew


def _renewed(
    grant: Grant, vendor: SignIn, now: datetime, transport: httpx.BaseTransport | None
) -> tuple[Grant | None, SourceError | None]:
    """The grant with a fresh token, or why there is none."""
    try:
        with http_client(transport=transport) as client:
            token = renew(client, vendor, grant.app, grant.token, now=now)
    except SourceError as exc:
        return None, exc
    lost = set(grant.token.scopes) - set(token.scopes)
    if lost:
        log.warning(
            "%s: the renewed sign-in has fewer permissions; missing: %s", vendor.platform, ", ".join(sorted(lost))
        )
    return Grant(grant.platform, grant.app, token), None


def _changed_meanwhile(
    store: Store,
    key: vault.Key,
    name: str,
    before: vault.Stored,
    grant: Grant,
    error: SourceError | None,
    *,
    is_over: bool,
) -> SecretStr:
    """What counts after a renewal that stored nothing: what somebody else stored, else the token while it lives."""
    with store.begin() as connection:
        stored = vault.read(connection, key, name)
    if stored is None:
        raise _removed(name)
    if stored.version != before.version:
        newer = Grant.read(stored.secret.get_secret_value())
        return SecretStr(newer.token.access_token) if newer else stored.secret
    if error is not None and is_over:
        raise error
    return SecretStr(grant.token.access_token)  # it lives a few minutes yet: the next round tries again


def _removed(name: str) -> AccessDenied:
    return AccessDenied(name, "renewal", "the credential was removed meanwhile")
