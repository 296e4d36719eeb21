"""One call for all rules that judge a single series, or a matrix of series on the same times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analytics.anomalies.breaks import break_times, bridge
from analytics.anomalies.episodes import Levels
from analytics.anomalies.events import SINGLE_SERIES_RULES, Event, Rule
from analytics.anomalies.pattern import PatternSettings, pattern
from analytics.anomalies.residuals import Residuals, residuals
from analytics.anomalies.statistical import LITERAL, statistical
from analytics.anomalies.trend import LITERAL_TREND, TrendSettings, trend
from analytics.baselines.model import Baseline
from analytics.errors import InputError

DEFAULT_RULES = SINGLE_SERIES_RULES
BLOCK_READINGS = 2_000_000  # readings worked on at once: keeps a matrix within some hundred megabytes


@dataclass(frozen=True)
class Settings:
    """Thresholds of every rule; `Settings.literal()` is the specification to the letter.

    Attributes:
        statistical: levels of the band rule, in half bands times two.
        trend, pattern: shares, gates and patience of the other two.
        direction: which side is worth telling; a feed gone silent always is.
    """

    statistical: Levels = field(default_factory=Levels)
    trend: TrendSettings = field(default_factory=TrendSettings)
    pattern: PatternSettings = field(default_factory=PatternSettings)
    direction: Literal["both", "above", "below"] = "both"

    @classmethod
    def literal(cls) -> Settings:
        """The rules as the specification words them: no hysteresis, no cooldown, no gate for noise."""
        return cls(statistical=LITERAL, trend=LITERAL_TREND)

    def told_per_week(self, rate: float) -> Settings:
        """The same with another rate at which episodes of a size become a series' habit."""
        statistical, trend = replace(self.statistical, per_week=rate), replace(self.trend, per_week=rate)
        return replace(self, statistical=statistical, trend=trend)

    def scaled(self, factor: float) -> Settings:
        """The same with the thresholds of size multiplied; below 1 is more sensitive."""
        levels = replace(self.statistical, enter=self.statistical.enter * factor, exit=self.statistical.exit * factor)
        return replace(
            self,
            statistical=levels,
            trend=replace(self.trend, noise=self.trend.noise * factor),
            pattern=replace(self.pattern, noise=self.pattern.noise * factor, longer=self.pattern.longer * factor),
        )


def detect(
    times: ArrayLike,
    values: ArrayLike,
    baseline: Baseline,
    *,
    rules: Sequence[Rule] = DEFAULT_RULES,
    settings: Settings | None = None,
    breaks: Sequence[datetime | np.datetime64] | None = None,
    as_of: datetime | None = None,
) -> list[Event]:
    """Events of one series, by start.

    Args:
        times: shape (n,), UTC. Any order; of readings with the same time the last one given counts.
        values: shape (n,), in the metric's own unit; NaN: missing.
        baseline: on the same times; NaN where it cannot say.
        rules: which of `statistical`, `trend`, `pattern`.
        settings: thresholds; None for the defaults.
        breaks: when the metric's definition changed. The readings after a break are judged
            against a baseline moved to their level, and not at all in its first day.
        as_of: the moment of judging, for `pattern` to notice that readings have stopped coming.
    Raises:
        InputError: shapes or times do not match, or a rule has no such name.

    Whether and when an event is confirmed depends on readings up to `confirmed_at` only.
    """
    if np.ndim(values) != 1:
        raise InputError(f"anomalies: detect judges one series, got shape {np.shape(values)}; see detect_matrix")
    return detect_matrix(times, values, baseline, rules=rules, settings=settings, breaks=breaks, as_of=as_of)[0]


def detect_matrix(
    times: ArrayLike,
    values: ArrayLike,
    baseline: Baseline,
    *,
    rules: Sequence[Rule] = DEFAULT_RULES,
    settings: Settings | None = None,
    breaks: Sequence[datetime | np.datetime64] | None = None,
    as_of: datetime | None = None,
) -> list[list[Event]]:
    """Events of every row of `values`, shape (m, n); see `detect`."""
    unknown = sorted(set(rules) - set(DEFAULT_RULES))
    if unknown:
        raise InputError(f"anomalies: unknown rule {unknown[0]!r}; expected {', '.join(DEFAULT_RULES)}")
    chosen = settings or Settings()
    every = bridge(residuals(times, values, baseline), break_times(breaks))
    found: list[list[Event]] = [[] for _ in range(every.values.shape[0])]
    for first_row, block in _blocks(every):
        for row, event in _judge(block, rules, chosen, as_of):
            found[first_row + row].append(event)
    for events in found:
        events.sort(key=lambda e: (e.start, e.rule, e.direction))
    return found


def _judge(
    block: Residuals, rules: Sequence[Rule], settings: Settings, as_of: datetime | None
) -> Iterator[tuple[int, Event]]:
    if "statistical" in rules:
        yield from _wanted(statistical(block, settings.statistical), settings)
    if "trend" in rules:
        yield from _wanted(trend(block, settings.trend), settings)
    if "pattern" in rules:
        yield from _wanted(list(pattern(block, settings.pattern, as_of=as_of)), settings)


def _wanted(found: list[tuple[int, Event]], settings: Settings) -> Iterator[tuple[int, Event]]:
    for row, event in found:
        if settings.direction in ("both", event.direction) or event.details.get("kind") == "stale feed":
            yield row, event


def _blocks(every: Residuals) -> Iterator[tuple[int, Residuals]]:
    rows = max(1, BLOCK_READINGS // max(1, every.times.size))
    for first in range(0, every.values.shape[0], rows):
        cut = slice(first, first + rows)
        yield (
            first,
            replace(
                every,
                **{name: getattr(every, name)[cut] for name in ("values", "expected", "lower", "upper", "scale")},
            ),
        )
