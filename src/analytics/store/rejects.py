"""Rejected rows into quarantine, each once however often its file is loaded."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
import psycopg


def keep_out(cursor: psycopg.Cursor[Any], collection_id: int, source: str, rejected: pd.DataFrame) -> None:
    """Add rejected rows (platform, metric_type, reason, raw as JSON text) to quarantine; the same row is kept once."""
    rows = [
        (collection_id, row.platform, row.metric_type, source, row.reason, row.raw, _raw_hash(source, row))
        for row in rejected.itertuples(index=False)
    ]
    cursor.executemany(
        "INSERT INTO quarantine (collection_id, platform, metric_type, source, reason, raw, raw_hash)"
        " VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s) ON CONFLICT (raw_hash) DO NOTHING",
        rows,
    )


def _raw_hash(source: str, row: Any) -> str:
    """What makes two quarantined rows the same: where they came from, why, and what they said."""
    return hashlib.sha256("\x00".join((source, row.reason, row.raw)).encode()).hexdigest()
