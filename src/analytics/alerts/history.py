"""What was told, to whom and when: `alert_history`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from analytics.alerts.delivery import Delivery, body_of, title_of
from analytics.alerts.rules import Notice, Told
from analytics.store.asking import changed, rows
from analytics.store.journal import record_alert

if TYPE_CHECKING:
    from analytics.store import Store


SINCE = "SELECT * FROM alert_history WHERE triggered_at >= :since ORDER BY triggered_at"
NAMED = "WHERE incident_key = :key AND rule_name = :rule AND channel = :channel"
FORGET = f"DELETE FROM alert_history {NAMED} AND status = 'failed'"  # noqa: S608 - constants only
FAILED = f"""
UPDATE alert_history SET status = 'failed', error = :error, triggered_at = :now {NAMED} AND status = 'sent'
"""  # noqa: S608


def load(store: Store, *, since: datetime) -> list[Told]:
    """Lines since then, oldest first."""
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
            for row in rows(connection, SINCE, since=since)
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
            named = {"key": notice.told_as, "rule": notice.rule, "channel": notice.channel}
            changed(connection, FORGET, **named)
            changed(connection, FAILED, **named, error=delivery.error, now=now)
