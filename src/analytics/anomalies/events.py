"""What a rule found: one event per episode, with its size, its length and a sentence about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analytics.model import Severity

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]
Rule = Literal["statistical", "trend", "pattern", "cross_platform"]
Direction = Literal["above", "below"]
SINGLE_SERIES_RULES: tuple[Rule, ...] = ("statistical", "trend", "pattern")
RULES: tuple[Rule, ...] = (*SINGLE_SERIES_RULES, "cross_platform")

SEVERITY_LEVELS: tuple[tuple[float, Severity], ...] = ((24.0, "critical"), (12.0, "high"), (6.0, "medium"))


@dataclass(frozen=True)
class Event:
    """One episode in one series (or, for `cross_platform`, in several).

    Attributes:
        start, end: first and last abnormal reading, aware UTC.
        confirmed_at: reading at which the rule was satisfied; an alert cannot be older.
        duration_s: abnormal time in seconds: what the abnormal readings cover, gaps left out.
        is_open: the last reading given still belongs to the episode.
        peak_at, observed, expected: the reading furthest from the baseline, in the metric's unit;
            for rules that judge a mean (trend, pattern) the mean over the stretch they judged.
        deviation: signed distance at the peak in residual scales.
        relative_deviation: (observed - expected) / expected; NaN where `expected` is 0.
        excess: sum of observed minus expected over the abnormal readings, in the metric's unit.
        detection_method: rule and thresholds used, enough to repeat the verdict.
    """

    rule: Rule
    start: datetime
    end: datetime
    confirmed_at: datetime
    duration_s: float
    direction: Direction
    severity: Severity
    peak_at: datetime
    observed: float
    expected: float
    deviation: float
    relative_deviation: float
    excess: float
    detection_method: str
    reason: str
    is_open: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


def severity_of(deviation: float, duration_s: float, readings: int = 1_000_000) -> Severity:
    r"""Severity from size × duration: $|d| \cdot h^{1/4}$ with h the duration in hours.

    Each level is twice the one before; the fourth root makes a day count about twice an hour. Duration counts
    between 15 minutes and a week, and never more than one hour a reading: one daily figure is one piece of evidence.

    Args:
        deviation: distance at the peak in residual scales, either sign.
        duration_s: abnormal time in seconds.
        readings: number of abnormal readings.

    >>> severity_of(4.0, 1800), severity_of(-4.0, 6 * 3600), severity_of(9.0, 86400), severity_of(30.0, 3600)
    ('low', 'medium', 'high', 'critical')
    """
    hours = min(max(duration_s / 3600, 0.25), 168.0, max(readings, 1))
    index = abs(deviation) * hours**0.25
    return next((name for level, name in SEVERITY_LEVELS if index >= level), "low")


def utc(time: np.datetime64 | np.int64) -> datetime:
    """Aware UTC datetime of a datetime64 or of nanoseconds since 1970 (cut to microseconds)."""
    micros = int(np.datetime64(int(np.asarray(time).astype(np.int64)), "ns").astype("datetime64[us]").astype(np.int64))
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


def number(value: float) -> str:
    """A figure for a sentence: three significant digits below 1000, grouped thousands above.

    >>> number(0.01234), number(12.0), number(1234567.8), number(float("nan"))
    ('0.0123', '12', '1,234,568', 'unknown')
    """
    if not np.isfinite(value):
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(seconds: float) -> str:
    """A length of time for a sentence.

    >>> span(1200), span(5400), span(86400), span(3 * 86400)
    ('20 min', '1.5 h', '24 h', '3 days')
    """
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.3g} h" if seconds < 2 * 86400 else f"{seconds / 86400:.2g} days"


def percent(ratio: float) -> str:
    """Signed percentage for a sentence, a multiple from +300 % on.

    >>> percent(0.316), percent(-0.4), percent(5.0), percent(float("nan"))
    ('+32 %', '-40 %', '6.0 times', 'from nothing')
    """
    if not np.isfinite(ratio):
        return "from nothing"
    return f"{ratio:+.0%}".replace("%", " %") if ratio < 3 else f"{1 + ratio:.1f} times"
