"""Credentials in the store, encrypted: AES-256-GCM, the name as associated data, the key's id beside it.

The key comes from `ANALYTICS_SECRET_KEY` and never enters the database; a fresh 96-bit nonce a message, as
NIST SP 800-38D asks.

Whoever writes holds one lock to the end of his transaction. A renewal asks a vendor in between, where no transaction
may wait: it holds a turn instead, and its result replaces only the very row it read. A rotation waits for turns,
since the fresh token of one under way would be sealed with the old key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import SecretStr

from analytics.errors import InputError, SettingsError, StoreError
from analytics.store.tables_config import credentials
from analytics.store.upsert import upsert

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TURN_S = 45.0  # longer than a renewal may take, so a turn held for longer belongs to a process that hangs
ASK_AGAIN_S = 0.1
_WRITER = sa.text("SELECT pg_advisory_xact_lock(hashtext('credentials'), 0)")
_TAKE_TURN = sa.text("SELECT pg_try_advisory_lock(hashtext('renewal'), hashtext(:name))")
_TAKE_SHARE = sa.text("SELECT pg_try_advisory_lock_shared(hashtext('renewals'), 0)")
_END_TURN = sa.text("SELECT pg_advisory_unlock_all()")
_NO_TURNS = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('renewals'), 0)")
HOW = "make one with `analytics credentials new-key` and set ANALYTICS_SECRET_KEY to it"


def new_key() -> str:
    """A random key, base64 as the setting wants it."""
    return base64.b64encode(os.urandom(32)).decode()


class Key:
    """A 256-bit key and its public id."""

    def __init__(self, secret: SecretStr | None) -> None:
        if secret is None:
            raise SettingsError(f"ANALYTICS_SECRET_KEY is not set: {HOW}")
        try:
            raw = base64.b64decode(secret.get_secret_value(), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise SettingsError(f"ANALYTICS_SECRET_KEY is not base64: {HOW}") from exc
        if len(raw) != 32:
            raise SettingsError(f"ANALYTICS_SECRET_KEY has {len(raw)} bytes, expected 32: {HOW}")
        self.key_id = hashlib.sha256(b"analytics key id" + raw).hexdigest()[:12]
        self._raw = raw

    def cipher(self) -> AESGCM:
        """The cipher of this key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._raw)


@dataclass(frozen=True, slots=True)
class Stored:
    """A credential, and `version`, which names the row it was read from: a nonce is never used twice."""

    secret: SecretStr
    version: bytes


def put(connection: sa.Connection, key: Key, name: str, secret: SecretStr) -> None:
    """Store a credential under its name, in place of one of the same name."""
    connection.execute(_WRITER)
    upsert(connection, credentials, [_sealed(key, name, secret)], ["name"])


def replace(connection: sa.Connection, key: Key, name: str, secret: SecretStr, *, read: Stored) -> bool:
    """Store a credential in place of the one that was `read`; False if that has been changed or removed since."""
    connection.execute(_WRITER)
    c = credentials.c
    statement = sa.update(credentials).where(c.name == name, c.nonce == read.version, c.key_id == key.key_id)
    return connection.execute(statement.values(_sealed(key, name, secret))).rowcount > 0


def get(connection: sa.Connection, key: Key, name: str) -> SecretStr | None:
    """The credential of that name; None if there is none. Errors as `read`."""
    stored = read(connection, key, name)
    return stored.secret if stored else None


def read(connection: sa.Connection, key: Key, name: str) -> Stored | None:
    """The credential of that name with the version of its row; None if there is none.

    Raises:
        InputError: it was sealed with another key, or was tampered with.
    """
    row = connection.execute(sa.select(credentials).where(credentials.c.name == name)).mappings().one_or_none()
    return None if row is None else Stored(SecretStr(_opened(key, dict(row))), bytes(row["nonce"]))


@contextmanager
def turn(engine: sa.Engine, name: str, *, patience_s: float = TURN_S) -> Iterator[None]:
    """The one turn to renew a credential, without a transaction; it ends with its session, so also with its process.

    Who waits holds no connection.

    Raises:
        StoreError: it is another's for longer than `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while True:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                if connection.scalar(_TAKE_SHARE) and connection.scalar(_TAKE_TURN, {"name": name}):
                    yield
                    return
            finally:
                with suppress(sa.exc.DBAPIError):  # a session that is gone has let go of the turn
                    connection.execute(_END_TURN)
        if time.monotonic() > deadline:
            raise StoreError(f"credential {name}: another process has been renewing it for {patience_s:.0f} s")
        time.sleep(ASK_AGAIN_S)


def names(connection: sa.Connection) -> dict[str, str]:
    """Names of the stored credentials and the id of the key each is sealed with."""
    query = sa.select(credentials.c.name, credentials.c.key_id).order_by(credentials.c.name)
    return {row.name: row.key_id for row in connection.execute(query)}


def remove(connection: sa.Connection, name: str) -> bool:
    """Delete a credential; False if there was none."""
    connection.execute(_WRITER)
    return connection.execute(sa.delete(credentials).where(credentials.c.name == name)).rowcount > 0


def rotate(connection: sa.Connection, old: Key, new: Key, *, patience_s: float = TURN_S) -> int:
    """Seal every credential of the old key with the new one; return how many. In one transaction with the caller's.

    Renewals under way end first; one that hangs for `patience_s` is not waited for, and can store nothing afterwards.
    """
    deadline = time.monotonic() + patience_s
    while not connection.scalar(_NO_TURNS) and time.monotonic() < deadline:
        time.sleep(ASK_AGAIN_S)
    connection.execute(_WRITER)
    rows = connection.execute(sa.select(credentials).where(credentials.c.key_id == old.key_id)).mappings().all()
    for row in rows:
        put(connection, new, row["name"], SecretStr(_opened(old, dict(row))))
    return len(rows)


def _sealed(key: Key, name: str, secret: SecretStr) -> dict[str, Any]:
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = key.cipher().encrypt(nonce, secret.get_secret_value().encode(), name.encode())
    return {"name": name, "key_id": key.key_id, "nonce": nonce, "ciphertext": ciphertext, "updated_at": sa.func.now()}


def _opened(key: Key, row: Mapping[str, Any]) -> str:
    from cryptography.exceptions import InvalidTag

    if row["key_id"] != key.key_id:
        raise InputError(
            f"credential {row['name']}: sealed with key {row['key_id']}, but ANALYTICS_SECRET_KEY is {key.key_id}; "
            "set the old key, or rotate with both"
        )
    try:
        plain = key.cipher().decrypt(row["nonce"], row["ciphertext"], row["name"].encode())
    except InvalidTag as exc:
        raise InputError(f"credential {row['name']}: was changed in the database; set it again") from exc
    return plain.decode()
