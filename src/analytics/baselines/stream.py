"""One series point by point: each new observation is judged, then learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.baselines.clock import DAY_S, NS_PER_S, Floats, Times, as_times
from analytics.baselines.grid import days_needed, holiday_numbers, known_days, per_day, snapped
from analytics.baselines.model import ARRAYS, Model, Window, all_or_nothing
from analytics.baselines.registry import entry_of
from analytics.errors import InsufficientHistory

FEWEST = 3


@dataclass(frozen=True)
class Verdict:
    """What was to be expected of one observation; NaN before there is enough history."""

    expected: float
    lower: float
    upper: float
    residual_scale: float
    sample_size: int


UNKNOWN = Verdict(np.nan, np.nan, np.nan, np.nan, 0)


class Stream:
    """A rolling baseline fed one observation at a time.

    Each `update` costs the same however long the series is: one fit of the window every
    `refit_days`, one look at the current block whenever the level moves. The verdicts are those of
    `rolling` on the same observations with the same `step_s`, to rounding.

    Args:
        step_s: seconds between readings; the first reading sets where the grid lies.
        algorithm, window_days, timezone, refit_days, min_history_days, coverage, holidays, parameters: as `rolling`.

    >>> at = np.datetime64("2026-03-02", "ns") + np.arange(10 * 24) * np.timedelta64(1, "h")
    >>> stream = Stream(step_s=3600)
    >>> verdicts = [stream.update(t, 100 + k % 24) for k, t in enumerate(at)]
    >>> verdicts[0].sample_size, round(verdicts[-1].expected)
    (0, 123)
    """

    def __init__(
        self,
        *,
        step_s: float,
        algorithm: str = "profile",
        window_days: float = 30.0,
        timezone: str = "UTC",
        refit_days: float = 1.0,
        min_history_days: float = 7.0,
        coverage: float | None = None,
        holidays: Any = (),
        **parameters: Any,
    ) -> None:
        entry = entry_of(algorithm)
        self._fit, self._own = entry.fit, entry.parameters(parameters)
        self._coverage = entry.coverage if coverage is None else coverage
        self._step_s, self._timezone, self._holidays = snapped(step_s), timezone, holiday_numbers(holidays)
        self._size = max(1, round(window_days * DAY_S / self._step_s))
        self._block = max(1, round(refit_days * per_day(self._step_s)))
        self._least = max(FEWEST, round(min_history_days * DAY_S / self._step_s))
        self._needed = days_needed(min_history_days, self._step_s)
        self._origin = 0
        self._oldest = 0  # cell of the first value held
        self._seen = -1
        self._held = np.full(self._size + 2 * self._block, np.nan)
        self._model: Model | None = None
        self._start = -1
        self._answer: dict[str, Any] = {}
        self._until = -1

    def update(self, time: Any, value: float, *, masked: bool = False) -> Verdict:
        """Judge one observation by those before it, then keep it unless it is masked.

        A late one (earlier than one seen before) gets no verdict; it is put in its place and
        counts from the next one on.
        """
        instant = int(as_times([time]).astype(np.int64)[0])
        if self._seen < 0:
            self._origin = instant
        cell = int(np.rint((instant - self._origin) / (self._step_s * NS_PER_S)))
        late = cell < self._seen
        verdict = UNKNOWN if late else self._judge(cell)
        self._keep(cell, np.nan if masked else value)
        if late:
            self._until = -1
        self._seen = max(self._seen, cell)
        return verdict

    def _judge(self, cell: int) -> Verdict:
        if cell < self._least:
            return UNKNOWN
        start = self._least + (cell - self._least) // self._block * self._block
        if start != self._start:
            self._refit(start)
        if self._model is None:
            return UNKNOWN
        if cell >= self._until:
            self._look(self._model, cell)
        expected, lower, upper, scale, size = (self._answer[name][0, cell - self._start] for name in ARRAYS)
        return Verdict(float(expected), float(lower), float(upper), float(scale), int(size))

    def _refit(self, start: int) -> None:
        first = max(0, start - self._size)
        self._start, self._until, self._model = start, -1, None
        values = self._values(first, start)
        if np.isfinite(values).sum() < FEWEST or known_days(values[None, :], self._step_s)[0] < self._needed:
            return
        window = Window(self._times(first, start), values[None, :], self._step_s, self._timezone, self._holidays)
        try:
            self._model = self._fit(window, coverage=self._coverage, **self._own)
        except InsufficientHistory:
            return

    def _look(self, model: Model, cell: int) -> None:
        """Ask the model for the block up to the cell its answer stays true for."""
        stays = model.stays
        self._until = min(self._start + ((cell - self._start) // stays + 1) * stays, self._start + self._block)
        times, values = self._times(self._start, self._until), self._values(self._start, self._until)
        bands = all_or_nothing(model.follow(times, values[None, :]))
        self._answer = {name: getattr(bands, name) for name in ARRAYS}

    def _times(self, first: int, stop: int) -> Times:
        since = np.rint(np.arange(first, stop) * (self._step_s * NS_PER_S)).astype(np.int64)
        return np.asarray((self._origin + since).astype("datetime64[ns]"))

    def _values(self, first: int, stop: int) -> Floats:
        """Cells [first, stop); what is not held or not yet seen is NaN."""
        out = np.full(stop - first, np.nan)
        low, high = max(first, self._oldest), min(stop, self._oldest + self._held.size)
        if high > low:
            out[low - first : high - first] = self._held[low - self._oldest : high - self._oldest]
        return out

    def _keep(self, cell: int, value: float) -> None:
        at = cell - self._oldest
        if at >= self._held.size:
            oldest = cell - self._size - self._block
            self._held = self._values(oldest, oldest + self._held.size)
            self._oldest = oldest
            at = cell - oldest
        if at >= 0:
            self._held[at] = value
