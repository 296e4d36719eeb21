"""Trend rule: a third above or below what is normal at this time, for more than an hour.

The specification's "sustained 30 % deviation for > 1 hour", measured against the seasonal baseline
instead of the hour before, and gated: 30 % of a small noisy metric is nothing, so the hour's mean
must also lie several of its own usual errors away. On real brand mentions the rule to the letter
told 27 false alerts a series and week.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from analytics.anomalies.bins import Bins, noise_before
from analytics.anomalies.episodes import Episode, Levels, find_episodes
from analytics.anomalies.events import Direction, Event, Floats, number, percent, severity_of, span, utc
from analytics.anomalies.residuals import Residuals

SPAN_S = 3600.0


HOUR_S = 3600.0


@dataclass(frozen=True)
class TrendSettings:
    """The share, the gate for noise and the patience of the trend rule.

    Attributes:
        share: least relative deviation of the hour's mean.
        noise: least deviation of the hour's mean in its own usual errors.
        hold_on: an episode lasts while this fraction of both is exceeded.
        merge_s, cooldown_s, per_week: as in `Levels`.
    """

    share: float = 0.30
    noise: float = 4.0
    hold_on: float = 0.6
    merge_s: float = 4 * 3600.0
    cooldown_s: float = 86400.0
    per_week: float = 1.0


LITERAL_TREND = TrendSettings(noise=0.0, hold_on=1.0, merge_s=0.0, cooldown_s=0.0, per_week=math.inf)


@dataclass(frozen=True)
class HourMeans:
    """Means of the last hour beside what they were expected to be, shape (m, b) each."""

    bins: Bins
    observed: Floats
    expected: Floats
    noise: Floats


def hour_means(readings: Residuals) -> HourMeans:
    """The hour's means of a matrix of readings, and how far such means usually stray."""
    bins = Bins.of(readings)
    observed, expected = bins.trailing(bins.observed, SPAN_S), bins.trailing(bins.expected, SPAN_S)
    with np.errstate(divide="ignore", invalid="ignore"):  # in the baseline's own scale: nights are quieter than days
        usual = bins.scale * noise_before((observed - expected) / bins.scale, bins.clock.seconds)
    # a mean cannot be steadier than independent readings would make it
    in_hour = np.maximum(1.0, np.minimum(SPAN_S / bins.width_s, 4.0) * np.maximum(bins.readings, 1.0))
    return HourMeans(bins, observed, expected, np.maximum(usual, bins.scale / np.sqrt(in_hour)))


def trend(readings: Residuals, settings: TrendSettings) -> list[tuple[int, Event]]:
    """Events with the row of their series, both directions."""
    if not readings.times.size:
        return []
    means = hour_means(readings)
    bins, levels = means.bins, _levels(means.bins, settings)
    residual = means.observed - means.expected
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = residual / np.abs(means.expected) / settings.share
        deviation = residual / (means.noise if settings.noise else np.fmax(means.noise, bins.scale / 2))
        gated = deviation / settings.noise if settings.noise else np.copysign(np.inf, residual)
    found = []
    for sign in (1, -1):
        size = np.minimum(sign * relative, sign * gated)
        for episode in find_episodes(size, bins.clock, levels):
            found.append((episode.series, _describe(means, deviation, episode, sign, settings, readings)))
    return found


def _levels(bins: Bins, settings: TrendSettings) -> Levels:
    """Half an hour of hour means beyond is more than an hour of readings beyond."""
    patience_s = SPAN_S if bins.width_s >= SPAN_S else SPAN_S / 2
    return Levels(
        1.0, settings.hold_on, 1.0, patience_s, settings.merge_s, settings.cooldown_s, per_week=settings.per_week
    )


def _describe(
    means: HourMeans, deviation: Floats, episode: Episode, sign: int, settings: TrendSettings, readings: Residuals
) -> Event:
    bins, row, cut = means.bins, episode.series, slice(episode.first, episode.last + 1)
    peak = episode.first + int(np.nanargmax(sign * deviation[row, cut]))
    observed, expected = float(means.observed[row, peak]), float(means.expected[row, peak])
    relative = (observed - expected) / expected if expected else float("nan")
    duration_s = float(bins.clock.cover_s[cut].sum())
    columns = slice(int(bins.first[episode.first]), int(bins.last[episode.last]) + 1)
    excess = np.nansum(readings.values[row, columns] - readings.expected[row, columns])
    direction: Direction = "above" if sign > 0 else "below"
    start = utc(readings.times[bins.first[episode.first]])
    size = float(deviation[row, peak])
    at = utc(bins.times[peak])
    if bins.width_s < HOUR_S:  # a mean of the readings of an hour, the last of them this bin's
        seen = f"a mean of {number(observed)} over the hour to {at + timedelta(seconds=bins.width_s):%H:%M}"
    else:
        seen = f"{number(observed)} at {at:%H:%M}"
    reason = (
        f"{'Above' if sign > 0 else 'Below'} normal for {span(duration_s)} from {start:%Y-%m-%d %H:%M} UTC: "
        f"{seen} where {number(expected)} is normal, {percent(relative)}, {abs(size):.1f} times the usual error."
    )
    return Event(
        rule="trend",
        start=start,
        end=utc(bins.times[episode.last]),
        confirmed_at=utc(bins.times[episode.confirmed]),
        duration_s=duration_s,
        direction=direction,
        severity=severity_of(size, duration_s, episode.last - episode.first + 1),
        peak_at=utc(bins.times[peak]),
        observed=observed,
        expected=expected,
        deviation=size,
        relative_deviation=relative,
        excess=float(excess),
        detection_method=f"hour mean: {settings.share:.0%} and {settings.noise:g} usual errors, > 1 h",
        reason=reason,
        is_open=episode.last == bins.times.size - 1,
        details={"repeats": episode.repeats, "usual_error": float(means.noise[row, peak])},
    )
