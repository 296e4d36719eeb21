"""A monthly report at full size: nine platforms, five metrics each, 30 days at five minutes behind 33 days of history.

    python benchmarks/report.py [--platforms 9] [--metrics 5] [--days 62]

From a warm store: notebook executed, HTML, PDF and every data file written. Memory is summed over all processes.
The peer, in the same run, is the same notebook's first step alone: reading and judging every series in this process.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))
from store_server import database, server

from analytics.definitions import definitions_of
from analytics.jobs.reporting.report import make_report
from analytics.model import Month
from analytics.monitoring.watch import Watch
from analytics.params.files import Params
from analytics.periods.choice import choose_series
from analytics.periods.gather import gather
from analytics.settings import Settings, environment_of
from analytics.store import Collection, open_store

OCTOBER = Month(2026, 10)
NAMES = ("twitter", "linkedin", "instagram", "youtube", "medium", "substack", "github", "producthunt", "reddit")


def fill(settings: Settings, platforms: int, metrics: int, days: int) -> int:
    """Counts with a daily and weekly rhythm and a few bursts; returns the rows."""
    times = pd.date_range("2026-11-01", periods=days * 288, freq="-5min", tz="UTC")[::-1].as_unit("us")
    shape = (1 + 0.5 * np.sin(2 * np.pi * (times.hour * 60 + times.minute) / 1440)) * np.where(
        times.day_of_week >= 5, 0.7, 1
    )
    rows = 0
    with open_store(settings) as store:
        for p, name in enumerate(NAMES[:platforms]):
            for m in range(metrics):
                random = np.random.default_rng(100 * p + m)
                values = random.poisson(30 * (m + 1) * shape).astype(float)
                for at in random.integers(0, len(times) - 12, 4):
                    values[at : at + 12] *= 3
                frame = pd.DataFrame(
                    {
                        "platform": name,
                        "metric_type": f"metric_{m}",
                        "author_id": "acme",
                        "time": times,
                        "value": values,
                    }
                )
                rows += store.write(frame, Collection(name, "import", "acme")).written
        store.roll_up()
    return rows


class Memory:
    """Largest sum of resident memory over this process and its descendants (the database apart)."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.peak_mb = max(self.peak_mb, _resident_mb(os.getpid()))


def _resident_mb(root: int) -> float:
    parents, resident = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = (path / "stat").read_text().rsplit(")", 1)
            if "postgres" not in status[0]:
                fields = status[1].split()
                parents[int(path.name)] = int(fields[1])
                resident[int(path.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        except (OSError, IndexError):
            continue
    total = 0.0
    for pid in parents:
        at = pid
        while at not in (root, 0, 1) and at in parents:
            at = parents[at]
        total += resident[pid] if at == root else 0.0
    return total


@contextmanager
def installation(reports: Mapping[str, str]) -> Iterator[Settings]:
    """A home of its own with these params files of reports, and a database of its own."""
    with server(None) as url, database(url) as mine, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "params" / "reports").mkdir(parents=True)
        for name, params in reports.items():
            (home / "params" / "reports" / f"{name}.yaml").write_text(params)
        settings = Settings(
            home=home / "data",
            params_dir=home / "params",
            output_dir=home / "output",
            database_url=SecretStr(mine.render_as_string(hide_password=False)),
            _env_file=None,
        )
        os.environ.update(environment_of(settings))
        yield settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platforms", type=int, default=9)
    parser.add_argument("--metrics", type=int, default=5)
    parser.add_argument("--days", type=int, default=62)
    options = parser.parse_args()
    with installation({"traffic": "title: Traffic\n"}) as settings:
        rows = fill(settings, options.platforms, options.metrics, options.days)
        started = time.perf_counter()
        with open_store(settings) as store:
            chosen = choose_series(store, platforms=(), metrics=(), accounts=())
            gather(store, chosen, month=OCTOBER, watch=Watch(), definitions=definitions_of(Params()))
        peer_s = time.perf_counter() - started
        with Memory() as memory:
            started = time.perf_counter()
            made = make_report(settings, "traffic", month=OCTOBER)
            whole_s = time.perf_counter() - started
        result = {
            "series": options.platforms * options.metrics,
            "readings_stored": rows,
            "whole_s": round(whole_s, 1),
            "seconds": {step: round(spent, 1) for step, spent in made.seconds.items()},
            "peer_read_and_judge_s": round(peer_s, 1),
            "ratio_to_peer": round(whole_s / peer_s, 2),
            "peak_mb_all_processes": round(memory.peak_mb),
            "mb": {kind: round(path.stat().st_size / 1e6, 2) for kind, path in made.files.items()},
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
