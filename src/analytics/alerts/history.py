"""What was told, to whom and when: `alert_history`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from analytics.alerts.delivery import Delivery, body_of, title_of
from analytics.alerts.rules import SENDING, UNANSWERED, Notice, Told
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
ANSWERED = f"UPDATE alert_history SET error = NULL, triggered_at = :now {NAMED} AND status = 'sent'"  # noqa: S608
TAKEN_OVER = f"""
UPDATE alert_history SET triggered_at = :triggered_at, message = :message, severity = :severity
{NAMED} AND status = 'sent' AND error = :sending AND triggered_at <= :before
"""  # noqa: S608


def load(store: Store, *, since: datetime) -> list[Told]:
    """Lines since then, oldest first."""
    with store.begin() as connection:
        return [
            Told(
                key=row["incident_key"],
                rule=row["rule_name"],
                channel=row["channel"],
                status=SENDING if row["error"] == SENDING else row["status"],
                at=row["triggered_at"],
                severity=row["severity"] or "low",
            )
            for row in rows(connection, SINCE, since=since)
        ]


def claim(store: Store, notices: Iterable[Notice], *, now: datetime) -> list[Notice]:
    """Note messages before they are sent; return those nobody else has claimed.

    Two workers that look at once therefore send one message. A claim stays open until the channel has answered; one
    whose worker died before is taken over by a later look, so that its message comes late, and in the worst case twice.
    """
    claimed = []
    with store.begin() as connection:
        for notice in notices:
            line = {
                "rule_name": notice.rule,
                "incident_key": notice.told_as,
                "anomaly_id": notice.events[0].anomaly_id,
                "channel": notice.channel,
                "severity": notice.severity,
                "status": "suppressed" if notice.suppressed else "sent",
                "message": f"{title_of(notice)}\n{body_of(notice)}",
                "error": notice.suppressed or SENDING,
                "triggered_at": now,
            }
            died = line | _names(notice) | {"sending": SENDING, "before": now - UNANSWERED}
            if record_alert(connection, line) or changed(connection, TAKEN_OVER, **died):
                claimed.append(notice)
    return claimed


def answered(store: Store, deliveries: Iterable[Delivery], *, now: datetime) -> None:
    """Close claims: told, or a failure with its reason, so that the next look tries again."""
    with store.begin() as connection:
        for delivery in deliveries:
            named = _names(delivery.notice)
            if delivery.error:
                changed(connection, FORGET, **named)
                changed(connection, FAILED, **named, error=delivery.error, now=now)
            else:
                changed(connection, ANSWERED, **named, now=now)


def _names(notice: Notice) -> dict[str, str]:
    return {"key": notice.told_as, "rule": notice.rule, "channel": notice.channel}
