"""Requests to delete an account's or a content's readings: from every tier, on record, finished if interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.ingest.landing import Landing
from analytics.store import aggregates
from analytics.store.archive import Archive, Entry
from analytics.store.tables import deletions
from analytics.store.tiers import log_entry
from analytics.store.writing import LIFECYCLE_LOCK

BY_SERIES = ("points", "point_faults", "restatements", "late_points", "metric_hourly", "metric_daily")
BY_NAME = ("baseline_history", "anomaly_events", "annotations", "contents")
ALERTS = """
DELETE FROM alert_history WHERE anomaly_id IN (SELECT anomaly_id FROM anomaly_events WHERE {where})
"""
INBOX = """
DELETE FROM webhook_inbox WHERE account = :author AND CAST(:content AS text) IS NULL
AND EXISTS (SELECT 1 FROM webhook_totals WHERE platform = :platform AND account = :author)
"""
COUNTED = "DELETE FROM {table} WHERE platform = :platform AND account = :author AND CAST(:content AS text) IS NULL"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was asked to be deleted; None: any."""

    platform: str
    author_id: str | None
    content_id: str | None
    reason: str
    requested_by: str = ""


def request(connection: sa.Connection, deletion: Deletion) -> int:
    """Put a request on record; `fulfil` does it. A request for a whole platform needs neither account nor content.

    Raises:
        InputError: no series match.
    """
    if not _series(connection, deletion.platform, deletion.author_id, deletion.content_id):
        raise InputError(
            f"{deletion.platform} {deletion.author_id or ''} {deletion.content_id or ''}: no series of that name"
        )
    row = {name: getattr(deletion, name) for name in ("platform", "author_id", "content_id", "reason", "requested_by")}
    return int(connection.scalar(sa.insert(deletions).values(**row).returning(deletions.c.deletion_id)) or 0)


def fulfil(engine: sa.Engine, archive: Archive, landing: Landing | None, *, now: datetime) -> list[int]:
    """Do every request that is not completed: files first, then the database; return their numbers.

    Raw answers that name what is deleted go whole, with whatever else they said. What was summed over several series
    is summed again from those that stay; where that can no longer be done it goes too.
    """
    with engine.connect() as connection:
        open_requests = connection.execute(
            sa.select(deletions).where(deletions.c.completed_at.is_(None)).order_by(deletions.c.deletion_id)
        ).mappings()
        waiting = [dict(row) for row in open_requests]
    for row in waiting:
        if landing is not None:
            landing.forget(row["platform"], account=row["author_id"], content_id=row["content_id"])
        _fulfil(engine, archive, row, now)
    return [row["deletion_id"] for row in waiting]


def _fulfil(engine: sa.Engine, archive: Archive, row: dict[str, Any], now: datetime) -> None:
    with engine.connect() as connection:
        ids = _series(connection, row["platform"], row["author_id"], row["content_id"])
        logged = connection.execute(
            sa.text(
                "SELECT platform, day, content, location, rows, bytes, checksum FROM archive_log WHERE platform = :p"
            ),
            {"p": row["platform"]},
        )
        files = [Entry(*entry) for entry in logged]
        metrics = aggregates.metrics_of(connection, ids)
    archived = sum(_rewrite(engine, archive, entry, ids) for entry in files)
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0"))
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LIFECYCLE_LOCK})
        points = 0
        for table in BY_SERIES:
            gone = connection.execute(sa.text(f"DELETE FROM {table} WHERE series_id = ANY(:ids)"), {"ids": ids})  # noqa: S608
            points += gone.rowcount if table == "points" else 0
        names = {"platform": row["platform"], "author": row["author_id"], "content": row["content_id"]}
        where = (
            "platform = :platform AND (CAST(:author AS text) IS NULL OR author_id = :author)"
            " AND (CAST(:content AS text) IS NULL OR content_id = :content)"
        )
        connection.execute(sa.text(ALERTS.format(where=where)), names)
        for statement in (INBOX, *(COUNTED.format(table=table) for table in ("webhook_events", "webhook_totals"))):
            connection.execute(sa.text(statement), names)
        for table in BY_NAME:
            connection.execute(sa.text(f"DELETE FROM {table} WHERE {where}"), names)  # noqa: S608
        quarantined = where.replace("author_id =", "raw ->> 'author_id' =").replace(
            "content_id =", "raw ->> 'content_id' ="
        )
        connection.execute(sa.text(f"DELETE FROM quarantine WHERE {quarantined}"), names)  # noqa: S608
        connection.execute(sa.text("DELETE FROM series WHERE series_id = ANY(:ids)"), {"ids": ids})
        aggregates.renew(connection, archive, row["platform"], metrics)
        connection.execute(
            sa.update(deletions)
            .where(deletions.c.deletion_id == row["deletion_id"])
            .values(completed_at=now, points=points + archived)
        )


def _rewrite(engine: sa.Engine, archive: Archive, entry: Entry, ids: list[int]) -> int:
    """An archived file without these series; the old one goes once the new one is verified and on record."""
    table = archive.read(entry.location)
    left = table.filter(pc.invert(pc.is_in(table["series_id"], value_set=pa.array(ids, type=pa.int32()))))
    if left.num_rows == table.num_rows:
        return 0
    renewed = archive.write(entry.platform, entry.day, entry.content, left)
    with engine.begin() as connection:
        log_entry(connection, renewed)
    archive.keep_only(renewed)
    return int(table.num_rows - left.num_rows) if entry.content == "raw" else 0


def _series(connection: sa.Connection, platform: str, author_id: str | None, content_id: str | None) -> list[int]:
    query = sa.text(
        "SELECT series_id FROM series WHERE platform = :platform"
        " AND (CAST(:author AS text) IS NULL OR author_id = :author)"
        " AND (CAST(:content AS text) IS NULL OR content_id = :content)"
    )
    names = {"platform": platform, "author": author_id, "content": content_id}
    return list(connection.scalars(query, names))
