"""The budget's governor: what a schedule will cost, what a round may cost, and which polls are left out first.

Least valuable first: competitors' contents, our contents, competitors' accounts, our accounts. What is left
out is named in the round's result, never silently missing.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile
from math import gcd
from typing import TYPE_CHECKING

from cronsim import CronSim

from analytics.adapters.base import CONTENT_LIMIT
from analytics.adapters.prices import Cost, Prices, prices_of
from analytics.adapters.registry import load_adapter
from analytics.params.files import Params
from analytics.params.platforms import Account, Budget, Platform

if TYPE_CHECKING:
    from analytics.store import Store

UNLIMITED = float("inf")
WITH_CONTENTS, WITHOUT_CONTENTS = "account and contents", "account"
PLAN_DAYS = 28  # whole weeks, so that a weekly schedule has its share


@dataclass(frozen=True, slots=True)
class Planned:
    """What one platform's schedule will cost, before it starts.

    `too_often` names metrics that change once a day but are asked for more often.
    """

    platform: str
    rounds_per_day: float
    unit: str
    per_day: Cost
    budget: Budget
    too_often: tuple[str, ...] = ()

    @property
    def usd_per_month(self) -> float:
        """Dollars in a month of 30 days."""
        return 30 * self.per_day.usd

    @property
    def is_over(self) -> bool:
        """Whether the budget will not hold."""
        units, usd = self.budget.units_per_day, self.budget.usd_per_month
        return (units is not None and self.per_day.units > units) or (usd is not None and self.usd_per_month > usd)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a round may ask of one account; `contents` 0 leaves them out, `left_out` says why."""

    account: Account
    contents: int
    is_asked: bool = True
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """Accounts that were read on this UTC day already, and those whose contents were."""

    accounts: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()


NOTHING_PAID = Paid()


def plan(params: Params, *, contents: int = CONTENT_LIMIT) -> list[Planned]:
    """Predict each active platform's units a day and dollars a month from its schedule and accounts."""
    return [_planned(name, entry, contents) for name, entry in params.platforms.items() if entry.is_active]


def _planned(name: str, platform: Platform, contents: int) -> Planned:
    adapter = load_adapter(platform.adapter)
    prices, rounds = prices_of(adapter), rounds_per_day(platform.schedule)
    first = prices.account_round(platform.metrics) + prices.contents_round(platform.metrics, contents)
    later = prices.account_round(platform.metrics, first_today=False)
    later += prices.contents_round(platform.metrics, contents, first_today=False)
    accounts = len(platform.accounts)
    units = accounts * first.units * rounds
    usd = accounts * (first.usd * min(1.0, rounds) + later.usd * max(0.0, rounds - 1))
    slow = {d.metric_type for d in adapter.DEFINITIONS if d.freshness == "daily"}
    often = tuple(metric for metric in platform.metrics if metric in slow) if accounts and rounds > 4 else ()
    return Planned(name, rounds, prices.unit, Cost(units, usd), platform.budget, often)


def rounds_per_day(schedule: str) -> float:
    """How often a cron line fires on an average day.

    >>> rounds_per_day("*/5 * * * *"), rounds_per_day("0 6 * * 1")
    (288.0, 0.14285714285714285)
    """
    start = datetime(2026, 1, 5, tzinfo=UTC)
    end = start + timedelta(days=PLAN_DAYS)
    count = 0
    for moment in CronSim(schedule, start - timedelta(seconds=1)):
        if moment >= end:
            break
        count += 1
    return count / PLAN_DAYS


@lru_cache(maxsize=64)
def step_of(schedule: str) -> timedelta:
    """The longest stretch that every wait between two polls of a week is a multiple of.

    >>> [step_of(line) // timedelta(minutes=1) for line in ("*/4 * * * *", "2-59/5 * * * *", "*/7 * * * *")]
    [4, 5, 1]
    """
    start = datetime(2026, 1, 5, tzinfo=UTC)
    times = takewhile(lambda at: at < start + timedelta(days=8), CronSim(schedule, start - timedelta(seconds=1)))
    waits = {later - before for before, later in pairwise(times)}
    return timedelta(seconds=gcd(*(round(wait.total_seconds()) for wait in waits))) if waits else timedelta(days=7)


