"""What the reader of a baseline should know about the history it was learned from."""

from __future__ import annotations

import numpy as np

from analytics.baselines.clock import DAY_S
from analytics.baselines.model import Window

SHORT_DAYS = 14.0  # two of each weekday
MISSING_SHARE = 0.1
ZERO_SHARE = 0.5
YEAR_DAYS = 730.0


def warnings_of(window: Window) -> tuple[str, ...]:
    """Plain sentences about one window; empty when there is nothing to say."""
    y = window.values
    if y.size == 0:
        return ("no history",)
    known = np.isfinite(y)
    days = y.shape[1] * window.step_s / DAY_S
    said = []
    if days < SHORT_DAYS:
        said.append(f"{days:.1f} days of history: days of the week are not told apart")
    elif days < YEAR_DAYS:
        said.append(f"{days:.0f} days of history: enough for the day of the week, not for day of the month or year")
    missing = 1 - known.mean()
    if missing > MISSING_SHARE:
        said.append(f"{100 * missing:.0f} % of the expected readings are missing or masked")
    with np.errstate(invalid="ignore"):
        zero = float((y == 0).sum() / max(known.sum(), 1))
    top, bottom = np.where(known, y, -np.inf).max(axis=1), np.where(known, y, np.inf).min(axis=1)
    if np.any(top == bottom):
        said.append("every value is the same: the band has no width to judge by")
    elif zero > ZERO_SHARE:
        said.append(f"{100 * zero:.0f} % of the values are zero: the band rests on the few that are not")
    return tuple(said)
