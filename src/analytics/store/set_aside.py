"""Bodies that could not be counted, in quarantine: each with its reason, until it is counted or dismissed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

KEEP = sa.text(
    "INSERT INTO quarantine (collection_id, platform, metric_type, source, reason, raw, raw_hash)"
    " VALUES (:collection, :platform, '', :source, :reason, CAST(:raw AS jsonb), :raw_hash)"
    " ON CONFLICT (raw_hash) DO UPDATE SET replayed_at = NULL, replayed_by = NULL, quarantined_at = now()"
)
RESOLVE = sa.text(
    "UPDATE quarantine SET replayed_at = now(), replayed_by = :collection WHERE replayed_at IS NULL"
    " AND jsonb_exists(raw, 'inbox_id') AND CAST(raw ->> 'inbox_id' AS bigint) = ANY(CAST(:ids AS bigint[]))"
)
FORGET = sa.text(
    "DELETE FROM quarantine"
    " WHERE jsonb_exists(raw, 'inbox_id') AND CAST(raw ->> 'inbox_id' AS bigint) = ANY(CAST(:ids AS bigint[]))"
)
DISMISS = sa.text(
    "UPDATE quarantine SET replayed_at = now() WHERE replayed_at IS NULL"
    " AND quarantine_id = ANY(CAST(:ids AS bigint[]))"
)
WAITING = sa.text(
    "SELECT quarantine_id, CAST(raw ->> 'inbox_id' AS bigint) AS inbox_id, source, raw ->> 'author_id' AS account,"
    " reason, quarantined_at AS at FROM quarantine"
    " WHERE replayed_at IS NULL AND jsonb_exists(raw, 'inbox_id') ORDER BY quarantine_id DESC"
)


@dataclass(frozen=True)
class SetAside:
    """One body that waits; `source` says through which webhook it came."""

    quarantine_id: int
    inbox_id: int
    source: str
    account: str
    reason: str
    at: datetime


def keep(
    connection: sa.Connection,
    collection_id: int,
    platform: str,
    provider: str,
    account: str,
    inbox_id: int,
    reason: str,
) -> None:
    """Set a body aside; the body itself stays in the inbox, as it holds addresses and has a time of its own."""
    raw = json.dumps({"inbox_id": inbox_id, "provider": provider, "author_id": account})
    source = f"webhook {provider}"
    raw_hash = hashlib.sha256("\x00".join((source, reason, raw)).encode()).hexdigest()
    values = {"collection": collection_id, "platform": platform, "source": source}
    connection.execute(KEEP, {**values, "reason": reason, "raw": raw, "raw_hash": raw_hash})


def resolve(connection: sa.Connection, inbox_ids: Sequence[int], collection_id: int) -> None:
    """These bodies were read again."""
    connection.execute(RESOLVE, {"ids": list(inbox_ids), "collection": collection_id})


def forget(connection: sa.Connection, inbox_ids: Sequence[int]) -> None:
    """These bodies are gone."""
    connection.execute(FORGET, {"ids": list(inbox_ids)})


def dismiss(connection: sa.Connection, quarantine_ids: Sequence[int]) -> None:
    """Nothing more is to be done about these rows of the quarantine, bodies or readings."""
    connection.execute(DISMISS, {"ids": list(quarantine_ids)})


def waiting(connection: sa.Connection) -> list[SetAside]:
    """Bodies that wait for somebody, newest first."""
    return [SetAside(**row) for row in connection.execute(WAITING).mappings()]
