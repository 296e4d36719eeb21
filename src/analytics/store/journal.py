"""What the product concluded and did: baselines, anomalies, alerts, reports, contents, spending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
import sqlalchemy as sa

from analytics.errors import InputError
from analytics.store import tables_config as t
from analytics.store.upsert import upsert

Row = Mapping[str, Any]
BASELINE_KEY = ("platform", "metric_type", "content_id", "author_id", "algorithm", "time")
ANOMALY_KEY = ("platform", "metric_type", "content_id", "author_id", "anomaly_type", "detection_method", "time")


def save_baselines(connection: sa.Connection, rows: Sequence[Row]) -> int:
    """Upsert rows of `baseline_history` by series, algorithm and time."""
    return upsert(connection, t.baseline_history, _filled(rows, ("content_id", "author_id", "algorithm")), BASELINE_KEY)


def save_anomalies(connection: sa.Connection, rows: Sequence[Row]) -> int:
    """Upsert rows of `anomaly_events`; the same event found again keeps its id and its resolution."""
    named = ("content_id", "author_id", "anomaly_type", "detection_method")
    return upsert(
        connection,
        t.anomaly_events,
        _filled(rows, named),
        ANOMALY_KEY,
        keep=("anomaly_id", "resolved_at", "resolved_by", "resolution"),
    )


def select_anomalies(
    connection: sa.Connection,
    start: datetime,
    end: datetime,
    platforms: Sequence[str] | None = None,
    *,
    unresolved: bool = False,
) -> pd.DataFrame:
    """Anomaly events whose time lies in [start, end), oldest first."""
    a = t.anomaly_events.c
    query = sa.select(t.anomaly_events).where(a.time >= start, a.time < end).order_by(a.time, a.anomaly_id)
    if platforms is not None:
        query = query.where(a.platform.in_(list(platforms)))
    if unresolved:
        query = query.where(a.resolved_at.is_(None))
    return pd.DataFrame(connection.execute(query).mappings().all(), columns=[c.name for c in t.anomaly_events.c])


def resolve_anomaly(
    connection: sa.Connection, anomaly_id: UUID, *, by: str, at: datetime, resolution: str = ""
) -> None:
    """Mark an event as dealt with; a later call does not change who did it first.

    Raises:
        InputError: there is no such event.
    """
    a = t.anomaly_events.c
    if connection.scalar(sa.select(a.anomaly_id).where(a.anomaly_id == anomaly_id)) is None:
        raise InputError(f"anomaly {anomaly_id}: no such event")
    connection.execute(
        sa.update(t.anomaly_events)
        .where(a.anomaly_id == anomaly_id, a.resolved_at.is_(None))
        .values(resolved_at=at, resolved_by=by, resolution=resolution)
    )


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
