"""Take an import back: what it added goes, what it changed is as it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from analytics.errors import InputError
from analytics.store.writing import LIFECYCLE_LOCK, PLATFORM_LOCK

UNDOABLE = ("import", "export")
UNDONE = "undone"
ROW = "SELECT platform, method, error, rows_written + rows_corrected FROM collections WHERE collection_id = :id"
HELD = """
SELECT (SELECT count(*) FROM points WHERE collection_id = :id)
    + (SELECT count(DISTINCT (series_id, time)) FROM restatements WHERE old_collection_id = :id)
"""
TOUCHED = "SELECT min(time), max(time), array_agg(DISTINCT series_id) FROM points WHERE collection_id = :id"
DIRTY = """
INSERT INTO rollup_dirty (bucket) SELECT DISTINCT date_trunc('hour', time, 'UTC') FROM points
WHERE collection_id = :id AND time BETWEEN :first AND :last
"""
BACK = """
UPDATE points p SET value = r.old_value, collection_id = r.old_collection_id, quality = NULL
FROM restatements r WHERE r.new_collection_id = :id AND p.series_id = r.series_id AND p.time = r.time
  AND p.collection_id = :id AND p.time BETWEEN :first AND :last
"""
FAULTS = """
DELETE FROM point_faults f USING points p
WHERE p.collection_id = :id AND p.series_id = f.series_id AND p.time = f.time AND p.time BETWEEN :first AND :last
"""
GONE = "DELETE FROM points WHERE collection_id = :id AND time BETWEEN :first AND :last"
# what overwrote it since, overwrote what was there before it: undoing that later must not bring this import back
RELINK = """
UPDATE restatements later SET old_value = r.old_value, old_collection_id = r.old_collection_id
FROM restatements r WHERE r.new_collection_id = :id AND later.old_collection_id = :id
  AND later.series_id = r.series_id AND later.time = r.time
"""
UNFOUNDED = """
DELETE FROM restatements r WHERE r.old_collection_id = :id OR (r.old_value = r.new_value AND EXISTS (
    SELECT FROM restatements undone JOIN collections c ON c.collection_id = r.new_collection_id
    WHERE undone.new_collection_id = :id AND undone.series_id = r.series_id AND undone.time = r.time
      AND c.method <> ALL(:methods)))
"""
# a series' span: of one with days in other tiers the first stays as it is
SPANS = """
UPDATE series s SET last_time = p.last, first_time = CASE WHEN t.is_tiered THEN s.first_time ELSE p.first END
FROM (SELECT series_id, min(time) AS first, max(time) AS last FROM points WHERE series_id = ANY(:ids) GROUP BY 1) p,
    LATERAL (SELECT EXISTS (SELECT FROM tier_days d JOIN series o USING (platform) WHERE o.series_id = p.series_id
        AND d.day >= o.first_time::date) AS is_tiered) t
WHERE p.series_id = s.series_id
"""
EMPTY = """
DELETE FROM series s WHERE s.series_id = ANY(:ids)
  AND NOT EXISTS (SELECT FROM points p WHERE p.series_id = s.series_id)
  AND NOT EXISTS (SELECT FROM tier_days d WHERE d.platform = s.platform
    AND d.day BETWEEN s.first_time::date AND s.last_time::date)
"""
CLOSE = """
UPDATE collections SET outcome = 'skipped', error = :undone, rows_written = 0, rows_corrected = 0,
    fingerprint = :undone || ' ' || collection_id WHERE collection_id = :id
"""
IMPORTS = """
SELECT collection_id, started_at, platform, account, source, rows_written, rows_corrected, error = :undone AS is_undone
FROM collections WHERE method = ANY(:methods) ORDER BY collection_id DESC LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many readings went, how many are as before, and how many series went with them."""

    removed: int
    restored: int
    series: int


def imports(connection: sa.Connection, *, most: int = 20) -> Sequence[Any]:
    """The newest imports: number, time, platform, account, file, readings written and corrected, whether undone."""
    values = {"undone": UNDONE, "methods": list(UNDOABLE), "most": most}
    return connection.execute(sa.text(IMPORTS), values).all()


def undo(connection: sa.Connection, collection_id: int) -> Undone:
    """Take back one import, in the caller's transaction. What was corrected since by something else stays.

    Raises:
        InputError: no such import, it was undone before, or raw readings of it have left the database.
    """

    def run(statement: str, **values: object) -> sa.CursorResult[Any]:
        return connection.execute(sa.text(statement), {"id": collection_id, **values})

    row: Any = run(ROW).one_or_none()
    if row is None or row[1] not in UNDOABLE:
        raise InputError(f"import {collection_id}: no such import; `analytics import --list` shows the newest")
    if row[2] == UNDONE:
        raise InputError(f"import {collection_id}: was undone before")
    connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": LIFECYCLE_LOCK})
    place = {"lock": PLATFORM_LOCK, "platform": row[0]}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:platform))"), place)
    if run(HELD).scalar_one() < row[3]:
        raise InputError(f"import {collection_id}: raw readings of it have left the database, so it cannot be undone")
    touched: Any = run(TOUCHED).one()
    first, last, ids = touched
    removed = restored = gone = 0
    if first is not None:
        span = {"first": first, "last": last}
        run(DIRTY, **span)
        run(FAULTS, **span)
        restored = run(BACK, **span).rowcount
        removed = run(GONE, **span).rowcount
        connection.execute(sa.text(SPANS), {"ids": ids})
        gone = connection.execute(sa.text(EMPTY), {"ids": ids}).rowcount
    run("DELETE FROM late_points WHERE collection_id = :id")
    run(RELINK)
    run(UNFOUNDED, methods=list(UNDOABLE))
    run("DELETE FROM restatements WHERE new_collection_id = :id")
    run("DELETE FROM quarantine WHERE collection_id = :id AND replayed_at IS NULL")
    run(CLOSE, undone=UNDONE)
    return Undone(removed, restored, gone)
