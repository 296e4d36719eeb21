"""Thirty clients' monthly reports, one after the other and on all cores: five series each, 30 days at five minutes.

    python benchmarks/report_batch.py [--reports 30] [--serial 6]

The peer, in the same run, is the same work one report at a time: `--serial` of them, times what all would take. The
work of one is not taken over by the other. `processor_share` is processor time (the database's left out) over wall
time and cores: where it is near 1, no core waited. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from report import NAMES, OCTOBER, Memory, fill, installation

from analytics.jobs.reporting.batch import make_all
from analytics.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=30)
    parser.add_argument("--serial", type=int, default=6)
    options = parser.parse_args()
    clients = [f"client-{n:02d}" for n in range(options.reports)]
    params = {name: f"title: {name}\nplatforms: [{NAMES[n % len(NAMES)]}]\n" for n, name in enumerate(clients)}
    with installation(params) as settings:
        settings = settings.model_copy(update={"reuse": False})
        os.environ["ANALYTICS_REUSE"] = "false"
        fill(settings, len(NAMES), 5, 62)
        serial_s, _, _ = measured(settings, clients[: options.serial], at_once=1)
        for path in settings.output_dir.rglob("*.stamp"):
            path.unlink()
        wall_s, processor_s, peak_mb = measured(settings, clients, at_once=None)
    cores = os.cpu_count() or 1
    result = {
        "reports": options.reports,
        "cores": cores,
        "wall_s": round(wall_s, 1),
        "one_at_a_time_s": round(serial_s / options.serial * options.reports, 1),
        "times_as_fast": round(serial_s / options.serial * options.reports / wall_s, 2),
        "processor_s_a_report": round(processor_s / options.reports, 1),
        "processor_share": round(processor_s / wall_s / cores, 2),
        "peak_mb_all_processes": round(peak_mb),
    }
    print(json.dumps(result))


def measured(settings: Settings, names: Sequence[str], *, at_once: int | None) -> tuple[float, float, float]:
    """Wall seconds, processor seconds of all workers and kernels, and their largest resident memory in MB."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with Memory() as memory:
        made = make_all(settings, names, month=OCTOBER, at_once=at_once)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    failed = [entry.error for entry in made if entry.files is None]
    if failed:
        raise RuntimeError(failed[0])
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, processor_s, memory.peak_mb


if __name__ == "__main__":
    main()
