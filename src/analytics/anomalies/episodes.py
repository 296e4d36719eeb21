"""From readings beyond a level to episodes: hysteresis, least duration, merging, cooldown.

Works on a matrix, one row a series, all series on the same times; a missing reading is NaN. All
times are real: five-minute, hourly and daily series and irregular polls need no other setting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.anomalies.events import Floats, Ints, Times

STEPS_FOR_TYPICAL = 101
ALIKE = 0.8  # an episode of at least this share of the size was one like it
WEEK_S = 7 * 86400.0
GAP_STEPS = 3.0  # readings further apart than this many typical steps are not one run


@dataclass(frozen=True)
class Clock:
    """The times of the readings in seconds, and what each reading stands for.

    Attributes:
        seconds: shape (n,), seconds since 1970.
        cover_s: shape (n,), time since the reading before, at most two typical steps: what
            lies in a gap is unknown and counts as no duration.
        step_s: shape (n,), typical step so far (running median of the last 101).
    """

    seconds: Floats
    cover_s: Floats
    step_s: Floats

    @classmethod
    def of(cls, times: Times) -> Clock:
        """Clock of ascending times; the first reading gets the first step."""
        seconds = np.asarray(times, dtype="datetime64[ns]").astype(np.int64) / 1e9
        if seconds.size < 2:
            return cls(seconds, np.zeros(seconds.size), np.ones(seconds.size))
        steps = np.diff(seconds)
        typical = _running_median(steps)
        cover = np.minimum(steps, 2 * typical)
        return cls(seconds, np.r_[cover[0], cover], np.r_[typical[0], typical])


def _running_median(steps: Floats) -> Floats:
    """Median of the last 101 steps, this one included; cheap where all steps are equal."""
    if steps.min() == steps.max():
        return steps.copy()
    import pandas as pd

    return pd.Series(steps).rolling(STEPS_FOR_TYPICAL, min_periods=1).median().to_numpy(dtype=float)


@dataclass(frozen=True)
class Levels:
    """When an episode starts, holds on and is over.

    An episode is a run of readings beyond `exit`, at least one of them beyond `enter`, that covers
    more than `min_duration_s`. The first reading of a run has no witness and must lie `lone` times
    further out to enter: an hourly metric would otherwise alarm on one reading in 400.

    Runs at most `merge_s` apart are one episode; one that starts less than `cooldown_s` after the
    last has ended is counted as its repeat unless it peaks `escalation` times higher.

    What a series does every week is its habit, not news: an episode is told only while fewer than
    `per_week` episodes a week of its history (at least one) were `ALIKE` or larger.
    """

    enter: float = 3.0
    exit: float = 2.0
    lone: float = 1.5
    min_duration_s: float = 900.0
    merge_s: float = 3600.0
    cooldown_s: float = 86400.0
    escalation: float = 1.5
    per_week: float = 1.0


@dataclass(frozen=True)
class Episode:
    """Row of the matrix, columns of the first, confirming and last reading, and later repeats."""

    series: int
    first: int
    confirmed: int
    last: int
    peak: int
    repeats: int = 0


def find_episodes(size: Floats, clock: Clock, levels: Levels) -> list[Episode]:
    """Episodes in which `size` is high, ordered by series and time.

    Args:
        size: shape (m, n), how far each reading lies in the direction looked for; NaN: missing.
        clock: of the n times.
        levels: thresholds in the unit of `size`.

    The verdict at a reading depends on it and earlier ones only: cutting the series after an
    episode's confirmation keeps its start and its confirmation.
    """
    n = size.shape[1]
    flat = size.ravel()
    hits = np.flatnonzero(flat > levels.exit)
    if not hits.size:
        return []
    first, last = _runs(flat, hits, n, clock)
    confirmed = _confirmed(flat[hits], clock.cover_s[hits % n], first, last, levels)
    kept = np.flatnonzero(confirmed >= 0)
    peaks = _peaks(flat[hits], first, last)
    runs = np.stack([hits[first], hits[confirmed], hits[last], hits[peaks]])[:, kept]
    return _thin(runs, flat, n, clock, levels)


def _runs(flat: Floats, hits: Ints, n: int, clock: Clock) -> tuple[Ints, Ints]:
    """Positions in `hits` where each run starts and ends; missing readings do not end a run."""
    finite = np.isfinite(flat)
    rank = hits if finite.all() else np.cumsum(finite)[hits]
    column = hits % n
    apart = np.diff(clock.seconds[column]) > GAP_STEPS * clock.step_s[column[1:]]
    new = (np.diff(rank) != 1) | (np.diff(hits // n) != 0) | apart
    starts = np.flatnonzero(np.r_[True, new])
    return starts, np.r_[starts[1:], hits.size] - 1


def _confirmed(size: Floats, cover: Floats, first: Ints, last: Ints, levels: Levels) -> Ints:
    """Position at which each run has both entered and lasted; -1 for a run that never does."""
    beyond = size.size
    position = np.arange(beyond)
    total = np.cumsum(cover)
    lasted = total - np.repeat(total[first] - cover[first], last - first + 1) > levels.min_duration_s
    level = np.full(beyond, float(levels.enter))
    level[first] *= levels.lone
    entered = np.minimum.reduceat(np.where(size > level, position, beyond), first)
    long_enough = np.minimum.reduceat(np.where(lasted, position, beyond), first)
    both = np.maximum(entered, long_enough)
    return np.where(both <= last, both, -1)


def _peaks(size: Floats, first: Ints, last: Ints) -> Ints:
    """Position of the largest size of each run, the earliest of equals."""
    top = np.repeat(np.maximum.reduceat(size, first), last - first + 1)
    at = np.where(size == top, np.arange(size.size), size.size)
    return np.minimum.reduceat(at, first)


def _thin(runs: Ints, flat: Floats, n: int, clock: Clock, levels: Levels) -> list[Episode]:
    """Merge neighbouring runs, drop repeats within the cooldown and what the series does every week."""
    episodes: list[Episode] = []
    earlier: list[float] = []
    series_before = -1
    for start, sure, stop, top in runs.T.tolist():
        series, begin = divmod(start, n)
        if series != series_before:
            series_before, earlier, before = series, [], None
        size = float(flat[top])
        run = Episode(series, begin, sure % n, stop % n, top % n)
        quiet_s = np.inf if before is None else clock.seconds[begin] - clock.seconds[before.last]
        if before is not None and quiet_s <= levels.merge_s:
            peak = run.peak if size > flat[series * n + before.peak] else before.peak
            before = episodes[-1] = replace(before, last=run.last, peak=peak)
            continue
        alike = sum(peak >= ALIKE * size for peak in earlier)
        earlier.append(size)
        echo = quiet_s < levels.cooldown_s
        if before is not None and echo and size <= levels.escalation * flat[series * n + before.peak]:
            before = episodes[-1] = replace(before, repeats=before.repeats + 1)
            continue
        if alike >= max(1.0, levels.per_week * (clock.seconds[run.confirmed] - clock.seconds[0]) / WEEK_S):
            continue
        before = run
        episodes.append(run)
    return episodes
