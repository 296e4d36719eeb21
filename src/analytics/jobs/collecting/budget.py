"""What collecting has cost, against what params allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analytics.jobs.collecting.spending import spent_so_far
from analytics.params.files import load_params
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Store


@dataclass(frozen=True)
class Balance:
    """One platform's spending: units since midnight UTC, dollars since the first of the month; None: no limit."""

    platform: str
    units_today: float
    units_per_day: int | None
    usd_this_month: float
    usd_per_month: float | None

    @property
    def is_over(self) -> bool:
        """Whether a limit is reached."""
        units = self.units_per_day is not None and self.units_today >= self.units_per_day > 0
        usd = self.usd_per_month is not None and self.usd_this_month >= self.usd_per_month > 0
        return units or usd

    def row(self) -> dict[str, Any]:
        """For a table."""
        return {
            "platform": self.platform,
            "units today": self.units_today,
            "of": "no limit" if self.units_per_day is None else self.units_per_day,
            "USD this month": round(self.usd_this_month, 2),
            "of USD": "no limit" if self.usd_per_month is None else self.usd_per_month,
        }


def balances(settings: Settings, store: Store, *, at: datetime) -> list[Balance]:
    """Every platform of params, with what the ledger says it has spent."""
    found = []
    for name, platform in load_params(settings.params_dir).platforms.items():
        today, month, _ = spent_so_far(store, name, at)
        budget = platform.budget
        found.append(Balance(name, today.units, budget.units_per_day, month.usd, budget.usd_per_month))
    return found
