"""How many alerts a week are acceptable, and the level that keeps to it on a series' own history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike

from analytics.anomalies.detection import DEFAULT_RULES, Settings, detect_matrix
from analytics.anomalies.events import Rule
from analytics.baselines.clock import as_times
from analytics.baselines.model import Baseline
from analytics.errors import InputError

FACTORS = (0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2)
WEEK_S = 7 * 86400.0
JOIN_S = 6 * 3600.0  # rules that tell the same episode send one alert


@dataclass(frozen=True)
class Level:
    """The level chosen for one series.

    Attributes:
        factor: thresholds are multiplied by this (`Settings.scaled`).
        expected_per_week: alerts a week to expect at this level; half an alert is added to the count,
            for a quiet month does not promise a quiet year.
        history_weeks: judged history the choice rests on.
        kept: False if even the highest level told more than the budget.
    """

    factor: float
    expected_per_week: float
    budget_per_week: float
    history_weeks: float
    kept: bool

    @property
    def sentence(self) -> str:
        """The choice in words."""
        held = "" if self.kept else ", more than asked even at the highest level"
        return (
            f"Thresholds at {100 * self.factor:.0f} %: about {self.expected_per_week:.1f} alerts a week expected{held} "
            f"(budget {self.budget_per_week:g}, from {self.history_weeks:.1f} weeks of history)."
        )


def choose_levels(
    times: ArrayLike,
    values: ArrayLike,
    baseline: Baseline,
    *,
    alerts_per_week: float = 1.0,
    rules: Sequence[Rule] = DEFAULT_RULES,
    settings: Settings | None = None,
) -> list[Level]:
    """The most sensitive level per series that keeps to the budget on the history given.

    Args:
        times, values, baseline: as for `detect_matrix`; a single series is one row.
        alerts_per_week: acceptable alerts a series and week; episodes closer than six hours are one.
        rules, settings: what is told at factor 1; None: the defaults, with the budget as the rate at which episodes of
            a size become a habit.
    Raises:
        InputError: the budget is not positive.
    """
    if not alerts_per_week > 0:
        raise InputError(f"alerts_per_week {alerts_per_week!r}: expected a positive number")
    matrix = np.atleast_2d(np.asarray(values, dtype=float))
    weeks = _judged_weeks(as_times(times), np.atleast_2d(np.asarray(baseline.expected, dtype=float)), matrix)
    base = settings or Settings().told_per_week(alerts_per_week)
    rates = np.array(
        [
            [
                alerts(e.confirmed_at for e in events)
                for events in detect_matrix(times, matrix, baseline, rules=rules, settings=scaled)
            ]
            for scaled in map(base.scaled, FACTORS)
        ],
        dtype=float,
    )
    expected = (rates + 0.5) / np.maximum(weeks, 1e-9)
    # higher thresholds merge less, so a rate may rise by one: from the chosen level on all must keep
    keeps = np.flip(np.logical_and.accumulate(np.flip(rates / np.maximum(weeks, 1e-9) <= alerts_per_week, 0)), 0)
    chosen = np.where(keeps.any(axis=0), keeps.argmax(axis=0), len(FACTORS) - 1)
    return [
        Level(FACTORS[i], float(expected[i, row]), alerts_per_week, float(weeks[row]), bool(keeps[i, row]))
        for row, i in enumerate(chosen.tolist())
    ]


def alerts(confirmed: Iterable[datetime]) -> int:
    """How many alerts confirmations make: those within six hours of the last are one.

    >>> from datetime import UTC
    >>> alerts([datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (3, 8, 20)])
    2
    """
    count, before = 0, -np.inf
    for at in sorted(moment.timestamp() for moment in confirmed):
        count += at - before > JOIN_S
        before = at
    return count


def seen_per_week(confirmed: Iterable[datetime], start: datetime, end: datetime) -> float:
    """Alerts a week actually confirmed from `start` until before `end`, beside the expected rate."""
    return alerts(at for at in confirmed if start <= at < end) * WEEK_S / (end - start).total_seconds()


def _judged_weeks(times: np.ndarray, expected: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weeks in which there was both a reading and a baseline, shape (m,)."""
    seconds = times.astype(np.int64) / 1e9
    cover = np.diff(seconds, prepend=seconds[0]) if seconds.size else seconds
    typical = np.median(cover[1:]) if cover.size > 1 else 0.0
    known = np.isfinite(values) & np.isfinite(np.broadcast_to(expected, values.shape))
    return np.asarray((known * np.minimum(cover, 3 * typical)).sum(axis=1) / WEEK_S)
