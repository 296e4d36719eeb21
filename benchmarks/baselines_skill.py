"""Bands 24 hours and one step ahead on series of a folder: interval score against the daily seasonal naive.

    python benchmarks/baselines_skill.py FOLDER [--origins 24] [--algorithms profile ewma]

FOLDER holds CSV files with a time and a value column. Each algorithm forecasts from the same
origins with 28 days of history. `textbook` is one-sided seasonal_decompose + EWMA 0.3 + two
standard deviations, written here from its description. Without FOLDER, six made series are used.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from statsmodels.tsa.seasonal import seasonal_decompose

from analytics.baselines import ALGORITHMS, fit
from analytics.baselines.backtest import origins_of
from analytics.baselines.skill import winkler

Band = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
DAYS = 28


def made() -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    out = {}
    at = np.datetime64("2026-03-02", "ns") + np.arange(55 * 288) * np.timedelta64(5, "m")
    for seed in range(6):
        rng = np.random.default_rng(seed)
        day = 2 * np.pi * np.arange(at.size) / 288
        drift = np.exp(np.cumsum(rng.normal(0, 0.002, at.size)))
        mean = 40 * (1 + 0.6 * np.sin(day)) * drift
        out[f"made_{seed}"] = (at, rng.negative_binomial(4, 4 / (4 + mean)).astype(float), 288)
    return out


def loaded(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    out = {}
    for path in sorted(folder.glob("*.csv")):
        frame = pd.read_csv(path)
        at = pd.to_datetime(frame.iloc[:, 0]).to_numpy(dtype="datetime64[ns]")
        step_s = float(np.median(np.diff(at[:200]).astype("timedelta64[s]").astype(float)))
        out[path.stem] = (at, frame.iloc[:, 1].to_numpy(float), round(86400 / step_s))
    return out


def naive(at: np.ndarray, y: np.ndarray, ahead: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # noqa: ARG001 - one signature for all
    middle = np.tile(y[-m:], ahead // m + 1)[:ahead]
    low, high = np.quantile(y[m:] - y[:-m], [0.025, 0.975])
    return middle, middle + low, middle + high


def textbook(at: np.ndarray, y: np.ndarray, ahead: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # noqa: ARG001 - one signature for all
    m = y.size // DAYS
    found = seasonal_decompose(y, period=m, two_sided=False)
    level = pd.Series(found.trend).dropna().ewm(alpha=0.3, adjust=False).mean().iloc[-1]
    middle = level + np.tile(found.seasonal[-m:], ahead // m + 1)[:ahead]
    spread = 2 * np.nanstd(found.resid)
    return middle, middle - spread, middle + spread


def own(name: str) -> Band:
    def band(at: np.ndarray, y: np.ndarray, ahead: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = fit(name, at, y, window_days=DAYS, coverage=0.95).predict(
            at[-1] + (at[1] - at[0]) * np.arange(1, ahead + 1)
        )
        return found.expected, found.lower, found.upper

    return band


def score(band: Band, at: np.ndarray, y: np.ndarray, m: int, ahead: int, count: int) -> tuple[float, float]:
    """Interval score relative to the naive one's, and coverage."""
    mine, theirs, inside = [], [], []
    for start in origins_of(y.size, DAYS * m, ahead, count):
        past = slice(start - DAYS * m, start)
        seen = y[start : start + ahead]
        _, low, high = band(at[past], y[past], ahead)
        _, naive_low, naive_high = naive(at[past], y[past], ahead, m)
        mine.append(winkler(seen, low, high).mean())
        theirs.append(winkler(seen, naive_low, naive_high).mean())
        inside.append(((seen >= low) & (seen <= high)).mean())
    return float(np.sum(mine) / np.sum(theirs)), float(np.mean(inside))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--origins", type=int, default=24)
    parser.add_argument("--algorithms", nargs="*", default=["profile", "ewma"], choices=list(ALGORITHMS))
    a = parser.parse_args()
    data = loaded(a.folder) if a.folder else made()
    bands: dict[str, Band] = {**{name: own(name) for name in a.algorithms}, "textbook": textbook}
    report: dict[str, dict[str, object]] = {}
    for name, band in bands.items():
        for task, one in (("day", False), ("step", True)):
            found = {
                key: score(band, at, y, m, 1 if one else m, a.origins * (5 if one else 1))
                for key, (at, y, m) in data.items()
            }
            relative = float(np.exp(np.mean([np.log(row[0]) for row in found.values()])))
            coverage = float(np.mean([row[1] for row in found.values()]))
            report.setdefault(name, {})[task] = {"relative_winkler": round(relative, 3), "coverage": round(coverage, 3)}
            print(name, task, {key: tuple(round(x, 3) for x in row) for key, row in found.items()}, flush=True)
    print(json.dumps({"series": len(data), "origins": a.origins, **report}))


if __name__ == "__main__":
    main()
