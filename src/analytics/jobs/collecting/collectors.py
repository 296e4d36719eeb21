"""Each account's last rounds, and what they say about the health of its collector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cronsim import CronSim

from analytics.alerts.incidents import HEALTH, Incident
from analytics.model import SeriesKey
from analytics.params.files import Params
from analytics.store.asking import rows

if TYPE_CHECKING:
    from analytics.store import Store

LEAST_PATIENCE = timedelta(minutes=10)
ROUNDS = """
WITH tried AS NOT MATERIALIZED (SELECT * FROM collections WHERE method IN ('api', 'feed') AND started_at <= :now)
SELECT asked.platform, asked.account, good.at AS good_at, bad.at AS bad_at, bad.error, skipped.at AS skipped_at,
       CASE WHEN good.at IS NULL THEN
           (SELECT min(started_at) FROM tried t WHERE t.platform = asked.platform AND t.account = asked.account)
       END AS first_at
FROM unnest(CAST(:platforms AS text[]), CAST(:accounts AS text[])) AS asked (platform, account)
LEFT JOIN LATERAL (
    SELECT started_at AS at FROM tried t
    WHERE t.platform = asked.platform AND t.account = asked.account AND outcome IN ('ok', 'partial')
    ORDER BY started_at DESC LIMIT 1
) good ON true
LEFT JOIN LATERAL (
    SELECT started_at AS at, error FROM tried t
    WHERE t.platform = asked.platform AND t.account = asked.account AND outcome = 'failed'
      AND started_at > coalesce(good.at, '-infinity')
    ORDER BY started_at DESC LIMIT 1
) bad ON true
LEFT JOIN LATERAL (
    SELECT started_at AS at FROM tried t
    WHERE t.platform = asked.platform AND t.account = asked.account AND outcome = 'skipped'
      AND started_at > coalesce(good.at, '-infinity')
    ORDER BY started_at DESC LIMIT 1
) skipped ON true
"""


@dataclass(frozen=True, slots=True)
class Rounds:
    """When an account last brought something, and what came after; `first_at` where it never did.

    `skipped_at` is a round that the budget left out: nothing came, and nothing is wrong.
    """

    platform: str
    account: str
    good_at: datetime | None
    bad_at: datetime | None
    error: str | None
    skipped_at: datetime | None
    first_at: datetime | None


def rounds(store: Store, params: Params, now: datetime) -> list[Rounds]:
    """The rounds of every account of active platforms, as far as they began by `now`."""
    asked = [(name, a.id) for name, entry in params.platforms.items() if entry.is_active for a in entry.accounts]
    platforms, accounts = [name for name, _ in asked], [account for _, account in asked]
    with store.begin() as connection:
        return [Rounds(**row) for row in rows(connection, ROUNDS, platforms=platforms, accounts=accounts, now=now)]


def ill_health(store: Store, params: Params, now: datetime, *, changed_at: datetime | None = None) -> list[Incident]:
    """Accounts whose collection has failed or been silent for several polls in a row.

    Args:
        changed_at: since when params are as they are; None: an account that was never asked is not ill.
    """
    known = rounds(store, params, now)
    problems = [(one, problem_of(one, params, now, _waited_from(known, changed_at))) for one in known]
    return [
        Incident(
            start=problem.since,
            series=SeriesKey(one.platform, "", "", one.account),
            kind=HEALTH,
            severity="high" if problem.is_refused else "medium",
            method="collections",
            reason=problem.said,
            end=now,
            direction="silent",
            is_open=True,
        )
        for one, problem in problems
        if problem
    ]


def changed_at(params_dir: Path) -> datetime | None:
    """When `platforms.yaml` was last written: an account cannot have been asked before it was named there."""
    path = params_dir / "platforms.yaml"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


def _waited_from(known: Sequence[Rounds], changed: datetime | None) -> datetime | None:
    """From when an account that was never asked is waited for: not before anything else was collected."""
    ran = [at for one in known for at in (one.good_at, one.bad_at) if at]
    return changed if changed and any(at >= changed for at in ran) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Since when an account is ill, why, and whether it is refused (rather than silent)."""

    since: datetime
    said: str
    is_refused: bool


def problem_of(one: Rounds, params: Params, now: datetime, unasked_since: datetime | None = None) -> Problem | None:
    """What is wrong with an account's collector; None where it is well."""
    schedule, polls = params.platforms[one.platform].schedule, params.alerts.silent_after_polls
    since = one.good_at or one.first_at or unasked_since
    if since is None or not _is_overdue(schedule, polls, since, now):
        return None
    waited = said_span(now - since)
    if one.bad_at:
        return Problem(since, f"nothing collected for {waited}: {one.error}", True)
    if one.skipped_at and not _is_overdue(schedule, polls, one.skipped_at, now):
        return None
    if one.good_at or one.first_at:
        return Problem(since, f"not asked for {waited}: is the runner up?", False)
    return Problem(since, f"never asked, {waited} after it was named in params: is its schedule registered?", False)


def _is_overdue(schedule: str, polls: float, since: datetime, now: datetime) -> bool:
    """Whether so many polls were due since then, and ten minutes have passed: nights without polls do not count."""
    due = list(islice(CronSim(schedule, since.astimezone(UTC)), math.ceil(polls)))
    return len(due) == math.ceil(polls) and now >= max(due[-1], since + LEAST_PATIENCE)


def interval_of(schedule: str, now: datetime) -> timedelta:
    """The stretch between two polls in which `now` lies.

    >>> interval_of("*/5 8-18 * * *", datetime(2026, 11, 20, 20, tzinfo=UTC)) / timedelta(hours=1)
    13.083333333333334
    """
    before, after = CronSim(schedule, now + timedelta(seconds=1), reverse=True), CronSim(schedule, now)
    return next(after) - next(before)


def said_span(span: timedelta) -> str:
    """A stretch of time in the unit one would say it in.

    >>> said_span(timedelta(minutes=50)), said_span(timedelta(hours=30)), said_span(timedelta(days=20))
    ('50 minutes', '30 hours', '20 days')
    """
    minutes = span.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"
