"""The record of reports sent: a version goes to a recipient once, and a failure stays visible until it has gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from analytics.store.asking import changed, rows

if TYPE_CHECKING:
    from analytics.store import Store

ABANDONED = timedelta(minutes=15)  # a sender that has said nothing for so long has died
CLAIM = """
INSERT INTO report_deliveries AS d (report, period, version, recipient, status, changed_at)
VALUES (:report, :period, :version, :recipient, 'sending', :at)
ON CONFLICT (report, period, version, recipient) DO UPDATE SET status = 'sending', changed_at = :at
WHERE :again OR d.status = 'failed' OR (d.status = 'sending' AND d.changed_at < :dead)
RETURNING attempts
"""
DONE = """
UPDATE report_deliveries SET status = :status, attempts = attempts + :attempts, error = :error, changed_at = :at
WHERE report = :report AND period = :period AND version = :version AND recipient = :recipient
"""
LIST = "SELECT * FROM report_deliveries ORDER BY changed_at DESC, report, period, version, recipient LIMIT :limit"


@dataclass(frozen=True)
class Sent:
    """One line of the record."""

    report: str
    period: str
    version: int
    recipient: str
    status: str
    attempts: int
    error: str
    changed_at: datetime


def claim(
    store: Store, report: str, period: str, version: int, recipient: str, *, at: datetime, again: bool = False
) -> bool:
    """Take a delivery for oneself; False where it has gone, or somebody else is at it."""
    with store.begin() as connection:
        taken = rows(
            connection,
            CLAIM,
            report=report,
            period=period,
            version=version,
            recipient=recipient,
            at=at,
            again=again,
            dead=at - ABANDONED,
        )
    return bool(taken)


def done(
    store: Store,
    report: str,
    period: str,
    version: int,
    recipient: str,
    *,
    at: datetime,
    attempts: int,
    error: str = "",
) -> None:
    """Note how it ended; an empty `error` means that it was taken."""
    with store.begin() as connection:
        changed(
            connection,
            DONE,
            report=report,
            period=period,
            version=version,
            recipient=recipient,
            at=at,
            attempts=attempts,
            error=error[:2000],
            status="failed" if error else "sent",
        )


def select(store: Store, *, limit: int = 100) -> list[Sent]:
    """The record, the newest first."""
    with store.begin() as connection:
        return [Sent(**row) for row in rows(connection, LIST, limit=limit)]
