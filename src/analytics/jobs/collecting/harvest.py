"""What a round of collection brought, account by account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from analytics.adapters.base import Page, Refused
from analytics.errors import AnalyticsError
from analytics.ingest.check import printable
from analytics.model import Observation

State = Literal["ok", "partial", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one account gave in one round.

    `refused` names each metric that did not come, once, with the platform's reason: one health incident each.
    `faults` are the values that could not be read: kept in quarantine with call, place and what was found there.
    `error` is what ended the round early, or the one call that failed where nothing came at all. `left_out`
    says what the budget did not allow.
    """

    platform: str
    account: str
    started_at: datetime
    pages: tuple[Page, ...] = ()
    error: AnalyticsError | None = None
    seconds: float = 0.0
    written: int = 0
    duplicate: int = 0
    corrected: int = 0
    quarantined: int = 0
    left_out: str = ""
    method: Literal["api", "feed"] = "api"

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All readings, in the order they came."""
        return tuple(o for page in self.pages for o in page.observations)

    @property
    def faults(self) -> tuple[Observation, ...]:
        """Values that could not be read, one a kind and call."""
        return tuple(o for o in self.observations if o.fault)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """Each metric that was refused or withheld throughout, with the first reason given."""
        given = {o.metric_type for o in self.observations if o.value is not None}
        reasons: dict[str, str] = {}
        for page in self.pages:
            for refused in page.refused:
                reasons.setdefault(refused.metric, refused.reason)
            for o in page.observations:
                if o.fault and o.metric_type and o.metric_type not in given:
                    reasons.setdefault(o.metric_type, o.fault)
            for metric in page.withheld:
                if metric not in given:
                    reasons.setdefault(metric, "withheld: absent or null in the answer")
        return tuple(Refused(metric, reason) for metric, reason in reasons.items())

    @property
    def state(self) -> State:
        """`ok`, `partial` (something was refused or unreadable), `failed` (no reading came), `skipped` (not asked)."""
        if self.left_out and not self.pages and not self.error:
            return "skipped"
        lacks = self.error or self.refused or self.faults
        if not any(o.value is not None for o in self.observations) and lacks:
            return "failed"
        return "partial" if lacks else "ok"

    @property
    def problem(self) -> str | None:
        """What went wrong, in one line for the collection's record; None where nothing did."""
        said = [str(self.error)] if self.error else []
        said += [self.left_out] if self.left_out else []
        reasons: dict[str, list[str]] = {}
        for refused in self.refused:
            reasons.setdefault(refused.reason, []).append(refused.metric)
        said += [
            f"no {', '.join(metrics)}" + ("" if reason == getattr(self.error, "problem", None) else f" ({reason})")
            for reason, metrics in reasons.items()
        ]
        said += [f"unreadable: {o.fault}" for o in self.faults if o.fault not in reasons]
        return printable("; ".join(said))[:2000] or None


@dataclass(frozen=True, slots=True)
class Round:
    """Every account's harvest, in the order of the params."""

    observed_at: datetime
    harvests: tuple[Harvest, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Harvest, ...]:
        """Accounts that gave nothing."""
        return tuple(harvest for harvest in self.harvests if harvest.state == "failed")

    @property
    def written(self) -> int:
        """Points stored for the first time."""
        return sum(harvest.written for harvest in self.harvests)
