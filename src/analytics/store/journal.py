"""What the product concluded and did: baselines, alerts, reports, contents, spending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from analytics.store import tables_config as t
from analytics.store.upsert import upsert

Row = Mapping[str, Any]
BASELINE_KEY = ("platform", "metric_type", "content_id", "author_id", "algorithm", "time")


def save_baselines(connection: sa.Connection, rows: Sequence[Row]) -> int:
    """Upsert rows of `baseline_history` by series, algorithm and time."""
    return upsert(connection, t.baseline_history, _filled(rows, ("content_id", "author_id", "algorithm")), BASELINE_KEY)


def save_contents(connection: sa.Connection, rows: Sequence[Row]) -> int:
    """Upsert posts, videos and episodes by platform and content_id."""
    return upsert(connection, t.contents, rows, ("platform", "content_id"))


def record_alert(connection: sa.Connection, row: Row) -> bool:
    """Note an alert sent, failed or suppressed; False if it is on record already, so nobody is told twice."""
    key = ("incident_key", "rule_name", "channel", "status")
    return upsert(connection, t.alert_history, [{"channel": "", **row}], key, keep=tuple(row)) > 0


def record_report(connection: sa.Connection, row: Row) -> UUID:
    """Add a report; return its id."""
    return UUID(str(connection.scalar(sa.insert(t.reports).values(**row).returning(t.reports.c.report_id))))


def spend(
    connection: sa.Connection,
    platform: str,
    *,
    at: datetime,
    units: float = 0.0,
    usd: float = 0.0,
    account: str = "",
    call: str = "",
) -> None:
    """Note what a call cost, in the platform's units and in dollars."""
    row = {"spent_at": at, "platform": platform, "account": account, "call": call, "units": units, "usd": usd}
    connection.execute(sa.insert(t.budget_ledger).values(**row))


def spent(connection: sa.Connection, platform: str, since: datetime) -> tuple[float, float]:
    """Units and dollars spent on a platform since then."""
    b = t.budget_ledger.c
    query = sa.select(sa.func.coalesce(sa.func.sum(b.units), 0.0), sa.func.coalesce(sa.func.sum(b.usd), 0.0)).where(
        b.platform == platform, b.spent_at >= since
    )
    units, usd = connection.execute(query).one()
    return float(units), float(usd)


def _filled(rows: Sequence[Row], names: Sequence[str]) -> list[dict[str, Any]]:
    return [dict.fromkeys(names, "") | dict(row) for row in rows]
