"""What asking a platform costs, in its own units and in dollars, said before it is asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """Units of the platform's quota, and dollars."""

    units: float = 0.0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.units + other.units, self.usd + other.usd)

    def fits(self, left: Cost) -> bool:
        """Whether both parts are within `left`."""
        return self.units <= left.units and self.usd <= left.usd


@dataclass(frozen=True, slots=True)
class Prices:
    """A platform's prices. An adapter that has none is counted by its calls.

    Args:
        unit: what the vendor counts.
        units_per_call: of them a call costs.
        fixed_calls: calls a round for the account itself.
        contents_per_page: contents a page of a listing holds.
        calls_per_page: calls such a page needs.
        content_metrics: those that need the contents; empty: any may.
        usd_per_account_day: for reading the account, once in a UTC day.
        usd_per_content_day: for reading one content, once in a UTC day.
        usd_per_metric_round: for metrics that cost a paid call of their own each round.
    """

    unit: str = "calls"
    units_per_call: float = 1.0
    fixed_calls: int = 1
    contents_per_page: int = 100
    calls_per_page: int = 1
    content_metrics: frozenset[str] = frozenset()
    usd_per_account_day: float = 0.0
    usd_per_content_day: float = 0.0
    usd_per_metric_round: Mapping[str, float] = field(default_factory=dict)

    def account_round(self, metrics: Collection[str], *, first_today: bool = True) -> Cost:
        """One round of an account without its contents."""
        calls = self.fixed_calls + sum(metric in metrics for metric in self.usd_per_metric_round)
        usd = sum(price for metric, price in self.usd_per_metric_round.items() if metric in metrics)
        return Cost(calls * self.units_per_call, usd + (self.usd_per_account_day if first_today else 0.0))

    def contents_round(self, metrics: Collection[str], contents: int, *, first_today: bool = True) -> Cost:
        """What the account's newest `contents` add to a round; nothing where no metric needs them."""
        if metrics and self.content_metrics and not self.content_metrics & set(metrics):
            return Cost()
        pages = math.ceil(contents / self.contents_per_page)
        usd = contents * self.usd_per_content_day if first_today else 0.0
        return Cost(pages * self.calls_per_page * self.units_per_call, usd)

    def spent(self, calls: int, metrics: Collection[str], *, new_accounts: int, new_contents: int) -> Cost:
        """What a round has cost: `new_…` were not read before on this UTC day."""
        usd = sum(price for metric, price in self.usd_per_metric_round.items() if metric in metrics)
        usd += new_accounts * self.usd_per_account_day + new_contents * self.usd_per_content_day
        return Cost(calls * self.units_per_call, usd)


def prices_of(adapter: ModuleType | Any) -> Prices:
    """The adapter's `PRICES`, or those of a platform that counts nothing but calls."""
    found = getattr(adapter, "PRICES", None)
    return found if isinstance(found, Prices) else Prices()
