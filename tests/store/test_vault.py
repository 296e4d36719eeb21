"""Credentials at rest: nothing readable in the database, nothing swapped unnoticed, keys that can be changed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from analytics.errors import InputError, SettingsError
from analytics.store import Store, vault

TOKEN = SecretStr("ghp_very_secret")


def key() -> vault.Key:
    return vault.Key(SecretStr(vault.new_key()))


def test_a_credential_comes_back_and_is_nowhere_in_the_database(store: Store):
    mine = key()
    with store.begin() as connection:
        vault.put(connection, mine, "GITHUB_TOKEN", TOKEN)

    with store.begin() as connection:
        found = vault.get(connection, mine, "GITHUB_TOKEN")
        stored = connection.execute(sa.text("SELECT credentials::text, ciphertext FROM credentials")).one()

    assert found is not None
    assert found.get_secret_value() == "ghp_very_secret"
    assert "secret" not in stored[0]
    assert b"secret" not in bytes(stored[1])


def test_the_same_secret_twice_looks_different(store: Store):
    mine = key()
    with store.begin() as connection:
        vault.put(connection, mine, "a", TOKEN)
        vault.put(connection, mine, "b", TOKEN)
        texts = connection.scalars(sa.text("SELECT ciphertext FROM credentials")).all()

    assert bytes(texts[0]) != bytes(texts[1])


def test_rotation_seals_everything_anew_and_the_old_key_opens_nothing(store: Store):
    old, new = key(), key()
    with store.begin() as connection:
        vault.put(connection, old, "a", TOKEN)
        vault.put(connection, new, "b", TOKEN)

        assert vault.rotate(connection, old, new) == 1
        assert vault.names(connection) == {"a": new.key_id, "b": new.key_id}
        with pytest.raises(InputError, match=f"sealed with key {new.key_id}"):
            vault.get(connection, old, "a")


def test_a_ciphertext_moved_to_another_name_is_not_believed(store: Store):
    mine = key()
    with store.begin() as connection:
        vault.put(connection, mine, "a", TOKEN)
        connection.execute(sa.text("UPDATE credentials SET name = 'b'"))

        with pytest.raises(InputError, match="credential b: was changed"):
            vault.get(connection, mine, "b")


def test_absent_and_removed_are_none(store: Store):
    mine = key()
    with store.begin() as connection:
        vault.put(connection, mine, "a", TOKEN)

        assert vault.get(connection, mine, "x") is None
        assert vault.remove(connection, "a")
        assert not vault.remove(connection, "a")
        assert vault.get(connection, mine, "a") is None


@pytest.mark.parametrize("secret", [None, SecretStr("no base64!"), SecretStr("c2hvcnQ=")])
def test_without_a_good_key_the_way_to_make_one_is_told(secret: SecretStr | None):
    with pytest.raises(SettingsError, match="analytics credentials new-key"):
        vault.Key(secret)
