"""The state of the store in figures: sizes, days, tiers, freshness, backlog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from analytics.store.migrate import current_revision
from analytics.store.partitions import days_with_points
from analytics.store.rollup import backlog

PLATFORMS = """
SELECT platform, count(*) AS series, min(first_time) AS first_time, max(last_time) AS last_time
FROM series WHERE last_time IS NOT NULL GROUP BY platform ORDER BY platform
"""
COLLECTIONS = """
SELECT DISTINCT ON (platform, account) platform, account, method, started_at, outcome, rows_written, rows_quarantined,
       error
FROM collections ORDER BY platform, account, started_at DESC
"""
FRESHNESS = """
SELECT platform, metric_type, author_id, content_id, last_time, count(*) OVER () AS of_series
FROM series WHERE last_time IS NOT NULL AND (CAST(:platform AS text) IS NULL OR platform = :platform)
ORDER BY last_time, platform, metric_type, author_id, content_id LIMIT :limit
"""
SIZE = """
SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0), coalesce(sum(pg_stat_get_live_tuples(i.inhrelid)), 0)
FROM pg_inherits i WHERE i.inhparent = to_regclass('points')
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """What `analytics status` shows; `hot_points` is PostgreSQL's estimate."""

    schema: str | None
    database_bytes: int
    hot_bytes: int
    hot_points: int
    hot_days: tuple[date, ...]
    tier_days: dict[str, int]
    archived_bytes: int
    backlog_hours: int
    quarantined: int
    platforms: pd.DataFrame
    collections: pd.DataFrame

    def stale(self, now: datetime, hours: float) -> list[str]:
        """Platforms whose newest reading is older than that."""
        return [
            str(row["platform"])
            for row in self.platforms.to_dict("records")
            if (now - row["last_time"]).total_seconds() > hours * 3600
        ]


def overview(connection: sa.Connection) -> Overview:
    """Look at the store; a few quick queries, nothing is scanned."""
    hot_bytes, hot_points = connection.execute(sa.text(SIZE)).one()
    tiers = connection.execute(sa.text("SELECT tier, count(*) AS days FROM tier_days GROUP BY tier"))
    return Overview(
        schema=current_revision(connection),
        database_bytes=int(connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0),
        hot_bytes=int(hot_bytes),
        hot_points=int(hot_points),
        hot_days=tuple(days_with_points(connection)),
        tier_days={row.tier: row.days for row in tiers},
        archived_bytes=int(connection.scalar(sa.text("SELECT coalesce(sum(bytes), 0) FROM archive_log")) or 0),
        backlog_hours=backlog(connection),
        quarantined=int(connection.scalar(sa.text("SELECT count(*) FROM quarantine WHERE replayed_at IS NULL")) or 0),
        platforms=_frame(connection, PLATFORMS),
        collections=_frame(connection, COLLECTIONS),
    )


def freshness(connection: sa.Connection, *, platform: str | None = None, limit: int = 40) -> pd.DataFrame:
    """The newest reading of each series, the stalest first.

    Returns:
        at most `limit` rows of platform, metric_type, author_id, content_id, last_time (UTC) and of_series, the number
        of series there are; empty for a platform without readings.
    """
    return _frame(connection, FRESHNESS, platform=platform, limit=limit)


def _frame(connection: sa.Connection, query: str, **values: object) -> pd.DataFrame:
    result = connection.execute(sa.text(query), values)
    return pd.DataFrame(result.mappings().all(), columns=list(result.keys()))
