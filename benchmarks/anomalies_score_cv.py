"""The score on labelled series, its threshold chosen on other files than the ones it is scored on.

    python benchmarks/anomalies_score_cv.py FOLDER [--function analytics.anomalies:score] [--files]

FOLDER holds `<category>/<file>.csv` (columns `timestamp`, `value`) and `windows.json` (per file the first
and last timestamp of each labelled episode). Scoring is the Numenta benchmark's (Lavin and Ahmad 2015):
the first reading at or above the threshold in a window earns up to 1, more the earlier; each outside costs
up to 0.11 (0.22 in the profile `low_FP`), a missed window 1 (2 in `low_FN`); 0 is a detector that says
nothing, 100 a perfect one. Files and whole categories are left out in turn: their threshold is the one
that is best for the rest, and the sums of all turns make one figure. `--files` says where points are lost.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from analytics.anomalies import FLAG_LEVEL

PROFILES = {"standard": (1.0, 0.11), "low_FP": (1.0, 0.22), "low_FN": (2.0, 0.11)}  # cost of a miss, of a false row
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Labelled:
    """One file: readings, rows of its windows, what a flag at each row outside them costs (0 to 1)."""

    name: str
    times: np.ndarray
    values: np.ndarray
    windows: tuple[tuple[int, int], ...]

    @property
    def category(self) -> str:
        return self.name.split("/")[0]

    @property
    def probation(self) -> int:
        return int(min(0.15 * self.values.size, 750))


def load(folder: Path) -> list[Labelled]:
    series = []
    for name, spans in sorted(json.loads((folder / "windows.json").read_text()).items()):
        frame = pd.read_csv(folder / name, parse_dates=["timestamp"])
        at = frame["timestamp"].to_numpy("datetime64[ns]")
        rows = [tuple(int(np.flatnonzero(at == np.datetime64(t, "ns"))[0]) for t in span) for span in spans]
        series.append(Labelled(name, at, frame["value"].to_numpy(float), tuple(sorted(rows))))
    return series


def credit(position: np.ndarray) -> np.ndarray:
    """+1 at a window's start (position -1), 0 at its end, towards -1 after it."""
    return np.where(position > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, 3))) - 1)


def points(one: Labelled, score: np.ndarray, levels: np.ndarray, profile: str) -> np.ndarray:
    """Points of one file at each level (ascending), shape of `levels`."""
    miss, false = PROFILES[profile]
    row = np.arange(score.size)
    outside, cost = row >= one.probation, np.ones(score.size)
    total = np.zeros(levels.size)
    for first, last in one.windows:
        inside, width = slice(max(first, one.probation), last + 1), last - first + 1
        after = row > last
        cost[after] = -credit((row[after] - last) / (width - 1))
        outside[first : last + 1] = False
        if last < one.probation:
            continue
        earned = credit(-(last - row[inside] + 1) / width) / credit(np.array(-1.0))
        best = np.maximum.accumulate(score[inside])  # the first row at a level is the first where this reaches it
        at = np.searchsorted(best, levels)
        total += np.where(at < best.size, np.r_[earned, 0.0][at], -miss)
    flags, costs = score[outside], cost[outside]
    order = np.argsort(flags)
    beyond = np.r_[np.cumsum(costs[order][::-1])[::-1], 0.0]
    return np.asarray(total - false * beyond[np.searchsorted(flags[order], levels)])


def table(series: list[Labelled], scores: list[np.ndarray], profile: str) -> tuple[np.ndarray, np.ndarray]:
    """Levels and the points of every file at each, shape (files, levels)."""
    levels = np.unique(np.r_[np.concatenate(scores), FLAG_LEVEL, 1.01])
    return levels, np.stack([points(one, score, levels, profile) for one, score in zip(series, scores, strict=True)])


def normalised(total: float, series: list[Labelled], profile: str) -> float:
    miss = PROFILES[profile][0]
    windows = sum(len(one.windows) for one in series)
    least = -miss * sum(last >= one.probation for one in series for _, last in one.windows)
    return 100 * (total - least) / (windows - least) if windows else float("nan")


def left_out(per_file: np.ndarray, groups: list[str]) -> np.ndarray:
    """Points of every file at the level best for the files of other groups, shape (files,)."""
    result = np.empty(len(groups))
    for group in set(groups):
        mine = np.array([g == group for g in groups])
        result[mine] = per_file[mine, int(per_file[~mine].sum(axis=0).argmax())]
    return result


def evaluate(series: list[Labelled], scores: list[np.ndarray]) -> dict[str, dict[str, float]]:
    """Normalised scores by profile: threshold fitted to all, left out by file and by category, the product's own."""
    result = {}
    for profile in PROFILES:
        levels, per_file = table(series, scores, profile)
        best = int(per_file.sum(axis=0).argmax())
        columns = {
            "fitted": per_file[:, best],
            "file_left_out": left_out(per_file, [one.name for one in series]),
            "category_left_out": left_out(per_file, [one.category for one in series]),
            "product": per_file[:, int(np.searchsorted(levels, FLAG_LEVEL))],
        }
        result[profile] = {name: round(normalised(c.sum(), series, profile), 2) for name, c in columns.items()}
        result[profile]["fitted_level"] = round(float(levels[best]), 4)
        for category in sorted({one.category for one in series}):
            mine = [i for i, one in enumerate(series) if one.category == category]
            own = float(per_file[mine].sum(axis=0).max())
            result[profile][f"own_{category}"] = round(normalised(own, [series[i] for i in mine], profile), 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--function", default="analytics.anomalies:score", metavar="MODULE:NAME")
    parser.add_argument("--files", action="store_true")
    options = parser.parse_args()
    module, _, name = options.function.partition(":")
    function: Score = getattr(importlib.import_module(module), name)
    series = load(options.folder)
    scores = [np.asarray(function(one.times, one.values)) for one in series]
    result = evaluate(series, scores)
    for profile, row in result.items():
        print(profile.ljust(9), "  ".join(f"{k} {v:g}" for k, v in row.items()))
    if options.files:
        levels, per_file = table(series, scores, "standard")
        column = int(np.searchsorted(levels, result["standard"]["fitted_level"]))
        for one, score, lost in zip(series, scores, per_file[:, column], strict=True):
            flags = np.flatnonzero(score >= levels[column])
            found = [bool(((flags >= a) & (flags <= b)).any()) for a, b in one.windows]
            false = [f for f in flags if f >= one.probation and not any(a <= f <= b for a, b in one.windows)]
            print(f"{lost - len(one.windows):6.2f}  {one.name:52s} {sum(found)} of {len(found)}, {len(false)} false")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
