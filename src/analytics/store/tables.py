"""Tables of the store as SQLAlchemy describes them; the migrations make them, a test compares the two.

Partitions of `points` live in the schema `partitions`, one a UTC day. The specification's
`platform_metrics` is a view over series, points and collections.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, REAL

metadata = sa.MetaData()
Instant = sa.DateTime(timezone=True)


def _id(name: str, kind: Any = sa.Integer) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.Identity(always=True), primary_key=True)


def _text(name: str, *, default: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="" if default else None)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


collections = sa.Table(
    "collections",
    metadata,
    _id("collection_id"),
    _text("platform"),
    _text("account", default=True),
    _text("method"),
    _text("source", default=True),
    sa.Column("api_version", sa.Text),
    sa.Column("rate_limit_remaining", sa.Integer),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    _text("outcome"),
    _count("rows_read"),
    _count("rows_written"),
    _count("rows_duplicate"),
    _count("rows_corrected"),
    _count("rows_late"),
    _count("rows_quarantined"),
    _count("rows_unknown"),
    sa.Column("error", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Index("collections_platform_started", "platform", "started_at"),
    sa.Index(
        "collections_good",
        *("platform", "account", "started_at"),
        postgresql_where=sa.text("outcome IN ('ok', 'partial')"),
    ),
)

series = sa.Table(
    "series",
    metadata,
    _id("series_id"),
    _text("platform"),
    _text("metric_type"),
    _text("content_id", default=True),
    _text("author_id", default=True),
    _text("content_type", default=True),
    sa.Column("tags", JSONB),
    sa.Column("first_time", Instant),
    sa.Column("last_time", Instant),
    sa.UniqueConstraint("platform", "metric_type", "content_id", "author_id", name="series_natural_key"),
)

# Four-byte columns stand in pairs: a point is 48 bytes with its header, not 56.
points = sa.Table(
    "points",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("collection_id", sa.Integer, nullable=False),
    sa.Column("time", Instant, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("quality", REAL),
    postgresql_partition_by="RANGE (time)",
)

point_faults = sa.Table(
    "point_faults",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time", Instant, primary_key=True),
    sa.Column("faults", JSONB, nullable=False),
)

restatements = sa.Table(
    "restatements",
    metadata,
    _id("restatement_id", sa.BigInteger),
    sa.Column("series_id", sa.Integer, nullable=False),
    sa.Column("time", Instant, nullable=False),
    sa.Column("old_value", sa.Double, nullable=False),
    sa.Column("new_value", sa.Double, nullable=False),
    sa.Column("old_collection_id", sa.Integer, nullable=False),
    sa.Column("new_collection_id", sa.Integer, nullable=False),
    sa.Column("restated_at", Instant, nullable=False, server_default=sa.func.now()),
    sa.Index("restatements_series_time", "series_id", "time"),
)

rollup_dirty = sa.Table(
    "rollup_dirty",
    metadata,
    _id("id", sa.BigInteger),
    sa.Column("bucket", Instant, nullable=False),
    sa.Column("error", sa.Text),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    _id("quarantine_id", sa.BigInteger),
    sa.Column("collection_id", sa.Integer, nullable=False),
    sa.Column("quarantined_at", Instant, nullable=False, server_default=sa.func.now()),
    _text("platform"),
    _text("metric_type"),
    _text("source", default=True),
    _text("reason"),
    sa.Column("raw", JSONB, nullable=False),
    sa.Column("raw_hash", sa.Text, nullable=False),
    sa.Column("replayed_at", Instant),
    sa.Column("replayed_by", sa.Integer),
    sa.UniqueConstraint("raw_hash", name="quarantine_raw_hash"),
)


def _rollup(name: str) -> sa.Table:
    values = ("sum", "min", "max", "first", "last", "p50", "p95", "p99")
    return sa.Table(
        name,
        metadata,
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("bucket", Instant, primary_key=True),
        sa.Column("last_time", Instant, nullable=False),
        *(sa.Column(f"{value}_value", sa.Double, nullable=False) for value in values),
        sa.Column("late", sa.Integer, nullable=False, server_default="0"),
        sa.Index(f"{name}_bucket", "bucket", postgresql_using="brin", postgresql_with={"pages_per_range": 32}),
    )


metric_hourly = _rollup("metric_hourly")
metric_daily = _rollup("metric_daily")

aggregated_metrics = sa.Table(
    "aggregated_metrics",
    metadata,
    sa.Column("time", Instant, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("metric_type", sa.Text, primary_key=True),
    sa.Column("aggregation", sa.Text, primary_key=True),
    *(sa.Column(f"{name}_value", sa.Double) for name in ("avg", "min", "max", "sum")),
    sa.Column("count_value", sa.BigInteger),
    *(sa.Column(f"{name}_value", sa.Double) for name in ("p50", "p95", "p99")),
    sa.Column("created_at", Instant, nullable=False, server_default=sa.func.now()),
)

aggregate_dirty = sa.Table(
    "aggregate_dirty",
    metadata,
    sa.Column("aggregation", sa.Text, primary_key=True),
    sa.Column("time", Instant, primary_key=True),
    sa.Column("error", sa.Text),
)

late_points = sa.Table(
    "late_points",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("collection_id", sa.Integer, nullable=False),
    sa.Column("time", Instant, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
)

tier_days = sa.Table(
    "tier_days",
    metadata,
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _text("tier"),
    sa.Column("changed_at", Instant, nullable=False, server_default=sa.func.now()),
)

archive_log = sa.Table(
    "archive_log",
    metadata,
    _id("archive_id", sa.BigInteger),
    _text("platform"),
    sa.Column("day", sa.Date, nullable=False),
    _text("content"),
    _text("location"),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    _text("checksum"),
    sa.Column("verified_at", Instant, nullable=False),
    sa.UniqueConstraint("platform", "day", "content", name="archive_log_once"),
)

deletions = sa.Table(
    "deletions",
    metadata,
    _id("deletion_id", sa.BigInteger),
    sa.Column("requested_at", Instant, nullable=False, server_default=sa.func.now()),
    _text("requested_by", default=True),
    _text("reason"),
    _text("platform"),
    sa.Column("author_id", sa.Text),
    sa.Column("content_id", sa.Text),
    sa.Column("before", Instant),
    _count("points"),
    sa.Column("completed_at", Instant),
)
