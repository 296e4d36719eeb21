"""A look at many series as `watch/newest` takes it every five minutes: what reading, judging and writing cost.

    python benchmarks/look.py [--series 84,336] [--repeat 3]

Every series has thirty-two days at five minutes in the store. The first look of a store keeps two days of
expectations; the following ones, which count, add what came since. The best of `--repeat` counts, wall seconds and, as
other work may share the cores, processor seconds of this process (the database's are not in them).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from analytics.jobs.watching.detect import detect
from analytics.settings import Settings
from analytics.store import Collection, open_store
from analytics.store.server.supervisor import EmbeddedServer

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
POINTS = 32 * 288
STEP = timedelta(minutes=5)


def frame(first: int, last: int) -> pd.DataFrame:
    """Readings of the accounts from `first` to `last`."""
    times = pd.date_range(end=NOW - STEP, periods=POINTS, freq="5min")
    usual = 30 + 12 * np.sin(2 * np.pi * (times.hour + times.minute / 60) / 24)
    parts = [
        pd.DataFrame({"time": times, "value": np.random.default_rng(n).poisson(usual), "author_id": f"account-{n}"})
        for n in range(first, last)
    ]
    return pd.concat(parts).assign(platform="twitter", metric_type="mentions")


def main() -> None:
    """Measure and print a JSON object for each number of series."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", default="84,336")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="look-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)
        settings = Settings(home=home, params_dir=home / "params", jobs=1, _env_file=None)
        (home / "params").mkdir()
        (home / "params" / "platforms.yaml").write_text("platforms: {}\n", "utf-8")
        stored = 0
        try:
            with open_store(settings) as store:
                for count in map(int, options.series.split(",")):
                    began, rows = time.perf_counter(), (count - stored) * POINTS
                    for first in range(stored, count, 84):
                        store.write(frame(first, min(count, first + 84)), Collection("twitter", "import", "bench"))
                    stored, write_s = count, time.perf_counter() - began
                    detect(settings, store, at=NOW)
                    runs = []
                    for number in range(options.repeat):
                        spent = time.process_time()
                        done = detect(settings, store, at=NOW + (number + 1) * timedelta(minutes=1))
                        runs.append({**done.seconds, "processor": time.process_time() - spent})
                    best = {name: round(min(run[name] for run in runs), 2) for name in runs[0]}
                    found = {"series": count, "judged": done.judged, "points": count * POINTS}
                    print(json.dumps(found | {"rows_written_a_s": round(rows / write_s)} | best), flush=True)
        finally:
            EmbeddedServer(settings.server_dir).stop()


if __name__ == "__main__":
    main()
