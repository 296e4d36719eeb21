"""Rolling baselines and all rules over many series: every point with its own band, time and memory on the cores given.

    python benchmarks/baselines_bulk.py [--series 10000] [--points 8640] [--jobs 2] [--refit-days 1]

Series are made chunk by chunk and the bands of a chunk are reduced to a count of points outside,
as a job does that writes them on; so memory is that of a few chunks. The peer, in the same run
on a sample of the series, is the textbook daily refit: one-sided seasonal_decompose, EWMA of the
trend and two standard deviations, fitted once a day on the days before.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from analytics.anomalies import cross_platform, detect_matrix
from analytics.baselines import rolling
from analytics.model import SeriesKey

CHUNK = 64
A_DAY = 288


def made(chunk: int, series: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(chunk)
    at = np.datetime64("2026-03-02", "ns") + np.arange(points) * np.timedelta64(5, "m")
    day = 1 + 0.5 * np.sin(2 * np.pi * np.arange(points) / A_DAY)
    return at, rng.poisson(30 * day, size=(series, points)).astype(float)


def judge(task: tuple[int, int, int, float]) -> tuple[int, int, float, float, float, list[list]]:
    """Points judged, points outside, seconds for baselines and for rules, peak memory in MB, events by series."""
    chunk, series, points, refit_days = task
    at, y = made(chunk, series, points)
    start = time.process_time()
    band = rolling(at, y, refit_days=refit_days)
    spent = time.process_time() - start
    judged = int(np.isfinite(band.expected).sum())
    outside = int(((y > band.upper) | (y < band.lower)).sum())
    start = time.process_time()
    events = detect_matrix(at, y, band)
    return judged, outside, spent, time.process_time() - start, peak_mb(), events


def peak_mb() -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def textbook_seconds(points: int, sample: int) -> float:
    from statsmodels.tsa.seasonal import seasonal_decompose

    _, y = made(0, sample, points)
    start = time.process_time()
    for row in y:
        for end in range(7 * A_DAY, points, A_DAY):
            found = seasonal_decompose(row[:end], period=A_DAY, two_sided=False)
            np.nanstd(found.resid)
    return (time.process_time() - start) / sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=8640)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--refit-days", type=float, default=1.0)
    parser.add_argument("--peer-sample", type=int, default=5)
    a = parser.parse_args()
    sizes = [min(CHUNK, a.series - first) for first in range(0, a.series, CHUNK)]
    tasks = [(chunk, size, a.points, a.refit_days) for chunk, size in enumerate(sizes)]
    start = time.perf_counter()
    with get_context("spawn").Pool(a.jobs) as pool:
        done = pool.map(judge, tasks, chunksize=1)
    start_cross = time.process_time()
    names = (SeriesKey(f"platform{n % 9}", f"metric{n}") for n in range(a.series))
    together = cross_platform(dict(zip(names, (e for row in done for e in row[5]), strict=True)))
    cross_s = time.process_time() - start_cross
    wall = time.perf_counter() - start
    judged, outside, cpu, rules_cpu = (sum(column) for column in list(zip(*done, strict=True))[:4])
    peer = textbook_seconds(a.points, a.peer_sample)
    print(
        json.dumps(
            {
                "series": a.series,
                "points": a.points,
                "refit_days": a.refit_days,
                "wall_s_with_making_the_data": round(wall, 1),
                "cpu_s_of_baselines": round(cpu, 1),
                "cpu_s_of_rules": round(rules_cpu, 1),
                "cpu_s_of_cross_platform_rule": round(cross_s, 2),
                "events": sum(len(events) for row in done for events in row[5]),
                "cross_platform_events": len(together),
                "ms_per_series": round(1e3 * cpu / a.series, 2),
                "peak_mb_all_workers": round(a.jobs * max(row[4] for row in done) + peak_mb()),
                "share_outside": round(outside / judged, 4),
                "textbook_ms_per_series": round(1e3 * peer, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
