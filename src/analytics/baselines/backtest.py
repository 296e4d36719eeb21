"""How each algorithm would have done on the reader's own series, and which to use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from analytics.baselines.clock import DAY_S, Floats, Ints
from analytics.baselines.grid import Grid, checked, holiday_numbers, mask_of, to_grid
from analytics.baselines.model import DEFAULT_COVERAGE, Bands
from analytics.baselines.registry import ALGORITHMS, entry_of
from analytics.baselines.skill import mase, winkler
from analytics.errors import InputError, InsufficientHistory

if TYPE_CHECKING:
    import pandas as pd

YARDSTICK = "seasonal_naive"
DEFAULT = "profile"
CLEARLY = 0.05  # another algorithm is chosen when its score is lower by this much: less is chance
GOLDEN = 0.6180339887  # origins spread over the times of day, the same every time
FEWEST = 3


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    Attributes:
        scores: one row an algorithm and origin: algorithm, origin, mase, mae, winkler, coverage, width.
        summary: one row an algorithm, best first: mase, relative_winkler (to the seasonal naive),
            coverage, relative_width, origins.
        best: the algorithm to use; the default unless another is better by five per cent.
        forecasts: the last origin: time, observed, algorithm, expected, lower, upper.
        coverage: what every band claimed.
        warnings: plain sentences, for example why an algorithm is missing.
    """

    scores: pd.DataFrame
    summary: pd.DataFrame
    best: str
    forecasts: pd.DataFrame
    coverage: float
    warnings: tuple[str, ...]


def backtest(
    times: ArrayLike,
    values: ArrayLike,
    *,
    algorithms: Sequence[str] | None = None,
    horizon: int | None = None,
    origins: int = 8,
    window_days: float = 28.0,
    timezone: str = "UTC",
    coverage: float = DEFAULT_COVERAGE,
    masked: Any = None,
    holidays: Iterable[Any] = (),
    step_s: float | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> Backtest:
    """Forecast from past points of a series as if the rest were not known, and score it.

    Args:
        times, values: one series, shape (n,), as for `rolling`.
        algorithms: names; None: all but Prophet, which takes seconds a fit.
        horizon: steps ahead; None: one day (a week for daily metrics).
        origins: points the forecasts start from, spread over what lies behind the first window.
        window_days: history each forecast may use.
        coverage: asked of every algorithm, so that bands compare.
        masked: neither learned from nor scored.
        parameters: own parameters by algorithm.
    Raises:
        InputError: an unknown algorithm or parameter, less than one origin or step.
        InsufficientHistory: the series is not longer than window and horizon.
    """
    import pandas as pd

    names = list(algorithms) if algorithms is not None else [name for name in ALGORITHMS if name != "prophet"]
    asked = [*names, *([YARDSTICK] if YARDSTICK not in names else [])]
    entries = {name: (entry_of(name), dict((parameters or {}).get(name, {}))) for name in asked}
    at, y, order = checked(times, np.asarray(values, dtype=float).reshape(1, -1))
    grid = to_grid(at, np.where(mask_of(at, masked, order), np.nan, y), step_s=step_s)
    steps = horizon if horizon is not None else (grid.per_day if grid.per_day > 1 else 7)
    if origins < 1 or steps < 1:
        raise InputError(f"origins {origins} and horizon {steps}: expected at least 1")
    held = max(1, round(window_days * DAY_S / grid.step_s))
    starts = origins_of(grid.times.size, held, steps, origins)
    rows, last, said = [], [], []
    for name in asked:
        entry, given = entries[name]
        own = entry.parameters(given)
        try:
            for start in starts:
                window = grid.window(start - held, start, timezone, holiday_numbers(holidays))
                if np.isfinite(window.values).sum() < FEWEST:
                    raise InsufficientHistory(f"no history before {grid.times[start]}")
                bands = entry.fit(window, coverage=coverage, **own).predict(grid.times[start : start + steps])
                rows.append(
                    {"algorithm": name, "origin": grid.times[start], **_scored(grid, start, held, bands, coverage)}
                )
        except InsufficientHistory as exc:
            rows = [row for row in rows if row["algorithm"] != name]
            said.append(f"{name}: {exc}")
            continue
        last.append(_last(grid, int(starts[-1]), name, bands))
    if not rows:
        raise InsufficientHistory("; ".join(said))
    scores = pd.DataFrame(rows)
    summary = _summary(scores, names)
    return Backtest(scores, summary, chosen(summary), pd.concat(last, ignore_index=True), coverage, tuple(said))


def origins_of(n: int, held: int, steps: int, count: int) -> Ints:
    """Where forecasts start: spread evenly, moved by golden fractions so that times of day differ.

    Raises:
        InsufficientHistory: no room for a single one.
    """
    room = n - steps - held
    if room < 0:
        raise InsufficientHistory(f"a backtest needs {held} steps of history and {steps} ahead, got {n}")
    k = np.arange(min(count, room + 1))
    return np.unique(held + ((k + k * GOLDEN % 1.0) / k.size * room).astype(np.int64))


def _scored(grid: Grid, start: int, held: int, bands: Bands, coverage: float) -> dict[str, float]:
    steps = bands.expected.shape[1]
    seen = grid.values[0, start : start + steps]
    expected, lower, upper = bands.expected[0], bands.lower[0], bands.upper[0]
    known = np.isfinite(seen)
    inside = (seen >= lower) & (seen <= upper)
    season = grid.per_day if grid.per_day > 1 else 7
    return {
        "mase": mase(seen, expected, grid.values[0, start - held : start], season),
        "mae": _mean(np.abs(seen - expected)[known]),
        "winkler": _mean(winkler(seen, lower, upper, coverage)[known]),
        "coverage": _mean(inside[known].astype(float)),
        "width": _mean((upper - lower)[known]),
    }


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _last(grid: Grid, start: int, name: str, bands: Bands) -> pd.DataFrame:
    import pandas as pd

    span = slice(start, start + bands.expected.shape[1])
    return pd.DataFrame(
        {
            "time": grid.times[span],
            "observed": grid.values[0, span],
            "algorithm": name,
            "expected": bands.expected[0],
            "lower": bands.lower[0],
            "upper": bands.upper[0],
        }
    )


def _summary(scores: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """One row an algorithm asked for, best first; Winkler and width relative to the yardstick's."""
    mean = scores.groupby("algorithm").agg(
        mase=("mase", "mean"),
        winkler=("winkler", "mean"),
        coverage=("coverage", "mean"),
        width=("width", "mean"),
        origins=("origin", "size"),
    )
    naive = mean.loc[YARDSTICK] if YARDSTICK in mean.index else mean.iloc[0] * np.nan
    out = mean.assign(
        relative_winkler=mean["winkler"] / naive["winkler"], relative_width=mean["width"] / naive["width"]
    )
    out = out.loc[[name for name in names if name in out.index]].sort_values("winkler", kind="stable")
    columns = ["algorithm", "mase", "relative_winkler", "coverage", "relative_width", "winkler", "origins"]
    return out.reset_index()[columns]


def chosen(summary: pd.DataFrame) -> str:
    """The algorithm to use: the lowest interval score, but the default where that is not clearly lower."""
    scored = summary.dropna(subset=["winkler"]).set_index("algorithm")["winkler"]
    if scored.empty:
        return DEFAULT
    best = str(scored.idxmin())
    if DEFAULT in scored.index and scored[best] > (1 - CLEARLY) * scored[DEFAULT]:
        return DEFAULT
    return best
