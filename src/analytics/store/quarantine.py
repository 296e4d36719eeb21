"""Rows that could not be stored: kept with their reason, listed, and offered to the write path again."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import sqlalchemy as sa

from analytics.ingest.contract import Definitions
from analytics.store import tables
from analytics.store.engine import driver_cursor
from analytics.store.partitions import ensure_days
from analytics.store.records import Collection, WriteResult
from analytics.store.writing import CollectionWriter

READING = ("platform", "metric_type", "time", "value", "content_id", "content_type", "author_id", "tags")


def select(connection: sa.Connection, platform: str | None, include_replayed: bool, limit: int | None) -> pd.DataFrame:
    """Quarantined rows, newest first."""
    q = tables.quarantine.c
    query = sa.select(tables.quarantine).order_by(q.quarantine_id.desc())
    if platform is not None:
        query = query.where(q.platform == platform)
    if not include_replayed:
        query = query.where(q.replayed_at.is_(None))
    if limit is not None:
        query = query.limit(limit)
    names = [c.name for c in tables.quarantine.c]
    return pd.DataFrame(connection.execute(query).mappings().all(), columns=names)


def replay(
    engine: sa.Engine, waiting: pd.DataFrame, *, now: datetime, definitions: Definitions | None = None
) -> WriteResult:
    """Write what may be stored now and mark it; the rest stays as it is, and is counted as quarantined."""
    refused: set[int] = set()
    total = WriteResult(0)
    with engine.begin() as connection, driver_cursor(connection) as cursor:
        for at, rows in waiting.groupby("quarantined_at", sort=True):  # oldest first, as they were given
            frame = pd.DataFrame([_reading(raw) for raw in rows["raw"]], columns=list(READING), dtype=object)
            frame = frame.assign(quarantine_id=rows["quarantine_id"].to_numpy())
            platforms = rows["platform"].unique()
            collection = Collection(
                platform=str(platforms[0]) if len(platforms) == 1 else "",
                method="replay",
                source="quarantine",
                started_at=now,
                as_of=pd.Timestamp(str(at)).to_pydatetime(),
            )
            writer = CollectionWriter(
                cursor,
                collection,
                partial(ensure_days, engine),
                now,
                definitions,
                refuse=lambda rows: refused.update(json.loads(raw)["quarantine_id"] for raw in rows["raw"]),
            )
            writer.begin()
            writer.add(writer.check(frame), len(frame))
            result = writer.finish()
            cursor.execute(
                "UPDATE quarantine SET replayed_at = %s, replayed_by = %s WHERE quarantine_id = ANY(%s)",
                [now, writer.collection_id, sorted(set(rows["quarantine_id"].tolist()) - refused)],
            )
            total = total + result
    return total


def _reading(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: raw.get(name) for name in READING}
