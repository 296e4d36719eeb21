"""What the coming weeks will bring: a total with its interval, by the model that did best on the series' own past.

Daily amounts in, one number with bounds out. Each model is tried on past dates as if what followed were not known; its
errors there, not its own opinion of itself, make the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analytics.baselines.clock import Floats, as_times
from analytics.baselines.robust import MAD_TO_SIGMA, median
from analytics.errors import InputError, InsufficientHistory

LEARN_DAYS = 28  # history every trial has
LONGEST_DAYS = 400
STEP_DAYS = 7  # between two trials
TRIALS = 12
FEWEST_TRIALS = 3
SHORTEST_TRIAL_DAYS = 7
KNOWN_SHARE = 0.8  # of a trial's days, or it says nothing
AROUND = 3  # days on either side that a day is held against
FAR = 9.0  # robust deviations beyond which a lone day is no usual one, as in the baseline
CLEARLY = 0.05  # another model is chosen when its error is lower by this much: less is chance
YARDSTICK, DEFAULT = "last week again", "weekday means"

Model = Callable[[Floats, int], Floats]  # daily values up to a day, and how many days ahead


@dataclass(frozen=True)
class Outlook:
    """A forecast of the amount of the coming days.

    Attributes:
        per_day: mean amount a day, in the metric's unit.
        lower, upper: bounds of that mean; they hold `coverage` of such means if the future errs as the trials did.
        model: the one used.
        skill_ratio: 1 less its root mean squared error over that of repeating the last week; above 0 is better.
        trials: past forecasts it was measured on, each over `trial_days`.
    """

    per_day: float
    lower: float
    upper: float
    coverage: float
    model: str
    skill_ratio: float
    trials: int
    trial_days: int


def outlook(values: ArrayLike, horizon: int, *, coverage: float = 0.8, models: Sequence[str] | None = None) -> Outlook:
    r"""Forecast the mean of the next `horizon` days.

    With errors $e_1 \ldots e_k$ of the mean a day in past trials, the bounds lie $t_{\nu}\sqrt{\tfrac1k\sum e_i^2\,(1 +
    1/k)}$ away, with as many degrees of freedom as trials would fit side by side. Trials shorter than `horizon` err
    more than it will: the interval is then wide rather than narrow. Lone days far from those around them, as a purge or
    a viral post makes, are taken at the median of those: the outlook is what comes if no such day does.

    Args:
        values: daily amounts, shape (n,), NaN for unknown, the last one the day before the first forecast.
        horizon: days to foresee.
        coverage: share of such means the interval is to hold.
        models: names in `MODELS`; None: all but Prophet, which takes longer.
    Raises:
        InputError: an unknown model or a horizon below one day.
        InsufficientHistory: fewer than three trials fit into the known days.

    >>> week = np.array([100.0, 110, 120, 110, 100, 50, 40])
    >>> seen = outlook(np.tile(week, 12), 28)
    >>> round(seen.per_day), seen.model, seen.lower == seen.upper
    (90, 'weekday means', True)
    """
    days = np.asarray(values, dtype=float)[-LONGEST_DAYS:]
    known = np.flatnonzero(np.isfinite(days))
    if horizon < 1:
        raise InputError(f"horizon {horizon}: expected at least one day")
    days = days[known[0] :] if known.size else days[:0]
    names = list(dict.fromkeys([YARDSTICK, DEFAULT, *(models if models is not None else FAST)]))
    for name in names:
        if name not in MODELS:
            raise InputError(f"model {name!r}: expected one of {', '.join(MODELS)}")
    starts, length = _trials(days, horizon)
    usual = without_lone(days)
    errors = {name: _errors(MODELS[name], days, usual, starts, length) for name in names}
    rmse = {name: float(np.sqrt(np.mean(found**2))) for name, found in errors.items()}
    best = min(rmse, key=rmse.__getitem__)
    if not rmse[best] < (1 - CLEARLY) * rmse[DEFAULT]:
        best = DEFAULT
    mean = float(np.mean(MODELS[best](usual, horizon)))
    k = len(starts)
    freedom = max(1, round(k * STEP_DAYS / length)) + 1
    half = float(_quantile(coverage, freedom) * rmse[best] * np.sqrt(1 + 1 / k))
    skill = 1 - rmse[best] / rmse[YARDSTICK] if rmse[YARDSTICK] > 0 else 0.0
    return Outlook(mean, mean - half, mean + half, coverage, best, skill, k, length)


def _trials(days: Floats, horizon: int) -> tuple[list[int], int]:
    """Where past forecasts start, the newest first, and how far they look: as far as asked if enough of them fit."""
    room = days.size - LEARN_DAYS
    length = int(min(horizon, max(SHORTEST_TRIAL_DAYS, room - STEP_DAYS * (FEWEST_TRIALS + 1))))
    starts = [
        start
        for start in range(days.size - length, LEARN_DAYS - 1, -STEP_DAYS)
        if np.isfinite(days[start : start + length]).mean() >= KNOWN_SHARE
        and np.isfinite(days[start - LEARN_DAYS : start]).mean() >= KNOWN_SHARE
    ][:TRIALS]
    if len(starts) < FEWEST_TRIALS:
        need = LEARN_DAYS + SHORTEST_TRIAL_DAYS + STEP_DAYS * (FEWEST_TRIALS - 1)
        raise InsufficientHistory(f"outlook: {len(starts)} trials fit into {days.size} days; about {need} full days do")
    return starts, length


def _errors(model: Model, days: Floats, usual: Floats, starts: Sequence[int], length: int) -> Floats:
    """What was seen less what was foretold from what was known then, a mean a day."""
    found = []
    for start in starts:
        seen = usual[start : start + length]
        known = np.isfinite(seen)
        found.append(seen[known].mean() - model(without_lone(days[:start]), length)[known].mean())
    return np.array(found)


def without_lone(days: Floats) -> Floats:
    """Daily values with single days far from the median of those around them taken at that median; NaN stays.

    >>> without_lone(np.array([5.0, 6, 5, 7, 900, 6, 5, 7, 6, 5]))
    array([5., 6., 5., 7., 6., 6., 5., 7., 6., 5.])
    """
    padded = np.pad(days, AROUND, constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1)
    middle = median(near)
    apart = np.abs(days - middle)
    far = FAR * MAD_TO_SIGMA * median(apart[None, :])[0]
    with np.errstate(invalid="ignore"):
        is_far = (far > 0) & (apart > far)
        lasts = is_far & (np.roll(is_far, 1) | np.roll(is_far, -1))  # two days are no lone one
    return np.where(is_far & ~lasts, middle, days)


def _quantile(coverage: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + coverage) / 2, freedom))


def last_week(days: Floats, horizon: int) -> Floats:
    """The last seven days over and over; a day without a reading is their mean."""
    week = np.array(days[-7:])
    week[np.isnan(week)] = np.nanmean(days[-28:])
    return np.resize(week, horizon)


def weekday_means(days: Floats, horizon: int) -> Floats:
    """The mean of the last four of each weekday."""
    four = np.array(days[-28:]).reshape(4, 7)
    counts = np.isfinite(four).sum(axis=0)
    week = np.where(counts > 0, np.nansum(four, axis=0) / np.maximum(counts, 1), np.nanmean(four))
    return np.resize(week, horizon)


def weekday_means_with_drift(days: Floats, horizon: int) -> Floats:
    """The same, moved by the median change from week to week, half of it: drifts seldom last."""
    weeks = np.array(days[days.size % 7 :]).reshape(-1, 7)[-9:]
    means = np.array([np.nanmean(week) if np.isfinite(week).any() else np.nan for week in weeks])
    steps = np.diff(means)
    steps = steps[np.isfinite(steps)]
    drift = float(np.median(steps)) / 7 if steps.size >= 3 else 0.0
    middle = 14.0  # days from the middle of the last four weeks to their end
    return weekday_means(days, horizon) + 0.5 * drift * (middle + np.arange(1, horizon + 1))


def prophet(days: Floats, horizon: int, *, seed: int = 0) -> Floats:
    """Prophet with its weekly season; seeded. The dates are arbitrary: only the weekday's turn matters."""
    from analytics.baselines.model import Window
    from analytics.baselines.prophet import fit_prophet

    times = as_times(np.datetime64("2024-01-01") + np.arange(days.size + horizon).astype("timedelta64[D]"))
    window = Window(times[: days.size], days[None, :], 86400.0, "UTC")
    expected: Floats = fit_prophet(window, seed=seed, samples=2).predict(times[days.size :]).expected[0]
    return expected


MODELS: dict[str, Model] = {
    YARDSTICK: last_week,
    DEFAULT: weekday_means,
    "weekday means with drift": weekday_means_with_drift,
    "prophet": prophet,
}
FAST = tuple(name for name in MODELS if name != "prophet")
