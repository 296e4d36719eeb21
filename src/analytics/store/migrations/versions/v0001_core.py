"""Series, collections, points by day, quarantine, and the specification's view over them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA IF NOT EXISTS partitions;

CREATE TABLE collections (
    collection_id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform             text NOT NULL,
    account              text NOT NULL DEFAULT '',
    method               text NOT NULL
        CHECK (method IN ('api', 'import', 'webhook', 'feed', 'export', 'simulator', 'replay')),
    source               text NOT NULL DEFAULT '',
    api_version          text,
    rate_limit_remaining integer,
    started_at           timestamptz NOT NULL,
    finished_at          timestamptz,
    outcome              text NOT NULL CHECK (outcome IN ('running', 'ok', 'partial', 'failed')),
    rows_read            bigint NOT NULL DEFAULT 0,
    rows_written         bigint NOT NULL DEFAULT 0,
    rows_duplicate       bigint NOT NULL DEFAULT 0,
    rows_corrected       bigint NOT NULL DEFAULT 0,
    rows_late            bigint NOT NULL DEFAULT 0,
    rows_quarantined     bigint NOT NULL DEFAULT 0,
    rows_unknown         bigint NOT NULL DEFAULT 0,
    error                text,
    fingerprint          text
);
CREATE INDEX collections_platform_started ON collections (platform, started_at);

CREATE TABLE series (
    series_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform     text NOT NULL,
    metric_type  text NOT NULL,
    content_id   text NOT NULL DEFAULT '',
    author_id    text NOT NULL DEFAULT '',
    content_type text NOT NULL DEFAULT '',
    tags         jsonb,
    first_time   timestamptz,
    last_time    timestamptz,
    CONSTRAINT series_natural_key UNIQUE (platform, metric_type, content_id, author_id)
);

CREATE TABLE points (
    series_id     integer NOT NULL,
    collection_id integer NOT NULL,
    time          timestamptz NOT NULL,
    value         double precision NOT NULL,
    quality       real,
    PRIMARY KEY (series_id, time)
) /* by day */;

CREATE TABLE point_faults (
    series_id integer NOT NULL,
    time      timestamptz NOT NULL,
    faults    jsonb NOT NULL,
    PRIMARY KEY (series_id, time)
);

CREATE TABLE restatements (
    restatement_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series_id         integer NOT NULL,
    time              timestamptz NOT NULL,
    old_value         double precision NOT NULL,
    new_value         double precision NOT NULL,
    old_collection_id integer NOT NULL,
    new_collection_id integer NOT NULL,
    restated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX restatements_series_time ON restatements (series_id, time);

CREATE TABLE rollup_dirty (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket timestamptz NOT NULL
);

CREATE TABLE quarantine (
    quarantine_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id  integer NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    platform       text NOT NULL,
    metric_type    text NOT NULL,
    source         text NOT NULL DEFAULT '',
    reason         text NOT NULL,
    raw            jsonb NOT NULL,
    raw_hash       text NOT NULL,
    replayed_at    timestamptz,
    replayed_by    integer,
    CONSTRAINT quarantine_raw_hash UNIQUE (raw_hash)
);
"""

VIEW = """
CREATE VIEW platform_metrics AS
SELECT p.time,
       s.platform,
       s.metric_type,
       p.value,
       nullif(s.content_id, '')   AS content_id,
       nullif(s.content_type, '') AS content_type,
       nullif(s.author_id, '')    AS author_id,
       s.tags,
       jsonb_build_object('collection_id', p.collection_id, 'method', c.method, 'source', c.source) AS metadata,
       c.started_at               AS created_at,
       coalesce(p.quality, 1)::double precision AS quality_score,
       f.faults                   AS validation_errors
FROM points p
JOIN series s ON s.series_id = p.series_id
LEFT JOIN collections c ON c.collection_id = p.collection_id
LEFT JOIN point_faults f ON f.series_id = p.series_id AND f.time = p.time;
"""


PARTITIONED = "PARTITION BY RANGE (time)"
HYPERTABLE = """
SELECT create_hypertable('points', by_range('time', interval '1 day'), create_default_indexes => false);
ALTER TABLE points SET (
    timescaledb.enable_columnstore, timescaledb.segmentby = '', timescaledb.orderby = 'series_id, time DESC');
CALL add_columnstore_policy('points', after => interval '7 days');
"""


def upgrade() -> None:
    """Make the tables and the view; `points` is partitioned by PostgreSQL, or by TimescaleDB where it is present."""
    timescale = op.get_bind().scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"))
    op.execute(TABLES.replace("/* by day */", "" if timescale else PARTITIONED))
    if timescale:
        op.execute(HYPERTABLE)
    op.execute(VIEW)


def downgrade() -> None:
    """Refuse: a way back would drop what was collected; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