def allowance(budget: Budget, spent_today: Cost, spent_this_month: Cost, schedule: str, at: datetime) -> Cost:
    """What this round may cost so that the budget lasts: what is left of the day by the rounds left in it.

    Dollars are spread over the days left in the month, as most are charged once a day.
    """
    units, usd = UNLIMITED, UNLIMITED
    now = at.astimezone(UTC)
    if budget.units_per_day is not None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        gone = (now - midnight) / timedelta(days=1)
        rounds_left = max(1.0, rounds_per_day(schedule) * (1 - gone))
        units = max(0.0, budget.units_per_day - spent_today.units) / rounds_left
    if budget.usd_per_month is not None:
        days_left = calendar.monthrange(now.year, now.month)[1] - now.day + 1
        before_today = spent_this_month.usd - spent_today.usd
        usd = max(0.0, (budget.usd_per_month - before_today) / days_left - spent_today.usd)
    return Cost(units, usd)


def allowed(
    accounts: Sequence[Account],
    metrics: Sequence[str],
    prices: Prices,
    left: Cost,
    *,
    contents: int,
    paid: Paid = NOTHING_PAID,
) -> list[Allowed]:
    """Fit a round into `left`: accounts before contents, ours before competitors', in the order of params.

    What is `paid` for on this UTC day is not charged again.
    """
    cost = Cost()
    asked: dict[str, int | None] = {account.id: None for account in accounts}
    ranked = sorted(accounts, key=lambda account: account.kind != "own")
    for account in ranked:
        more = cost + prices.account_round(metrics, first_today=account.id not in paid.accounts)
        if more.fits(left):
            cost, asked[account.id] = more, 0
    for account in ranked:
        more = cost + prices.contents_round(metrics, contents, first_today=account.id not in paid.contents)
        if contents and asked[account.id] is not None and more.fits(left):
            cost, asked[account.id] = more, contents
    return [_allowed(account, asked[account.id], contents) for account in accounts]


def _allowed(account: Account, given: int | None, contents: int) -> Allowed:
    if given is None:
        return Allowed(account, 0, is_asked=False, left_out="budget: left out of this round")
    return Allowed(account, given, left_out="budget: contents left out of this round" if given < contents else "")


def spent_so_far(store: Store, platform: str, at: datetime) -> tuple[Cost, Cost, Paid]:
    """Spent since midnight UTC and since the first of the month, and what is paid for today."""
    import sqlalchemy as sa

    from analytics.store.journal import spent
    from analytics.store.tables_config import budget_ledger as ledger

    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = sa.select(ledger.c.account, ledger.c.call).where(
        ledger.c.platform == platform, ledger.c.spent_at >= midnight
    )
    with store.begin() as connection:
        today = Cost(*spent(connection, platform, midnight))
        month = Cost(*spent(connection, platform, midnight.replace(day=1)))
        rows = connection.execute(query.distinct()).all()
    read = frozenset(account for account, _ in rows)
    return today, month, Paid(read, frozenset(account for account, call in rows if call == WITH_CONTENTS))


def note(
    store: Store,
    platform: str,
    account: str,
    prices: Prices,
    *,
    metrics: Sequence[str],
    calls: int,
    contents: int,
    paid: Paid,
    at: datetime,
) -> Cost:
    """Write what a round of one account has cost into the ledger.

    A content that was published after the day's first round is charged by the platform but not seen here: the
    ledger may be a few cents short a day.
    """
    from analytics.store.journal import spend

    cost = prices.spent(
        calls,
        metrics,
        new_accounts=0 if account in paid.accounts else 1,
        new_contents=0 if account in paid.contents else contents,
    )
    kind = WITH_CONTENTS if contents else WITHOUT_CONTENTS
    with store.begin() as connection:
        spend(connection, platform, at=at, units=cost.units, usd=cost.usd, account=account, call=kind)
    return cost
