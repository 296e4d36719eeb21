"""Tables around the measurements: what params say, what was judged, told and published, and what it cost."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from analytics.store.tables import Instant, metadata


def _key(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text) for name in names]


def _named(*names: str) -> list[sa.Column[Any]]:
    """Text that is '' where there is none."""
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _must(name: str, kind: Any = sa.Text, default: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _number(name: str, kind: Any = sa.Integer) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.Identity(always=True), primary_key=True)


def _since(*names: str) -> list[sa.Column[Any]]:
    return [_must(name, Instant, sa.func.now()) for name in names]


def _active() -> sa.Column[Any]:
    return _must("is_active", sa.Boolean, sa.true())


def _uuid(name: str) -> sa.Column[Any]:
    return sa.Column(name, UUID(as_uuid=True), primary_key=True, server_default=sa.func.gen_random_uuid())


def _report() -> list[sa.Column[Any]]:
    return [
        _must("report_type"),
        _must("period_start", Instant),
        _must("period_end", Instant),
        _must("platforms", ARRAY(sa.Text)),
        _must("status", default="pending"),
        sa.Column("file_path", sa.Text),
        sa.Column("file_size_bytes", sa.BigInteger),
        sa.Column("generation_time_ms", sa.Integer),
        sa.Column("sections", JSONB),
        sa.Column("metadata", JSONB),
        sa.Column("created_by", sa.Text),
        *_since("created_at"),
        sa.Column("completed_at", Instant),
    ]


platforms = sa.Table(
    "platforms",
    metadata,
    _number("platform_id"),
    sa.Column("platform_name", sa.Text, nullable=False, unique=True),
    _must("display_name"),
    *_texts("category"),
    _must("priority", sa.Integer, "1"),
    *_texts("api_endpoint", "api_version", "auth_method"),
    *(sa.Column(name, JSONB) for name in ("credentials", "rate_limits", "collection_config")),
    _active(),
    *_since("created_at", "updated_at"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    *_key("platform", "account"),
    *_texts("name"),
    _must("kind"),
    _active(),
    *_since("created_at", "updated_at"),
)

baseline_configs = sa.Table(
    "baseline_configs",
    metadata,
    _number("config_id"),
    _must("platform"),
    _must("metric_type"),
    _must("algorithm", default="ewma"),
    _must("window_days", sa.Integer, "30"),
    sa.Column("parameters", JSONB),
    *_texts("schedule_cron"),
    _active(),
    sa.Column("last_calculated", Instant),
    *_since("created_at", "updated_at"),
    sa.UniqueConstraint("platform", "metric_type", name="baseline_configs_series"),
)

metric_definitions = sa.Table(
    "metric_definitions",
    metadata,
    _number("metric_id"),
    _must("platform"),
    _must("metric_type"),
    _must("valid_from", sa.Date, "0001-01-01"),
    *_texts("display_name", "unit", "data_type", "aggregation", "freshness"),
    _must("settles_after_s", sa.Double, "0"),
    *_texts("description", "calculation_formula"),
    sa.Column("tags", ARRAY(sa.Text)),
    _active(),
    *_since("created_at", "updated_at"),
    sa.UniqueConstraint("platform", "metric_type", "valid_from", name="metric_definitions_dated"),
)

alert_rules = sa.Table(
    "alert_rules",
    metadata,
    _number("rule_id"),
    sa.Column("rule_name", sa.Text, nullable=False, unique=True),
    *_texts("platform", "metric_type", "condition_type"),
    sa.Column("condition_config", JSONB),
    *_texts("severity"),
    sa.Column("notification_channels", ARRAY(sa.Text)),
    _active(),
    sa.Column("last_triggered", Instant),
    *_since("created_at", "updated_at"),
    sa.Index("alert_rules_platform", "platform", "is_active"),
)

baseline_history = sa.Table(
    "baseline_history",
    metadata,
    sa.Column("time", Instant, primary_key=True),
    *_key("platform", "metric_type"),
    *(sa.Column(name, sa.Text, primary_key=True, server_default="") for name in ("content_id", "author_id")),
    *(_must(name, sa.Double) for name in ("baseline_value", "upper_bound", "lower_bound")),
    sa.Column("std_deviation", sa.Double),
    sa.Column("sample_size", sa.Integer),
    sa.Column("confidence", sa.Double),
    sa.Column("algorithm", sa.Text, primary_key=True, server_default=""),
    sa.Column("parameters", JSONB),
    *_since("created_at"),
    sa.Index("baseline_history_time", "time", postgresql_using="brin"),
)

anomaly_events = sa.Table(
    "anomaly_events",
    metadata,
    _must("time", Instant),
    _uuid("anomaly_id"),
    _must("platform"),
    _must("metric_type"),
    *_named("content_id", "author_id"),
    *_texts("severity"),
    *_named("anomaly_type"),
    *(sa.Column(name, sa.Double) for name in ("actual_value", "expected_value", "deviation")),
    sa.Column("duration_ms", sa.BigInteger),
    *_named("detection_method"),
    sa.Column("details", JSONB),
    sa.Column("resolved_at", Instant),
    *_texts("resolved_by", "resolution"),
    *_since("created_at"),
    sa.UniqueConstraint(
        "platform",
        "metric_type",
        "content_id",
        "author_id",
        "anomaly_type",
        "detection_method",
        "time",
        name="anomaly_events_once",
    ),
    sa.Index(
        "anomaly_events_unresolved",
        "platform",
        "severity",
        sa.text("time DESC"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
    sa.Index("anomaly_events_severity", "severity", sa.text("time DESC")),
)

annotations_table = sa.Table(
    "annotations",
    metadata,
    _number("annotation_id", sa.BigInteger),
    *_named("platform", "metric_type", "content_id", "author_id"),
    _must("start_at", Instant),
    _must("end_at", Instant),
    *_named("incident"),
    _must("kind"),
    *_named("note"),
    _must("said_by"),
    _must("said_at", Instant),
    sa.Index("annotations_time", "start_at", "end_at"),
)

alert_levels = sa.Table(
    "alert_levels",
    metadata,
    *_key("platform", "metric_type"),
    *(sa.Column(name, sa.Text, primary_key=True, server_default="") for name in ("content_id", "author_id")),
    *(_must(name, sa.Double) for name in ("factor", "expected_per_week", "budget_per_week", "history_weeks")),
    _must("is_kept", sa.Boolean),
    _must("chosen_at", Instant),
)

alert_history = sa.Table(
    "alert_history",
    metadata,
    _number("alert_id", sa.BigInteger),
    _must("rule_name"),
    _must("incident_key"),
    sa.Column("anomaly_id", UUID(as_uuid=True)),
    *_named("channel"),
    *_texts("severity"),
    _must("status"),
    *_named("message"),
    *_texts("error"),
    _must("triggered_at", Instant),
    sa.UniqueConstraint("incident_key", "rule_name", "channel", "status", name="alert_history_once"),
    sa.Index("alert_history_time", sa.text("triggered_at DESC")),
)

reports = sa.Table(
    "reports",
    metadata,
    _uuid("report_id"),
    *_report(),
    sa.Index("reports_period", "period_start", "period_end"),
    sa.Index("reports_unfinished", "status", postgresql_where=sa.text("status <> 'completed'")),
    sa.Index("reports_search", "report_type", sa.text("created_at DESC")),
)

reports_archive = sa.Table("reports_archive", metadata, _uuid("report_id"), *_report(), *_since("archived_at"))

report_deliveries = sa.Table(
    "report_deliveries",
    metadata,
    *_key("report", "period"),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    *_key("recipient"),
    _must("status"),
    _must("attempts", sa.Integer, "0"),
    *_named("error"),
    _must("changed_at", Instant),
)

closed_figures = sa.Table(
    "closed_figures",
    metadata,
    *_key("period", "timezone", "platform", "metric_type"),
    sa.Column("author_id", sa.Text, primary_key=True, server_default=""),
    sa.Column("total", sa.Double),
    sa.Column("per_day", sa.Double),
    _must("snapshot"),
    _must("closed_by"),
    _must("closed_at", Instant),
)

contents = sa.Table(
    "contents",
    metadata,
    *_key("platform", "content_id"),
    *_named("author_id", "content_type"),
    *_texts("title", "url"),
    sa.Column("published_at", Instant),
    sa.Column("details", JSONB),
    *_since("updated_at"),
)

budget_ledger = sa.Table(
    "budget_ledger",
    metadata,
    _number("entry_id", sa.BigInteger),
    _must("spent_at", Instant),
    _must("platform"),
    *_named("account", "call"),
    _must("units", sa.Double, "0"),
    _must("usd", sa.Double, "0"),
    sa.Index("budget_ledger_platform", "platform", "spent_at"),
)

credentials = sa.Table(
    "credentials",
    metadata,
    *_key("name"),
    _must("key_id"),
    _must("nonce", sa.LargeBinary),
    _must("ciphertext", sa.LargeBinary),
    *_since("updated_at"),
)

webhook_inbox = sa.Table(
    "webhook_inbox",
    metadata,
    _number("inbox_id", sa.BigInteger),
    _must("provider"),
    _must("account"),
    _must("received_at", Instant, sa.func.clock_timestamp()),
    *_named("content_type"),
    _must("body", sa.LargeBinary),
    _must("body_hash"),
    *_texts("replay_key"),
    sa.Column("processed_at", Instant),
    *_texts("error"),
    _must("attempts", sa.SmallInteger, "0"),
    _must("is_approved", sa.Boolean, "false"),
    sa.UniqueConstraint("provider", "account", "body_hash", name="webhook_inbox_once"),
    sa.UniqueConstraint("replay_key", name="webhook_inbox_replay"),
    sa.Index("webhook_inbox_waiting", "inbox_id", postgresql_where=sa.text("processed_at IS NULL")),
)

webhook_events = sa.Table(
    "webhook_events",
    metadata,
    *_key("platform", "account", "event_key"),
    _must("seen_at", Instant),
)

webhook_totals = sa.Table(
    "webhook_totals",
    metadata,
    *_key("platform", "account", "metric_type"),
    sa.Column("content_id", sa.Text, primary_key=True, server_default=""),
    _must("total", sa.BigInteger),
)
