"""The rest of the schema: rollups, baselines, anomalies, what params say, alerts, reports, archive, budget."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLLUPS = """
CREATE TABLE metric_hourly (
    series_id   integer NOT NULL,
    n           integer NOT NULL,
    bucket      timestamptz NOT NULL,
    last_time   timestamptz NOT NULL,
    sum_value   double precision NOT NULL,
    min_value   double precision NOT NULL,
    max_value   double precision NOT NULL,
    first_value double precision NOT NULL,
    last_value  double precision NOT NULL,
    p50_value   double precision NOT NULL,
    p95_value   double precision NOT NULL,
    p99_value   double precision NOT NULL,
    late        integer NOT NULL DEFAULT 0,  -- readings merged after their day's raw was gone: not in the percentiles
    PRIMARY KEY (series_id, bucket)
);
CREATE INDEX metric_hourly_bucket ON metric_hourly USING brin (bucket) WITH (pages_per_range = 32);
CREATE TABLE metric_daily (LIKE metric_hourly INCLUDING DEFAULTS, PRIMARY KEY (series_id, bucket));
CREATE INDEX metric_daily_bucket ON metric_daily USING brin (bucket) WITH (pages_per_range = 32);

CREATE TABLE aggregated_metrics (
    time        timestamptz NOT NULL,
    platform    text NOT NULL,
    metric_type text NOT NULL,
    aggregation text NOT NULL CHECK (aggregation IN ('daily', 'weekly', 'monthly')),
    avg_value   double precision,
    min_value   double precision,
    max_value   double precision,
    sum_value   double precision,
    count_value bigint,
    p50_value   double precision,
    p95_value   double precision,
    p99_value   double precision,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (time, platform, metric_type, aggregation)
);

CREATE TABLE aggregate_dirty (
    aggregation text NOT NULL CHECK (aggregation IN ('daily', 'weekly', 'monthly')),
    time        timestamptz NOT NULL,
    PRIMARY KEY (aggregation, time)
);

CREATE TABLE tier_days (
    platform    text NOT NULL,
    day         date NOT NULL,
    tier        text NOT NULL CHECK (tier IN ('warm', 'cold', 'gone')),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, day)
);

CREATE TABLE late_points (
    series_id     integer NOT NULL,
    collection_id integer NOT NULL,
    time          timestamptz NOT NULL,
    value         double precision NOT NULL,
    PRIMARY KEY (series_id, time)
);

CREATE TABLE archive_log (
    archive_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform    text NOT NULL,
    day         date NOT NULL,
    content     text NOT NULL CHECK (content IN ('raw', 'daily')),
    location    text NOT NULL,
    rows        bigint NOT NULL,
    bytes       bigint NOT NULL,
    checksum    text NOT NULL,
    verified_at timestamptz NOT NULL,
    CONSTRAINT archive_log_once UNIQUE (platform, day, content)
);

CREATE TABLE deletions (
    deletion_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL DEFAULT '',
    reason       text NOT NULL,
    platform     text NOT NULL,
    author_id    text,
    content_id   text,
    before       timestamptz,
    points       bigint NOT NULL DEFAULT 0,
    completed_at timestamptz
);
"""

JUDGED = """
CREATE TABLE baseline_history (
    time           timestamptz NOT NULL,
    platform       text NOT NULL,
    metric_type    text NOT NULL,
    content_id     text NOT NULL DEFAULT '',
    author_id      text NOT NULL DEFAULT '',
    baseline_value double precision NOT NULL,
    upper_bound    double precision NOT NULL,
    lower_bound    double precision NOT NULL,
    std_deviation  double precision,
    sample_size    integer,
    confidence     double precision,
    algorithm      text NOT NULL DEFAULT '',
    parameters     jsonb,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, metric_type, content_id, author_id, algorithm, time)
);
CREATE INDEX baseline_history_time ON baseline_history USING brin (time);

CREATE TABLE anomaly_events (
    time             timestamptz NOT NULL,
    anomaly_id       uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    platform         text NOT NULL,
    metric_type      text NOT NULL,
    content_id       text NOT NULL DEFAULT '',
    author_id        text NOT NULL DEFAULT '',
    severity         text CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    anomaly_type     text NOT NULL DEFAULT '',
    actual_value     double precision,
    expected_value   double precision,
    deviation        double precision,
    duration_ms      bigint,
    detection_method text NOT NULL DEFAULT '',
    details          jsonb,
    resolved_at      timestamptz,
    resolved_by      text,
    resolution       text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT anomaly_events_once
        UNIQUE (platform, metric_type, content_id, author_id, anomaly_type, detection_method, time)
);
CREATE INDEX anomaly_events_unresolved ON anomaly_events (platform, severity, time DESC) WHERE resolved_at IS NULL;
CREATE INDEX anomaly_events_severity ON anomaly_events (severity, time DESC);
"""

FROM_PARAMS = """
CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updated_at = now(); RETURN NEW; END; $$;

