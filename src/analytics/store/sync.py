"""What params say, as rows: platforms, accounts, baselines, definitions, alert rules. Params are the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from analytics.model import MetricDefinition
from analytics.store import tables_config as t
from analytics.store.upsert import upsert

if TYPE_CHECKING:
    from analytics.params.files import Params

FROM_THE_BEGINNING = date(1, 1, 1)
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """One row params changed: what was done, and for an update each field with its old and new value."""

    table: str
    key: str
    action: Literal["added", "changed", "switched off"]
    fields: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        said = "; ".join(f"{name}: {old!r} → {new!r}" for name, (old, new) in self.fields.items())
        return f"{self.table} {self.key} {self.action}" + (f" ({said})" if said else "")


def sync(connection: sa.Connection, params: Params, definitions: Iterable[MetricDefinition]) -> list[Change]:
    """Bring the tables to what `params` and `definitions` say; what is no longer named is switched off, not deleted."""
    changes: list[Change] = []
    wanted: list[tuple[sa.Table, Sequence[str], Rows]] = [
        (t.platforms, ("platform_name",), _platforms(params)),
        (t.accounts, ("platform", "account"), _accounts(params)),
        (t.baseline_configs, ("platform", "metric_type"), _baselines(params)),
        (
            t.metric_definitions,
            ("platform", "metric_type", "valid_from"),
            _definition_rows([*definitions, *own_definitions(params)]),
        ),
        (t.alert_rules, ("rule_name",), _alert_rules(params)),
    ]
    for table, key, rows in wanted:
        changes += _bring(connection, table, key, rows)
    return changes


def define(connection: sa.Connection, definitions: Iterable[MetricDefinition]) -> int:
    """Add or change the definitions given, and leave all others; return how many were not as they are now.

    What stands is only read: a round of collection that finds all in order locks nothing.
    """
    rows, key = _definition_rows(definitions), ("platform", "metric_type", "valid_from")
    d = t.metric_definitions.c
    asked = sa.select(t.metric_definitions).where(d.platform.in_({row["platform"] for row in rows}))
    present = {tuple(row[name] for name in key): dict(row) for row in connection.execute(asked).mappings()}
    changed = [
        row
        for row in rows
        if any(present.get(tuple(row[name] for name in key), {}).get(name) != value for name, value in row.items())
    ]
    return upsert(
        connection, t.metric_definitions, sorted(changed, key=lambda row: str([row[name] for name in key])), key
    )


def load_definitions(connection: sa.Connection) -> dict[tuple[str, str], MetricDefinition]:
    """The newest meaning of every active metric, as the last `sync` left it."""
    d = t.metric_definitions.c
    rows = connection.execute(sa.select(t.metric_definitions).where(d.is_active).order_by(d.valid_from)).mappings()
    return {
        (row["platform"], row["metric_type"]): MetricDefinition(
            platform=row["platform"],
            metric_type=row["metric_type"],
            display_name=row["display_name"],
            unit=row["unit"],
            data_type=row["data_type"],
            aggregation=row["aggregation"],
            description=row["description"] or "",
            freshness=row["freshness"],
            settles_after=timedelta(seconds=row["settles_after_s"]),
            valid_from=None if row["valid_from"] == FROM_THE_BEGINNING else row["valid_from"],
        )
        for row in rows
    }


def _bring(connection: sa.Connection, table: sa.Table, key: Sequence[str], rows: Rows) -> list[Change]:
    present = {
        tuple(row[name] for name in key): dict(row) for row in connection.execute(sa.select(table)).mappings().all()
    }
    named = {tuple(row[name] for name in key) for row in rows}
    gone = [row | {"is_active": False} for at, row in present.items() if at not in named and row["is_active"]]
    changes = [_change(table, key, present.get(tuple(row[name] for name in key)), row) for row in rows]
    changes += [Change(table.name, _shown(key, row), "switched off", {}) for row in gone]
    upsert(connection, table, rows, key)
    switch_off = [{name: row[name] for name in (*rows[0], "is_active")} for row in gone] if rows else []
    if switch_off:
        upsert(connection, table, switch_off, key)
    elif gone:
        connection.execute(sa.update(table).where(table.c.is_active).values(is_active=False))
    return [change for change in changes if change.action != "changed" or change.fields]


def _change(table: sa.Table, key: Sequence[str], before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> Change:
    if before is None:
        return Change(table.name, _shown(key, row), "added", {})
    fields = {name: (before[name], value) for name, value in row.items() if before[name] != value}
    return Change(table.name, _shown(key, row), "changed", fields)


def _shown(key: Sequence[str], row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in key if row[name] != FROM_THE_BEGINNING)


def _platforms(params: Params) -> Rows:
    return [
        {
            "platform_name": name,
            "display_name": platform.display_name,
            "category": platform.category,
            "priority": platform.priority,
            "api_endpoint": platform.base_url,
            "credentials": {"names": sorted({a.credential for a in platform.accounts if a.credential})},
            "rate_limits": platform.budget.model_dump(mode="json"),
            "collection_config": platform.model_dump(mode="json", include={"adapter", "schedule", "metrics", "policy"}),
            "is_active": platform.is_active,
        }
        for name, platform in params.platforms.items()
    ]


def _accounts(params: Params) -> Rows:
    return [
        {"platform": name, "account": account.id, "name": account.name, "kind": account.kind, "is_active": True}
        for name, platform in params.platforms.items()
        for account in platform.accounts
    ]


def _baselines(params: Params) -> Rows:
    own = {(entry.platform, entry.metric): entry for entry in params.baselines.series}
    pairs = {(name, metric) for name, platform in params.platforms.items() for metric in platform.metrics} | set(own)
    rows = []
    for platform, metric in sorted(pairs):
        entry = own.get((platform, metric), params.baselines.defaults)
        schedule = params.platforms[platform].schedule if platform in params.platforms else None
        rows.append(
            {
                "platform": platform,
                "metric_type": metric,
                "algorithm": entry.algorithm,
                "window_days": entry.window_days,
                "parameters": entry.model_dump(mode="json", exclude={"platform", "metric", "algorithm", "window_days"}),
                "schedule_cron": schedule,
                "is_active": True,
            }
        )
    return rows


def own_definitions(params: Params) -> list[MetricDefinition]:
    """The meanings that params add."""
    return [
        MetricDefinition(
            platform=name,
            metric_type=d.metric,
            display_name=d.display_name,
            unit=d.unit,
            data_type=d.data_type,
            aggregation=d.aggregation,
            description=d.description,
            valid_from=d.valid_from,
        )
        for name, platform in params.platforms.items()
        for d in platform.definitions
    ]


def _definition_rows(definitions: Iterable[MetricDefinition]) -> Rows:
    """As the table has them; of two with one day the later counts."""
    rows = {
        (d.platform, d.metric_type, d.valid_from): {
            "platform": d.platform,
            "metric_type": d.metric_type,
            "valid_from": d.valid_from or FROM_THE_BEGINNING,
            "display_name": d.display_name,
            "unit": d.unit,
            "data_type": d.data_type,
            "aggregation": d.aggregation,
            "freshness": d.freshness,
            "settles_after_s": d.settles_after.total_seconds(),
            "description": d.description,
            "is_active": True,
        }
        for d in definitions
    }
    return list(rows.values())


def _alert_rules(params: Params) -> Rows:
    return [
        {
            "rule_name": name,
            "platform": rule.platform,
            "metric_type": rule.metric,
            "condition_type": rule.condition,
            "condition_config": rule.config.model_dump(exclude_unset=True),
            "severity": rule.severity,
            "notification_channels": list(rule.channels),
            "is_active": rule.is_active,
        }
        for name, rule in params.alerts.rules.items()
    ]
