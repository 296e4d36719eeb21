"""Bodies that vendors sent by themselves, committed as they came before anybody answers them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from analytics.errors import DataFileError, ValueRefused, WebhookRefused
from analytics.ingest.mails import form_of
from analytics.store.tables_config import webhook_inbox

if TYPE_CHECKING:
    from analytics.store import Store

INBOUND = "inbound-"  # prefix of providers that post mails


KEEP = sa.text(
    "INSERT INTO webhook_inbox (provider, account, content_type, body, body_hash, replay_key)"
    " SELECT * FROM unnest(CAST(:provider AS text[]), CAST(:account AS text[]), CAST(:content_type AS text[]),"
    " CAST(:body AS bytea[]), CAST(:body_hash AS text[]), CAST(:replay_key AS text[]))"
    " ON CONFLICT DO NOTHING RETURNING provider, account, body_hash"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A body as it came; `replay_key` is what its sender uses once, where there is such a thing."""

    provider: str
    account: str
    body: bytes
    content_type: str = ""
    replay_key: str | None = None

    @property
    def body_hash(self) -> str:
        """What makes two bodies the same."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def place(self) -> tuple[str, str, str]:
        """What is kept once."""
        return self.provider, self.account, self.body_hash


def keep(store: Store, letter: Letter) -> bool:
    """Commit a body as it came; False if the same one is kept already.

    Raises:
        WebhookRefused: what its sender uses once came before with another body.
        StoreError: the database refused; nothing is kept.
    """
    (kept,) = keep_all(store, [letter])
    if isinstance(kept, WebhookRefused):
        raise kept
    return kept


def keep_all(store: Store, letters: Sequence[Letter]) -> list[bool | WebhookRefused]:
    """Commit bodies together, a commit for all: for each whether it is new, or why it is refused.

    Where the database will not take one of them, each is committed for itself, so that the others are kept.

    Raises:
        StoreError: the database refused; none is kept.
    """
    try:
        return _keep_together(store, letters)
    except ValueRefused as exc:
        if len(letters) == 1:
            return [WebhookRefused(f"{letters[0].provider}: {exc}")]
        return [result for letter in letters for result in keep_all(store, [letter])]


def _keep_together(store: Store, letters: Sequence[Letter]) -> list[bool | WebhookRefused]:
    names = ("provider", "account", "content_type", "body", "body_hash", "replay_key")
    with store.begin() as connection:
        columns = {name: [getattr(letter, name) for letter in letters] for name in names}
        new = {tuple(row) for row in connection.execute(KEEP, columns)}
        rest = [letter for letter in letters if letter.place not in new]
        known = new | (_known(connection, rest) if rest else set())
        again = {letter.place for letter in rest if letter.place not in known and _is_retry(connection, letter)}
    results: list[bool | WebhookRefused] = []
    for letter in letters:
        if letter.place not in known | again:
            results.append(WebhookRefused(f"{letter.provider}: this call was made before, with another body"))
            continue
        results.append(letter.place in new)
        new.discard(letter.place)  # the same body twice in one go is new once
    return results


def _known(connection: sa.Connection, letters: Sequence[Letter]) -> set[tuple[str, ...]]:
    i = webhook_inbox.c
    hashes = sa.select(i.provider, i.account, i.body_hash).where(i.body_hash.in_([x.body_hash for x in letters]))
    return {tuple(row) for row in connection.execute(hashes)}


def _is_retry(connection: sa.Connection, letter: Letter) -> bool:
    """Whether the call made before with this token said the same: a form sent again has other boundaries."""
    i = webhook_inbox.c
    query = sa.select(i.provider, i.account, i.content_type, i.body).where(i.replay_key == letter.replay_key)
    row = connection.execute(query).one_or_none()
    if row is None or (row.provider, row.account) != (letter.provider, letter.account):
        return False
    before = _content(letter.provider, row.content_type, bytes(row.body))
    return bool(before == _content(letter.provider, letter.content_type, letter.body))


def _content(provider: str, content_type: str, body: bytes) -> Any:
    """What a body says, however it is written down."""
    try:
        return form_of(body, content_type) if provider.startswith(INBOUND) else json.loads(body)
    except (DataFileError, ValueError, RecursionError):
        return body
