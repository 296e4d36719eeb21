"""One look at many series on each engine: the same to the last bit, and how long it takes with one core and with more.

    python benchmarks/engines.py [--series 500,1000,2000] [--engines loky] [--jobs 1,2] [--repeat 3]

Each series is thirty-two days at five minutes, every tenth with a spike in its last hour, judged by the function that
`analytics.jobs.watching.detect` sends to `map_items`. The plain loop is the measure for all others: SHA-256 over every
band and every event. Runs take turns, and the best of `--repeat` counts.

Wall seconds say little where other work holds the cores. So each run also gives its longest path in processor seconds:
what the sender spent and then the busiest worker, which is the wall time of free cores. `start_s` is the wall time of
two series at the very first: starting workers, their imports. Engines other than loky are extras.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analytics.compute.engines import map_items
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.latest import Judged, Work, judge_recent
from analytics.monitoring.watch import Own
from analytics.params.baselines import BaselineParams
from analytics.settings import Settings

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CUT = NOW.replace(hour=0) - timedelta(days=1)
POINTS = 32 * 288


def made(number: int) -> Work:
    """A series of counts with a daily rhythm."""
    rng = np.random.default_rng(number)
    end = np.datetime64(NOW.replace(tzinfo=None), "ns")
    times = end - np.arange(POINTS, 0, -1) * np.timedelta64(5, "m")
    hour = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    readings = rng.poisson(30 + 12 * np.sin(2 * np.pi * hour / 24)).astype(np.float64)
    if number % 10 == 0:
        readings[-12:] += 60
    return Work(
        key=SeriesKey("twitter", "mentions", "", f"account-{number}"),
        definition=MetricDefinition("twitter", "mentions", "Mentions", "mentions", "gauge", "sum"),
        breaks=(),
        times=times,
        readings=readings,
        cut=CUT,
        at=NOW,
        params=BaselineParams(),
        own=Own(),
        min_history_days=7,
    )


def digest(judged: Sequence[Judged]) -> str:
    """Of every bit of every band and event."""
    sha = hashlib.sha256()
    for entry in judged:
        sha.update(f"{entry.key} {entry.skipped} {[astuple(event) for event in entry.events]!r}".encode())
        if entry.baseline is not None:
            base = entry.baseline
            for part in (base.times, base.expected, base.lower, base.upper, base.residual_scale, base.sample_size):
                sha.update(np.ascontiguousarray(part).tobytes())
    return sha.hexdigest()


def timed(work: Work) -> tuple[Judged, int, float, float]:
    """The verdict, who gave it, and that process' processor seconds before and after."""
    before = time.process_time()
    judged = judge_recent(work)
    return judged, os.getpid(), before, time.process_time()


def measured(engine: str, jobs: int, work: Sequence[Work], expected: str) -> dict[str, Any]:
    """One run."""
    settings = Settings(engine=engine, jobs=jobs, _env_file=None)
    began, sender = time.perf_counter(), time.process_time()
    answers = map_items(settings, timed, work, worth=1)
    sender, wall = time.process_time() - sender, time.perf_counter() - began
    by_worker: dict[int, list[tuple[float, float]]] = {}
    for _, pid, before, after in answers:
        by_worker.setdefault(pid, []).append((before, after))
    by_worker.pop(os.getpid(), None)  # the loop: its time is the sender's
    busiest = max((max(a for _, a in spans) - min(b for b, _ in spans) for spans in by_worker.values()), default=0.0)
    return {
        "wall_s": wall,
        "path_s": sender + busiest,
        "sender_s": sender,
        "workers": max(1, len(by_worker)),
        "same_to_the_last_bit": digest([judged for judged, *_ in answers]) == expected,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", default="500,1000,2000")
    parser.add_argument("--engines", default="loky")
    parser.add_argument("--jobs", default="1,2")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    runs = [(e, int(j)) for e in options.engines.split(",") for j in options.jobs.split(",")]
    judge_recent(made(0))  # imports
    starts: dict[tuple[str, int], float] = {}
    for engine, jobs in runs:
        began = time.perf_counter()
        map_items(Settings(engine=engine, jobs=jobs, _env_file=None), judge_recent, [made(1), made(2)], worth=1)
        starts[engine, jobs] = time.perf_counter() - began
    result = []
    for count in map(int, options.series.split(",")):
        work = [made(number) for number in range(count)]
        started = time.process_time()
        expected = digest([judge_recent(item) for item in work])
        loop_s = time.process_time() - started
        for engine, jobs in runs * options.repeat:
            run = {"series": count, "engine": engine, "jobs": jobs, "start_s": starts[engine, jobs]}
            run |= measured(engine, jobs, work, expected)
            result.append({name: round(value, 2) if isinstance(value, float) else value for name, value in run.items()})
        print(json.dumps({"series": count, "loop_ms_a_series": round(1000 * loop_s / count, 2)}), flush=True)
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in result:
        key = run["series"], run["engine"], run["jobs"]
        if key not in best or run["path_s"] < best[key]["path_s"]:
            same = run["same_to_the_last_bit"] and best.get(key, run)["same_to_the_last_bit"]
            best[key] = run | {"same_to_the_last_bit": same}
    for run in best.values():
        print(json.dumps(run))


if __name__ == "__main__":
    main()
