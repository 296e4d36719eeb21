"""Time of a 30-day, 5-minute baseline with its band, against the plain decomposition + EWMA in the same run.

    python benchmarks/baselines_speed.py [--rounds 30]

The peer is statsmodels' one-sided seasonal_decompose, an EWMA of its trend and two standard
deviations of its remainder: the textbook form of the specification's algorithm, with no calendar,
gaps or calibration. Both look 288 steps ahead of 8,640. Processor time, median, shuffled order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from statsmodels.tsa.seasonal import seasonal_decompose

from analytics.baselines import fit_predict, rolling

POINTS, AHEAD, A_DAY = 8640, 288, 288


def series(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    at = np.datetime64("2026-03-02", "ns") + np.arange(POINTS) * np.timedelta64(5, "m")
    day = 2 * np.pi * np.arange(POINTS) / A_DAY
    mean = 40 * (1 + 0.6 * np.sin(day)) * np.exp(np.cumsum(rng.normal(0, 0.003, POINTS)))
    return at, rng.negative_binomial(5, 5 / (5 + mean)).astype(float)


def textbook(at: np.ndarray, y: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # noqa: ARG001 - one signature for all
    found = seasonal_decompose(y, period=A_DAY, two_sided=False, extrapolate_trend=0)
    trend = pd.Series(found.trend[np.isfinite(found.trend)])
    level = trend.ewm(alpha=0.3, adjust=False).mean().iloc[-1]
    middle = level + np.tile(found.seasonal[-A_DAY:], horizon // A_DAY + 1)[:horizon]
    spread = 2 * np.nanstd(found.resid)
    return middle, middle - spread, middle + spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    at, y = series()
    calls = {
        "profile": lambda: fit_predict(at, y, AHEAD),
        "textbook": lambda: textbook(at, y, AHEAD),
        "rolling_daily_refit": lambda: rolling(at, y),
        "rolling_weekly_refit": lambda: rolling(at, y, refit_days=7),
    }
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name in random.sample(list(calls), len(calls)):
            start = time.process_time()
            calls[name]()
            spent[name].append(time.process_time() - start)
    ms = {name: round(1e3 * float(np.median(times)), 3) for name, times in spent.items()}
    print(json.dumps({"points": POINTS, "ms": ms, "profile_to_textbook": round(ms["profile"] / ms["textbook"], 3)}))


if __name__ == "__main__":
    main()
