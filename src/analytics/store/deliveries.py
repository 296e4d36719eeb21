"""The record of reports sent: a version goes to a recipient once, and a failure stays visible until it has gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from analytics.store.asking import changed, rows

if TYPE_CHECKING:
    from analytics.store import Store

Claim = Literal["taken", "sent", "sending"]
CLAIM = """
INSERT INTO report_deliveries AS d (report, period, version, recipient, status, changed_at)
VALUES (:report, :period, :version, :recipient, 'sending', :at)
ON CONFLICT (report, period, version, recipient) DO UPDATE SET status = 'sending', changed_at = :at
WHERE :again OR d.status <> 'sent'
RETURNING attempts
"""
_TAKE_TURN = sa.text("SELECT pg_try_advisory_lock(hashtext('delivery'), hashtext(:name))")
_END_TURN = sa.text("SELECT pg_advisory_unlock_all()")
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


@contextmanager
def claimed(
    store: Store, report: str, period: str, version: int, recipient: str, *, at: datetime, again: bool = False
) -> Iterator[Claim]:
    """Take a delivery for oneself: `taken`, `sent` where it has gone before, or `sending` where another is at it.

    The claim ends with its database session, so also with its process: one that was killed is taken over at once, and
    what it may have sent is sent again.
    """
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        if not session.scalar(_TAKE_TURN, {"name": f"{report} {period} {version} {recipient}"}):
            yield "sending"
            return
        try:
            with store.begin() as connection:
                place = {"report": report, "period": period, "version": version, "recipient": recipient}
                taken = rows(connection, CLAIM, **place, at=at, again=again)
            yield "taken" if taken else "sent"
        finally:
            session.execute(_END_TURN)


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
    is_known: bool = True,
) -> None:
    """Note how it ended; an empty `error` means that it was taken. Where that is not known it is still `sending`."""
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
            status="sent" if not error else "failed" if is_known else "sending",
        )


def select(store: Store, *, limit: int = 100) -> list[Sent]:
    """The record, the newest first."""
    with store.begin() as connection:
        return [Sent(**row) for row in rows(connection, LIST, limit=limit)]
