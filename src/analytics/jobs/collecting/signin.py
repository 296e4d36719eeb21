"""Sign-ins in the store: kept encrypted, handed out as tokens that still live, renewed by one process at a time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import httpx
import sqlalchemy as sa
from pydantic import SecretStr

from analytics.adapters.oauth import EARLY, Grant, http_client, renew
from analytics.adapters.signin_vendors import SignIn, vendor_of
from analytics.errors import AccessDenied
from analytics.store import vault

if TYPE_CHECKING:
    from analytics.settings import Settings
    from analytics.store import Store

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('sign-in'), hashtext(:name))")


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
    vendor: SignIn | None = None,
    transport: httpx.BaseTransport | None = None,
) -> SecretStr | None:
    """What to send: a stored key as it is, a sign-in's token, renewed if it ends within minutes; None: not there.

    A vendor may take a refresh token once only: whoever comes second waits, and finds the fresh one.

    Raises:
        AccessDenied: the vendor will not renew it, and it is over: sign in again.
        TransientSourceError: the vendor could not be asked, and the token is over.
    """
    key = vault.Key(settings.secret_key)
    with store.begin() as connection:
        stored = vault.get(connection, key, name)
    if stored is None or (grant := Grant.read(stored.get_secret_value())) is None:
        return stored
    if not grant.token.ends_by(now + EARLY):
        return SecretStr(grant.token.access_token)
    with store.begin() as connection:
        connection.execute(_LOCK, {"name": name})
        stored = vault.get(connection, key, name)
        grant = Grant.read(stored.get_secret_value()) if stored else None
        if grant is None:
            raise AccessDenied(name, "renewal", "the credential was removed meanwhile")
        if grant.token.ends_by(now + EARLY):
            grant = _renewed(grant, vendor or vendor_of(grant.platform), now, transport)
            vault.put(connection, key, name, SecretStr(grant.text()))
    return SecretStr(grant.token.access_token)


def _renewed(grant: Grant, vendor: SignIn, now: datetime, transport: httpx.BaseTransport | None) -> Grant:
    from analytics.errors import SourceError

    try:
        with http_client(transport=transport) as client:
            return Grant(grant.platform, grant.app, renew(client, vendor, grant.app, grant.token, now=now))
    except SourceError:
        if grant.token.ends_by(now):
            raise
        return grant  # it lives a few minutes yet: the next round tries again
