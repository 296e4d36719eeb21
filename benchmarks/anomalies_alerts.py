"""Alerts on labelled series: episodes found and false alerts a series and week, beside two peers in one run.

    python benchmarks/anomalies_alerts.py FOLDER [--only realTweets] [--warm-up-days 8]

FOLDER holds `<category>/<file>.csv` (columns `timestamp`, `value`) and `windows.json` (per file the
first and last timestamp of each labelled episode). An alert inside a window finds it; one outside is
false; alerts within six hours of the last are one. Windows over before the warm-up are left out.
The peers: a z-score against the day before that alerts once in six hours, and the textbook rules
to the letter (mean of 30 days, two deviations, more than 15 minutes; 30 % off the baseline for an hour).
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

from analytics import anomalies, baselines

JOIN = np.timedelta64(6, "h")
Alerts = Callable[[np.ndarray, np.ndarray], np.ndarray]


def scored(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    return at[anomalies.score(at, values) >= anomalies.FLAG_LEVEL]


def ruled(settings: anomalies.Settings, rules: tuple[str, ...]) -> Alerts:
    def alerts(at: np.ndarray, values: np.ndarray) -> np.ndarray:
        baseline = baselines.rolling(at, values, algorithm="profile", window_days=30)
        events = anomalies.detect(at, values, baseline, rules=rules, settings=settings)
        return np.array(
            sorted(np.datetime64(e.confirmed_at.replace(tzinfo=None), "ns") for e in events), dtype=at.dtype
        )

    return alerts


def literal_band(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Four readings in a row beyond two deviations of the mean of the last 30 days."""
    past = pd.Series(values).shift(1).rolling(8640, min_periods=288)
    outside = (np.abs(values - past.mean()) > 2 * past.std()).to_numpy()
    run = np.zeros(values.size, dtype=int)
    for i in np.flatnonzero(outside):
        run[i] = run[i - 1] + 1 if i else 1
    return at[run == 4]


def rolling_z(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    past = pd.Series(values).shift(1).rolling(288, min_periods=30)
    return at[(np.abs(values - past.mean()) > 6 * past.std()).to_numpy()]


def joined(alerts: np.ndarray) -> np.ndarray:
    return alerts[np.r_[True, np.diff(alerts) > JOIN]] if alerts.size else alerts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="realTweets")
    parser.add_argument("--warm-up-days", type=int, default=8)
    options = parser.parse_args()
    windows = json.loads((options.folder / "windows.json").read_text())
    every = ("statistical", "trend", "pattern")
    methods: dict[str, Alerts] = {
        "score": scored,
        "rules": ruled(anomalies.Settings(), every),
        "statistical rule": ruled(anomalies.Settings(), ("statistical",)),
        "trend rule": ruled(anomalies.Settings(), ("trend",)),
        "peer: textbook band": literal_band,
        "peer: textbook trend": ruled(anomalies.Settings.literal(), ("trend",)),
        "peer: rolling z": rolling_z,
    }
    tally = {name: [0, 0, 0, 0.0] for name in methods}  # found, labelled, false, weeks
    for name in sorted(n for n in windows if options.only in n):
        frame = pd.read_csv(options.folder / name, parse_dates=["timestamp"])
        at, values = frame["timestamp"].to_numpy("datetime64[ns]"), frame["value"].to_numpy(float)
        start = at[0] + np.timedelta64(options.warm_up_days, "D")
        spans = [tuple(np.datetime64(t, "ns") for t in span) for span in windows[name]]
        spans = [span for span in spans if span[1] >= start]
        for method, alert in methods.items():
            told = joined(alert(at, values))
            told = told[told >= start]
            hit = np.array([[a <= t <= b for a, b in spans] for t in told], dtype=bool).reshape(told.size, len(spans))
            counts = int(hit.any(axis=0).sum()), len(spans), int((~hit.any(axis=1)).sum())
            weeks = (at[-1] - start) / np.timedelta64(7, "D")
            tally[method] = [x + y for x, y in zip(tally[method], (*counts, weeks), strict=True)]
    result = {
        method: {"found": found, "labelled": labelled, "false_per_series_week": round(false / weeks, 2)}
        for method, (found, labelled, false, weeks) in tally.items()
    }
    for method, row in result.items():
        found = f"{row['found']:3d} of {row['labelled']}"
        print(f"{method:24s} {found}  {row['false_per_series_week']:6.2f} false a series and week")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
