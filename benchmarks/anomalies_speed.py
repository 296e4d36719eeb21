"""Processor time of the rules on a matrix of series and of the score on one, beside a rolling z-score.

    python benchmarks/anomalies_speed.py [--series 500] [--points 8640]

The matrix is judged by all rules against a given baseline (its own time is in baselines_bulk.py);
the time for 10,000 series is the measured one scaled. The peer is pandas' rolling mean and deviation
of one day with a threshold: no season, no episodes, no reasons.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from types import SimpleNamespace

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from analytics.anomalies import detect_matrix, score


def timed(call: object) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--points", type=int, default=8640)
    options = parser.parse_args()
    at = np.datetime64("2026-03-02", "ns") + np.arange(options.points) * np.timedelta64(5, "m")
    mean = 60 * (1 + 0.6 * np.sin(2 * np.pi * np.arange(options.points) / 288))
    rng = np.random.default_rng(0)
    values = rng.poisson(mean * rng.gamma(25, 1 / 25, (options.series, options.points))).astype(float)
    shape = values.shape
    scale = np.sqrt(mean + mean**2 / 25)
    bands = {"expected": mean, "lower": mean - 2 * scale, "upper": mean + 2 * scale, "residual_scale": scale}
    baseline = SimpleNamespace(times=at, **{k: np.broadcast_to(v, shape) for k, v in bands.items()})
    result: dict[str, float] = {"series": options.series, "points": options.points}
    for rules in (["statistical"], ["trend"], ["pattern"], ["statistical", "trend", "pattern"]):
        seconds = timed(lambda rules=rules: detect_matrix(at, values, baseline, rules=rules))
        result["s_for_10000_series_" + ("all_rules" if len(rules) > 1 else rules[0])] = 1e4 / options.series * seconds
    past = pd.Series(values[0])
    score(at[:2000], values[0, :2000])
    result["s_score_of_one_series"] = timed(lambda: score(at, values[0]))
    result["s_peer_rolling_z_of_one_series"] = timed(
        lambda: (past - past.rolling(288).mean()) / past.rolling(288).std()
    )
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in result.items():
        print(f"{name:36s} {value:12.4f}")
    print(json.dumps({name: round(value, 5) for name, value in result.items()}))


if __name__ == "__main__":
    main()