CREATE TABLE platforms (
    platform_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform_name     text NOT NULL UNIQUE,
    display_name      text NOT NULL,
    category          text,
    priority          integer NOT NULL DEFAULT 1,
    api_endpoint      text,
    api_version       text,
    auth_method       text,
    credentials       jsonb,  -- names of keys only; the keys are in the environment or encrypted in credentials
    rate_limits       jsonb,
    collection_config jsonb,
    is_active         boolean NOT NULL DEFAULT true,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE accounts (
    platform   text NOT NULL,
    account    text NOT NULL,
    name       text,
    kind       text NOT NULL CHECK (kind IN ('own', 'competitor')),
    is_active  boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, account)
);
CREATE TABLE baseline_configs (
    config_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform        text NOT NULL,
    metric_type     text NOT NULL,
    algorithm       text NOT NULL DEFAULT 'ewma',
    window_days     integer NOT NULL DEFAULT 30,
    parameters      jsonb,
    schedule_cron   text,
    is_active       boolean NOT NULL DEFAULT true,
    last_calculated timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT baseline_configs_series UNIQUE (platform, metric_type)
);
CREATE TABLE metric_definitions (
    metric_id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform            text NOT NULL,
    metric_type         text NOT NULL,
    valid_from          date NOT NULL DEFAULT '0001-01-01',
    display_name        text,
    unit                text,
    data_type           text CHECK (data_type IN ('counter', 'gauge', 'histogram')),
    aggregation         text,
    freshness           text,
    settles_after_s     double precision NOT NULL DEFAULT 0,
    description         text,
    calculation_formula text,
    tags                text[],
    is_active           boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT metric_definitions_dated UNIQUE (platform, metric_type, valid_from)
);
CREATE TABLE alert_rules (
    rule_id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_name             text NOT NULL UNIQUE,
    platform              text,
    metric_type           text,
    condition_type        text,
    condition_config      jsonb,
    severity              text,
    notification_channels text[],
    is_active             boolean NOT NULL DEFAULT true,
    last_triggered        timestamptz,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_rules_platform ON alert_rules (platform, is_active);
"""

REST = """
CREATE TABLE alert_history (
    alert_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_name    text NOT NULL,
    incident_key text NOT NULL,
    anomaly_id   uuid,
    channel      text NOT NULL DEFAULT '',
    severity     text,
    status       text NOT NULL CHECK (status IN ('sent', 'failed', 'suppressed')),
    message      text NOT NULL DEFAULT '',
    error        text,
    triggered_at timestamptz NOT NULL,
    CONSTRAINT alert_history_once UNIQUE (incident_key, rule_name, channel, status)
);
CREATE INDEX alert_history_time ON alert_history (triggered_at DESC);

CREATE TABLE reports (
    report_id          uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    report_type        text NOT NULL,
    period_start       timestamptz NOT NULL,
    period_end         timestamptz NOT NULL,
    platforms          text[] NOT NULL,
    status             text NOT NULL DEFAULT 'pending',
    file_path          text,
    file_size_bytes    bigint,
    generation_time_ms integer,
    sections           jsonb,
    metadata           jsonb,
    created_by         text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    completed_at       timestamptz
);
CREATE INDEX reports_period ON reports (period_start, period_end);
CREATE INDEX reports_unfinished ON reports (status) WHERE status <> 'completed';
CREATE INDEX reports_search ON reports (report_type, created_at DESC);
CREATE TABLE reports_archive (LIKE reports, archived_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (report_id));

CREATE TABLE contents (
    platform     text NOT NULL,
    content_id   text NOT NULL,
    author_id    text NOT NULL DEFAULT '',
    content_type text NOT NULL DEFAULT '',
    title        text,
    url          text,
    published_at timestamptz,
    details      jsonb,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, content_id)
);
CREATE TABLE budget_ledger (
    entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    spent_at   timestamptz NOT NULL,
    platform   text NOT NULL,
    account    text NOT NULL DEFAULT '',
    call       text NOT NULL DEFAULT '',
    units      double precision NOT NULL DEFAULT 0,
    usd        double precision NOT NULL DEFAULT 0
);
CREATE INDEX budget_ledger_platform ON budget_ledger (platform, spent_at);
CREATE TABLE credentials (
    name       text PRIMARY KEY,
    key_id     text NOT NULL,
    nonce      bytea NOT NULL,
    ciphertext bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
"""

HOURLY_VIEW = """
CREATE VIEW platform_metrics_hourly AS
SELECT h.bucket, s.platform, s.metric_type,
       h.sum_value / h.n   AS avg_value,
       h.min_value,
       h.max_value,
       h.n::bigint         AS data_points,
       h.p50_value         AS median_value,
       h.p95_value,
       nullif(s.content_id, '') AS content_id,
       nullif(s.author_id, '')  AS author_id
FROM metric_hourly h JOIN series s USING (series_id);
"""


def upgrade() -> None:
    """Make the tables, their triggers and the hourly view."""
    for part in (ROLLUPS, JUDGED, FROM_PARAMS, REST, HOURLY_VIEW):
        op.execute(part)
    for table in ("platforms", "accounts", "baseline_configs", "metric_definitions", "alert_rules"):
        op.execute(
            f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
        )


def downgrade() -> None:
    """Refuse: a way back would drop what was collected; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
