"""Time of day and day of the week as column numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.clock import Ints, Times, local_calendar
from analytics.baselines.grid import per_day
from analytics.baselines.model import Window

SUNDAY = 6


@dataclass(frozen=True)
class Phase:
    """Where each time stands in the day and in the week.

    Attributes:
        slot: shape (n,), 0 to per_day - 1.
        weekday: shape (n,), 0 Monday to 6 Sunday; a holiday counts as a Sunday.
        per_day: slots a day.
    """

    slot: Ints
    weekday: Ints
    per_day: int

    def in_season(self, days: int) -> Ints:
        """Slot within a season of one day or one week."""
        return self.slot if days == 1 else self.weekday * self.per_day + self.slot


def phase_of(window: Window, times: Times) -> Phase:
    """The phase of `times` in the calendar of `window`."""
    slots = per_day(window.step_s)
    calendar = local_calendar(times, window.timezone)
    weekday = calendar.weekday
    if window.holidays:
        weekday = np.where(np.isin(calendar.day, list(window.holidays)), SUNDAY, weekday)
    slot = np.zeros_like(weekday) if slots == 1 else (calendar.second / window.step_s).astype(np.int64) % slots
    return Phase(slot, weekday, slots)
