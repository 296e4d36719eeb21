"""Statistical rule: outside the band of normal values for more than a quarter of an hour.

The specification's "values outside 2σ bounds for > 15 minutes", with hysteresis (an episode starts
further out than it ends), one event per episode and a cooldown. `LITERAL` is the rule to the letter.
"""

from __future__ import annotations

import math

import numpy as np

from analytics.anomalies.episodes import Episode, Levels, find_episodes
from analytics.anomalies.events import Direction, Event, Floats, number, percent, severity_of, span, utc
from analytics.anomalies.residuals import BAND_SIGMAS, Residuals

LITERAL = Levels(BAND_SIGMAS, BAND_SIGMAS, lone=1, min_duration_s=900, merge_s=0, cooldown_s=0, per_week=math.inf)


def statistical(readings: Residuals, levels: Levels) -> list[tuple[int, Event]]:
    """Events with the row of their series, both directions.

    Levels are in half bands times two: 2 is the edge of the band, so for a Gaussian 95 % band they
    are standard deviations.
    """
    found = []
    for sign in (1, -1):
        size = readings.band_distance(sign)
        found += [(e.series, describe(readings, e, sign, levels)) for e in find_episodes(size, readings.clock, levels)]
    return found


def describe(readings: Residuals, episode: Episode, sign: int, levels: Levels) -> Event:
    """The event of an episode of readings outside the band."""
    row, cut = episode.series, slice(episode.first, episode.last + 1)
    observed, expected = readings.values[row, cut], readings.expected[row, cut]
    residual = observed - expected
    outside = beyond(sign * residual, sign, readings, row, cut)
    peak = episode.peak
    duration_s = float(readings.clock.cover_s[cut][outside].sum())
    deviation = float(residual[peak - episode.first] / readings.scale[row, peak])
    at_peak = float(readings.values[row, peak]), float(readings.expected[row, peak])
    relative = (at_peak[0] - at_peak[1]) / at_peak[1] if at_peak[1] else float("nan")
    direction: Direction = "above" if sign > 0 else "below"
    start, edge = utc(readings.times[episode.first]), (readings.upper if sign > 0 else readings.lower)[row, peak]
    reason = (
        f"{'Above' if sign > 0 else 'Below'} the normal band for {span(duration_s)} from {start:%Y-%m-%d %H:%M} UTC: "
        f"{number(at_peak[0])} at {utc(readings.times[peak]):%H:%M} where {number(at_peak[1])} is normal "
        f"(band to {number(float(edge))}), {percent(relative)}, {abs(deviation):.1f} deviations {direction}."
    )
    return Event(
        rule="statistical",
        start=start,
        end=utc(readings.times[episode.last]),
        confirmed_at=utc(readings.times[episode.confirmed]),
        duration_s=duration_s,
        direction=direction,
        severity=severity_of(deviation, duration_s, int(outside.sum())),
        peak_at=utc(readings.times[peak]),
        observed=at_peak[0],
        expected=at_peak[1],
        deviation=deviation,
        relative_deviation=relative,
        excess=float(residual[outside].sum()),
        detection_method=f"band: enter {levels.enter:g}, exit {levels.exit:g}, > {span(levels.min_duration_s)}",
        reason=reason,
        is_open=episode.last == readings.times.size - 1,
        details={"readings": int(outside.sum()), "repeats": episode.repeats, "band_edge": float(edge)},
    )


def beyond(signed: Floats, sign: int, readings: Residuals, row: int, cut: slice) -> np.ndarray:
    """Which readings of the stretch lie outside the band on the side of `sign`."""
    edge = readings.upper if sign > 0 else readings.lower
    return signed > sign * (edge[row, cut] - readings.expected[row, cut])
