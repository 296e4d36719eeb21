"""Credentials in the store, encrypted: AES-256-GCM, the name as associated data, the key's id beside it.

The key comes from `ANALYTICS_SECRET_KEY` and never enters the database; a fresh 96-bit nonce a message, as
NIST SP 800-38D asks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import SecretStr

from analytics.errors import InputError, SettingsError
from analytics.store.tables_config import credentials
from analytics.store.upsert import upsert

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
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


def put(connection: sa.Connection, key: Key, name: str, secret: SecretStr) -> None:
    """Store a credential under its name, in place of one of the same name."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = key.cipher().encrypt(nonce, secret.get_secret_value().encode(), name.encode())
    row = {"name": name, "key_id": key.key_id, "nonce": nonce, "ciphertext": sealed, "updated_at": sa.func.now()}
    upsert(connection, credentials, [row], ["name"])


def get(connection: sa.Connection, key: Key, name: str) -> SecretStr | None:
    """The credential of that name; None if there is none.

    Raises:
        InputError: it was sealed with another key, or was tampered with.
    """
    row = connection.execute(sa.select(credentials).where(credentials.c.name == name)).mappings().one_or_none()
    return None if row is None else SecretStr(_opened(key, dict(row)))


def names(connection: sa.Connection) -> dict[str, str]:
    """Names of the stored credentials and the id of the key each is sealed with."""
    query = sa.select(credentials.c.name, credentials.c.key_id).order_by(credentials.c.name)
    return {row.name: row.key_id for row in connection.execute(query)}


def remove(connection: sa.Connection, name: str) -> bool:
    """Delete a credential; False if there was none."""
    return connection.execute(sa.delete(credentials).where(credentials.c.name == name)).rowcount > 0


def rotate(connection: sa.Connection, old: Key, new: Key) -> int:
    """Seal every credential of the old key with the new one; return how many. In one transaction with the caller's."""
    rows = connection.execute(sa.select(credentials).where(credentials.c.key_id == old.key_id)).mappings().all()
    for row in rows:
        put(connection, new, row["name"], SecretStr(_opened(old, dict(row))))
    return len(rows)


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
