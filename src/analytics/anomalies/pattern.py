"""Pattern rule: what should have happened and did not.

- *Missing rhythm*: over the last day readings no longer follow the expected rise and fall. The slope
  of observed on expected is about 1 when they do and 0 when the peak is missing or the cycle is gone.
- *Flat line*: the same reading again and again, three times longer than this series usually does.
- *Stale feed*: no reading at all for three times longer than usual.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from analytics.anomalies.bins import DAY_S, Bins, noise_before, row_median, windowed_sum
from analytics.anomalies.episodes import Episode, Levels, find_episodes
from analytics.anomalies.events import Event, Floats, number, percent, severity_of, span, utc
from analytics.anomalies.residuals import Residuals
from analytics.baselines.clock import as_times

HABIT_SHARE = 0.2
STALE_SIZE = 4.0  # silence has no size; for its severity it counts as four deviations
MIN_SWING = 0.05  # nor one smaller than this share of the level
MIN_SPREAD = 0.5  # a rhythm smaller than this many residual scales cannot be missed


@dataclass(frozen=True)
class PatternSettings:
    """When a rhythm is missing, a line flat, a feed stale.

    Attributes:
        slope: a rhythm is missing while observed follows expected by less than this (normal: 1).
        noise: and the slope is this many of its own usual errors below normal.
        longer: a flat line or silence is told when it is this many times what happens once a week …
        least_s: … and at least this long, in seconds …
        least_readings: … and at least this many equal readings or missing polls.
        learn_days: days before a flat line or silence can be called unusual.
    """

    slope: float = 0.4
    noise: float = 5.0
    longer: float = 3.0
    least_s: float = 3600.0
    least_readings: int = 6
    learn_days: float = 3.0
    cooldown_s: float = DAY_S


def pattern(
    readings: Residuals, settings: PatternSettings, *, as_of: datetime | None = None
) -> Iterator[tuple[int, Event]]:
    """Events with the row of their series; `as_of` also judges the silence since the last reading."""
    if readings.times.size < 2:
        return
    yield from missing_rhythm(readings, settings)
    yield from flat_lines(readings, settings)
    yield from silences(readings, settings, as_of=as_of)


# --- missing rhythm ---------------------------------------------------------------------------


def missing_rhythm(readings: Residuals, settings: PatternSettings) -> Iterator[tuple[int, Event]]:
    """Days on which observed no longer follows expected."""
    bins = Bins.of(readings, 3600.0)
    if bins.width_s > DAY_S / 8:
        return  # too few readings a day to have a rhythm
    slope, usual = _slopes(bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.maximum(noise_before(slope - usual, bins.clock.seconds), 0.05)
        size = np.minimum((usual - slope) / error / settings.noise, (1 - slope) / (1 - settings.slope))
    levels = Levels(1.0, 0.75, 1.0, 3600.0, DAY_S / 2, settings.cooldown_s)
    for episode in find_episodes(size, bins.clock, levels):
        yield episode.series, _rhythm_event(readings, bins, slope, error, episode, settings)


def _slopes(bins: Bins) -> tuple[Floats, Floats]:
    """Slope of observed on expected over the last day, and its median over the days before, shape (m, b)."""
    start = np.searchsorted(bins.clock.seconds, bins.clock.seconds - DAY_S + 1e-6)
    n = np.arange(bins.times.size) + 1 - start
    x, y = bins.expected, bins.observed
    level = np.nanmean(np.where(np.isfinite(x).any(axis=1, keepdims=True), x, 0.0), axis=1, keepdims=True)
    x, y = x - level, y - level  # keeps the squares small
    sx, sy = windowed_sum(x, start), windowed_sum(y, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = windowed_sum(x * x, start) - sx * sx / n
        spread = np.sqrt(np.maximum(variance, 0) / n)
        strong = MIN_SPREAD * windowed_sum(bins.scale, start), MIN_SWING * np.abs(sx + n * level)
        material = spread * n > np.maximum(*strong)
        slope = (windowed_sum(x * y, start) - sx * sy / n) / np.where(material, variance, np.nan)
    slope[:, bins.clock.seconds - bins.clock.seconds[start] < 0.9 * (DAY_S - bins.width_s)] = np.nan
    usual = np.full(slope.shape, np.nan)
    day = np.floor(bins.clock.seconds / DAY_S)
    for first in np.flatnonzero(np.r_[True, day[1:] != day[:-1]]).tolist():
        since = int(np.searchsorted(day, day[first] - 14))
        if first - since >= 48:
            usual[:, first : int(np.searchsorted(day, day[first] + 1))] = row_median(slope[:, since:first])[:, None]
    return slope, usual


def _rhythm_event(
    readings: Residuals, bins: Bins, slope: Floats, error: Floats, episode: Episode, settings: PatternSettings
) -> Event:
    row, cut = episode.series, slice(episode.first, episode.last + 1)
    low = episode.first + int(np.nanargmin(slope[row, cut]))
    since = int(np.searchsorted(bins.clock.seconds, bins.clock.seconds[low] - DAY_S + 1e-6))
    top = since + int(np.nanargmax(bins.expected[row, since : low + 1]))
    observed, expected = float(bins.observed[row, top]), float(bins.expected[row, top])
    duration_s = float(bins.clock.cover_s[cut].sum())
    deviation = -float((1 - slope[row, low]) / error[row, low])
    relative = (observed - expected) / expected if expected else float("nan")
    columns = slice(int(bins.first[episode.first]), int(bins.last[episode.last]) + 1)
    start = utc(readings.times[columns.start])
    reason = (
        f"The usual rise and fall of the day is missing since {start:%Y-%m-%d %H:%M} UTC: "
        f"readings follow {max(0.0, float(slope[row, low])):.0%} of the expected rhythm; at the peak of "
        f"{utc(bins.times[top]):%H:%M} {number(observed)} where {number(expected)} is normal ({percent(relative)})."
    )
    return Event(
        rule="pattern",
        start=start,
        end=utc(bins.times[episode.last]),
        confirmed_at=utc(bins.times[episode.confirmed]),
        duration_s=duration_s,
        direction="below",
        severity=severity_of(deviation, duration_s, episode.last - episode.first + 1),
        peak_at=utc(bins.times[top]),
        observed=observed,
        expected=expected,
        deviation=deviation,
        relative_deviation=relative,
        excess=float(np.nansum(readings.values[row, columns] - readings.expected[row, columns])),
        detection_method=f"rhythm: slope < {settings.slope:g} and {settings.noise:g} usual errors",
        reason=reason,
        is_open=episode.last == bins.times.size - 1,
        details={"kind": "missing rhythm", "slope": float(slope[row, low]), "repeats": episode.repeats},
    )


# --- flat lines and silence -------------------------------------------------------------------


def flat_lines(readings: Residuals, settings: PatternSettings) -> Iterator[tuple[int, Event]]:
    """Runs of equal readings much longer than usual."""
    seconds = readings.clock.seconds
    for row in range(readings.values.shape[0]):
        known = np.flatnonzero(np.isfinite(readings.values[row]))
        values = readings.values[row, known]
        same = np.flatnonzero(values[1:] == values[:-1])  # equal to the reading after it
        if same.size < settings.least_readings:
            continue
        first = np.flatnonzero(np.r_[True, np.diff(same) != 1])
        last = np.r_[first[1:], same.size] - 1
        starts, ends = known[same[first]], known[same[last] + 1]
        enough = same[last] - same[first] + 2 >= settings.least_readings
        for i, least_s, usual_s in _outlasting(seconds[starts], seconds[ends], seconds[0], settings):
            if enough[i]:
                sure = int(np.searchsorted(seconds, seconds[starts[i]] + least_s))
                columns = int(starts[i]), min(sure, int(ends[i])), int(ends[i])
                event = _quiet_event(readings, row, columns, usual_s, settings)
                if event is not None:
                    yield row, event


def silences(
    readings: Residuals, settings: PatternSettings, *, as_of: datetime | None = None
) -> Iterator[tuple[int, Event]]:
    """Times without a reading much longer than usual."""
    seconds = readings.clock.seconds
    now = -np.inf if as_of is None else float(as_times([as_of]).astype(np.int64)[0]) / 1e9
    for row in range(readings.values.shape[0]):
        known = np.flatnonzero(np.isfinite(readings.values[row]))
        if known.size < 2:
            continue
        since, until = seconds[known[:-1]], seconds[known[1:]]
        step = float(np.median(until - since))
        if now > until[-1]:
            since, until = np.r_[since, until[-1]], np.r_[until, now]
        patient = replace(settings, least_s=max(settings.least_s, settings.least_readings * step))
        for i, least_s, usual_s in _outlasting(since, until, seconds[0], patient):
            yield row, _silence_event(readings, row, int(known[i]), (float(until[i]), least_s, usual_s, step), settings)


def _outlasting(
    since: Floats, until: Floats, begin: float, settings: PatternSettings
) -> Iterator[tuple[int, float, float]]:
    """Stretches that last much longer than what happens about once a week, as index, least and usual length.

    Usual is the k-th longest before, k the weeks of history: one earlier failure does not excuse
    the next, a pause every night does; and so does a fifth of the history spent like this.
    """
    lasted = until - since
    longest: list[float] = []  # earlier ones that could matter, ascending
    for i in np.flatnonzero(lasted > settings.least_s / settings.longer).tolist():
        history_s = since[i] - begin
        rank = max(1, math.ceil(history_s / (7 * DAY_S)))
        usual_s = longest[-rank] if len(longest) >= rank else 0.0
        spent = np.cumsum(longest[::-1]) >= HABIT_SHARE * history_s
        if spent.any():
            usual_s = max(usual_s, longest[-1 - int(spent.argmax())])
        least_s = max(settings.least_s, settings.longer * usual_s)
        if history_s >= settings.learn_days * DAY_S and lasted[i] >= least_s:
            yield i, least_s, usual_s
        bisect.insort(longest, float(lasted[i]))


def _quiet_event(
    readings: Residuals, row: int, columns: tuple[int, int, int], usual_s: float, settings: PatternSettings
) -> Event | None:
    start, sure, end = columns
    observed = float(readings.values[row, end])
    residual = observed - readings.expected[row, start : end + 1]
    until_sure = residual[: sure + 1 - start]
    if not np.isfinite(until_sure).any():
        return None
    worst = start + int(np.nanargmax(np.abs(until_sure)))
    expected, scale = float(readings.expected[row, worst]), float(readings.scale[row, worst])
    gap = observed - expected
    duration_s = float(readings.clock.seconds[end] - readings.clock.seconds[start])
    deviation = gap / scale if scale > 0 else 0.0
    return Event(
        rule="pattern",
        start=utc(readings.times[start]),
        end=utc(readings.times[end]),
        confirmed_at=utc(readings.times[sure]),
        duration_s=duration_s,
        direction="above" if gap > 0 else "below",
        severity=severity_of(max(abs(deviation), settings.longer), duration_s),
        peak_at=utc(readings.times[worst]),
        observed=observed,
        expected=expected,
        deviation=deviation,
        relative_deviation=gap / expected if expected else float("nan"),
        excess=float(np.nansum(residual)),
        detection_method=f"flat line: {settings.longer:g} times the usual longest",
        reason=(
            f"The same value, {number(observed)}, for {span(duration_s)} since "
            f"{utc(readings.times[start]):%Y-%m-%d %H:%M} UTC; {_usually(usual_s)}."
        ),
        is_open=end == readings.times.size - 1,
        details={"kind": "flat line", "usual_s": usual_s},
    )


def _usually(usual_s: float) -> str:
    return f"such a stretch usually lasts {span(usual_s)} at most" if usual_s else "nothing like it happened before"


def _silence_event(
    readings: Residuals, row: int, column: int, lengths: tuple[float, float, float, float], settings: PatternSettings
) -> Event:
    until, least_s, usual_s, step = lengths
    begun, begun_s = readings.times[column], float(readings.clock.seconds[column])
    duration_s = until - begun_s
    return Event(
        rule="pattern",
        start=utc(begun),
        end=utc(np.int64(until * 1e9)),
        confirmed_at=utc(np.int64((begun_s + least_s) * 1e9)),
        duration_s=duration_s,
        direction="below",
        severity=severity_of(STALE_SIZE, duration_s),
        peak_at=utc(begun),
        observed=math.nan,
        expected=float(readings.expected[row, column]),
        deviation=math.nan,
        relative_deviation=math.nan,
        excess=0.0,
        detection_method=f"stale feed: {settings.longer:g} times the usual longest silence",
        reason=(
            f"No reading for {span(duration_s)} since {utc(begun):%Y-%m-%d %H:%M} UTC; one usually comes every "
            f"{span(step)}, {_usually(usual_s)}."
        ),
        is_open=until > readings.clock.seconds[-1],
        details={"kind": "stale feed", "usual_step_s": step, "usual_s": usual_s},
    )
