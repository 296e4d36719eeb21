"""Readings dated after now: a clock was wrong when they were stored. They wait in quarantine until their time has come.

Left in place they are the newest of their series: they close incidents early, and all that follows them is late.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import psycopg

from analytics.ingest.check import FUTURE_TOLERANCE, raw_json
from analytics.store.rejects import keep_out

log = logging.getLogger(__name__)
REASON = "was stored with a time in the future: a clock was wrong"
FOUND = """
SELECT p.series_id, p.collection_id, p.time, p.value, s.platform, s.metric_type, s.content_id, s.author_id,
    s.content_type, c.source
FROM points p JOIN series s USING (series_id) LEFT JOIN collections c USING (collection_id)
WHERE p.time > %s ORDER BY p.collection_id, p.series_id, p.time
"""
DIRTY = """
INSERT INTO rollup_dirty (bucket) SELECT DISTINCT date_trunc('hour', time, 'UTC') FROM points WHERE time > %s
"""
LAST = """
UPDATE series s SET last_time = (SELECT max(time) FROM points p WHERE p.series_id = s.series_id)
WHERE s.series_id = ANY(%s) AND EXISTS (SELECT FROM points p WHERE p.series_id = s.series_id)
"""
EMPTY = """
DELETE FROM series s WHERE s.series_id = ANY(%s) AND s.first_time > %s
  AND NOT EXISTS (SELECT FROM points p WHERE p.series_id = s.series_id)
"""
SPAN = """
SELECT max(time) FILTER (WHERE time <= %(limit)s), min(time) FILTER (WHERE time > %(limit)s), max(time) FROM points
WHERE time > %(limit)s - interval '400 days'
"""
LEAST_JUMP_RATIO = 0.5  # of how far they reach beyond now; readings that lead there without a jump show a clock behind
KEY = ["platform", "metric_type", "content_id", "author_id", "content_type"]


def set_aside(cursor: psycopg.Cursor[tuple[object, ...]], now: datetime) -> int:
    """Move readings later than `now` (and the tolerance for clocks that differ) to quarantine; how many.

    None where readings lead past `now` without a jump: then this machine's own clock is behind, and they are right.
    """
    limit = now + FUTURE_TOLERANCE
    cursor.execute("SELECT EXISTS (SELECT FROM series WHERE last_time > %s)", [limit])
    row = cursor.fetchone()
    if row is None or not row[0]:
        return 0
    cursor.execute(SPAN, {"limit": limit})
    if _is_behind(cursor.fetchone(), limit):
        log.error("readings lead past %s without a gap: is the clock of this machine behind? None is set aside", now)
        return 0
    cursor.execute(FOUND, [limit])
    names = ["series_id", "collection_id", "time", "value", *KEY, "source"]
    found = pd.DataFrame(cursor.fetchall(), columns=names)
    if found.empty:
        return 0
    found["time"] = pd.to_datetime(found["time"], utc=True)
    for collection_id, rows in found.groupby("collection_id", sort=True):
        raw = [
            raw_json(record | {"time": at.to_pydatetime().astimezone(UTC)})
            for record, at in zip(rows[[*KEY, "value"]].to_dict("records"), rows["time"], strict=True)
        ]
        rejected = rows[["platform", "metric_type"]].assign(reason=REASON, raw=raw)
        keep_out(cursor, int(str(collection_id)), str(rows["source"].iloc[0] or ""), rejected)
    ids = sorted({int(i) for i in found["series_id"]})
    cursor.execute(DIRTY, [limit])
    cursor.execute("DELETE FROM point_faults WHERE time > %s", [limit])
    cursor.execute("DELETE FROM points WHERE time > %s", [limit])
    cursor.execute("DELETE FROM restatements WHERE time > %s", [limit])
    cursor.execute(LAST, [ids])
    cursor.execute(EMPTY, [ids, limit])
    return len(found)


def _is_behind(span: Any, limit: datetime) -> bool:
    """Whether readings go on past `limit` as before it: no jump at least half as long as they reach."""
    before, first, last = span or (None, None, None)
    if before is None or first is None or last is None:
        return False
    return bool(first - before < LEAST_JUMP_RATIO * (last - limit))
