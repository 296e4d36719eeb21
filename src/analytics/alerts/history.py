"""What was told, to whom and when: `alert_history`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from analytics.alerts.delivery import Delivery, body_of, title_of
from analytics.alerts.rules import Notice, Told
from analytics.store.journal import record_alert
from analytics.store.tables_config import alert_history as table

if TYPE_CHECKING:
    from analytics.store import Store


def load(store: Store, *, since: datetime) -> list[Told]:
    """Lines since then, oldest first."""
    query = sa.select(table).where(table.c.triggered_at >= since).order_by(table.c.triggered_at)
    with store.begin() as connection:
        return [
            Told(
                key=row["incident_key"],
                rule=row["rule_name"],
                channel=row["channel"],
                status=row["status"],
                at=row["triggered_at"],
                severity=row["severity"] or "low",
            )
            for row in connection.execute(query).mappings()
        ]


def claim(store: Store, notices: Iterable[Notice], *, now: datetime) -> list[Notice]:
    """Note messages before they are sent; return those nobody else has claimed.

    Two workers that look at once therefore send one message. One that dies between the claim and the channel's answer
    may lose a message; the other order could repeat it without end.
    """
    claimed = []
    with store.begin() as connection:
        for notice in notices:
            status = "suppressed" if notice.suppressed else "sent"
            line = {
                "rule_name": notice.rule,
                "incident_key": notice.told_as,
                "anomaly_id": notice.events[0].anomaly_id,
                "channel": notice.channel,
                "severity": notice.severity,
                "status": status,
                "message": f"{title_of(notice)}\n{body_of(notice)}",
                "error": notice.suppressed or None,
                "triggered_at": now,
            }
            if record_alert(connection, line):
                claimed.append(notice)
    return claimed


def failed(store: Store, deliveries: Iterable[Delivery], *, now: datetime) -> None:
    """Turn claims whose channel did not take the message into failures, so that the next look tries again."""
    with store.begin() as connection:
        for delivery in deliveries:
            notice = delivery.notice
            named = (
                (table.c.incident_key == notice.told_as)
                & (table.c.rule_name == notice.rule)
                & (table.c.channel == notice.channel)
            )
            connection.execute(sa.delete(table).where(named, table.c.status == "failed"))
            connection.execute(
                sa.update(table)
                .where(named, table.c.status == "sent")
                .values(status="failed", error=delivery.error, triggered_at=now)
            )
