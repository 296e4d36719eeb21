"""A day of the full schedule in accelerated time, with faults, held against what truly happened.

Every cron line of the params is followed minute by minute over 24 simulated hours: collectors, watch (detect and
alert), rollup. Meanwhile: a storm of 429 answers, a platform down for hours, a token revoked for hours, the database
killed (SIGKILL) under a collector, and a collector killed in the middle of a round. In the end every account reading in
the store is compared with the simulator's truth: none lost outside the outages, none wrong, none twice.

    python benchmarks/simulated_day.py [--hours 24]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import yaml
from cronsim import CronSim

from analytics.adapters.vendor import Retry
from analytics.errors import AnalyticsError
from analytics.jobs.alert import alert
from analytics.jobs.collect import collect
from analytics.jobs.detect import detect
from analytics.params import load_params
from analytics.settings import Settings
from analytics.simulator import Simulator, history, serve
from analytics.store import Collection, open_store
from analytics.store.server import EmbeddedServer

START = datetime(2026, 11, 16, tzinfo=UTC)
PLATFORMS = {
    "twitter": ("*/5 * * * *", "acme", ["followers"]),
    "youtube": ("*/5 * * * *", "@acme", ["views", "subscribers"]),
    "reddit": ("*/5 * * * *", "r/acme", ["subscribers"]),
    "github": ("*/5 * * * *", "acme/orchard", ["stars", "forks"]),
}
TRIES = 4
QUICK = Retry(sleep=lambda _seconds: None)
LEARNED = timedelta(days=9)


def settings_in(folder: Path, url: str) -> Settings:
    """An installation of its own, every platform on loopback."""
    platforms = {
        name: {
            "adapter": name,
            "display_name": name,
            "schedule": cron,
            "metrics": metrics,
            "base_url": f"{url}/{name}",
            "accounts": [{"id": account, "credential": "DAY_TOKEN"}],
        }
        for name, (cron, account, metrics) in PLATFORMS.items()
    }
    params = folder / "params"
    params.mkdir()
    (params / "platforms.yaml").write_text(yaml.safe_dump({"platforms": platforms}), "utf-8")
    rule = {"condition": "anomaly", "severity": "low", "channels": ["nobody"]}
    alerts = {"channels": {"nobody": "DAY_CHANNEL"}, "rules": {"any": rule}}
    (params / "alerts.yaml").write_text(yaml.safe_dump(alerts), "utf-8")
    home = Path(tempfile.mkdtemp(prefix="day-", dir="/tmp"))
    home.chmod(0o755)
    return Settings(home=home, params_dir=params, output_dir=folder / "output", _env_file=None)


def due(settings: Settings, first: datetime, last: datetime) -> list[tuple[datetime, str, str]]:
    """Every time something is to run: (when, what, platform), collectors first."""
    params = load_params(settings.params_dir)
    lines = [("collect", name, platform.schedule) for name, platform in params.platforms.items()]
    lines += [("watch", "", params.operations.detect), ("rollup", "", params.operations.rollup)]
    found = []
    for what, name, cron in lines:
        for at in CronSim(cron, first - timedelta(minutes=1)):
            if at >= last:
                break
            found.append((at, what, name))
    return sorted(found)


def killed_round(settings: Settings, platform: str, at: datetime, asking: Event) -> None:
    """One round in a process of its own, for killing."""
    with open_store(settings) as store:
        asking.set()
        collect(settings, store, platforms=[platform], at=at, retry=QUICK)


def main() -> None:
    """Run the day and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24.0)
    hours = parser.parse_args().hours
    os.environ["DAY_TOKEN"] = "token"  # noqa: S105 - the simulator takes any
    os.environ["DAY_CHANNEL"] = "json://127.0.0.1:9"
    with tempfile.TemporaryDirectory() as folder, serve(limits=False) as simulator:
        result = day(settings_in(Path(folder), simulator.url), simulator, hours)
    print(json.dumps(result))
    sys.exit(0 if result["lost"] == result["wrong"] == result["unexpected"] == 0 else 1)


def day(settings: Settings, simulator: Simulator, hours: float) -> dict[str, object]:
    """Follow the schedule and reconcile."""
    end = START + timedelta(hours=hours)

    def part(share: float) -> datetime:
        return START + timedelta(hours=hours * share)

    down, revoked = (part(0.2), part(0.325)), (part(0.5), part(0.58))
    server = EmbeddedServer(settings.server_dir)
    counts: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    slowest = 0.0
    with open_store(settings) as store:
        for name, (_, account, metrics) in PLATFORMS.items():
            for metric in metrics:
                frame = history(name, account, metric, START - LEARNED, START)
                frame = frame.assign(platform=name, metric_type=metric, author_id=account)
                store.write(frame, Collection(name, "simulator", account))
    schedule = due(settings, START, end)
    began = time.perf_counter()
    kills = {"database": part(0.4), "collector": part(0.7), "storm": part(0.1)}
    for at, what, name in schedule:
        if what == "collect" and kills["storm"] and at >= kills["storm"]:
            simulator.fault("429", times=14)  # more than one round takes: it is tried again
            kills["storm"] = None
        for victim in ("database", "collector"):
            if what == "collect" and kills[victim] and at >= kills[victim]:
                kills[victim] = None
                counts[f"rounds cut off by kill -9 of the {victim}"] += cut_off(settings, simulator, victim, name, at)
        simulator.faults.orders[:] = [f for f in simulator.faults.orders if f.kind == "429"]
        if down[0] <= at < down[1]:
            simulator.fault("503", "reddit", times=0)
        if revoked[0] <= at < revoked[1]:
            simulator.fault("401", "github", times=0)
        started = time.perf_counter()
        for _ in range(TRIES):  # as the flow's task does
            if not run(settings, what, name, at, counts):
                break
            counts["tried again"] += 1
        took = time.perf_counter() - started
        spent[what] += took
        slowest = max(slowest, took) if what == "watch" else slowest
    missing = {"reddit": down, "github": revoked}
    result = reconcile(settings, end, missing)
    server.stop()
    shutil.rmtree(settings.home)
    return {
        "simulated_hours": hours,
        "wall_s": round(time.perf_counter() - began, 1),
        "rounds": sum(what == "collect" for _, what, _ in schedule),
        "seconds": {what: round(seconds, 1) for what, seconds in spent.items()},
        "slowest_watch_s": round(slowest, 2),
        **counts,
        **result,
    }


def cut_off(settings: Settings, simulator: Simulator, victim: str, name: str, at: datetime) -> bool:
    """Kill the database or the collector while a round waits for its platform; whether the round ended by that."""
    spawn = multiprocessing.get_context("spawn")
    asking = spawn.Event()
    simulator.latency_s = 3.0
    process = spawn.Process(target=killed_round, args=(settings, name, at, asking))
    process.start()
    asking.wait(120)
    time.sleep(1.0)
    if victim == "database":
        os.kill(EmbeddedServer(settings.server_dir).status().pid, signal.SIGKILL)
    else:
        process.kill()
    process.join()
    simulator.latency_s = 0.0
    return process.exitcode != 0


def run(settings: Settings, what: str, name: str, at: datetime, counts: Counter[str]) -> bool:
    """One run of the schedule; whether it should be tried again."""
    try:
        with open_store(settings) as store:
            if what == "collect":
                made = collect(settings, store, platforms=[name], at=at, retry=QUICK)
                counts["rounds that gave nothing"] += len(made.failed)
                return any("429" in str(harvest.error) for harvest in made.failed)
            if what == "watch":
                counts["episodes"] += len(detect(settings, store, at=at).new)
                counts["health incidents muted"] += alert(settings, store, at=at).suppressed
            else:
                counts["hours rolled up"] += store.roll_up(now=at).hours
    except AnalyticsError:
        counts["runs that failed"] += 1
        return True
    return False


def reconcile(settings: Settings, end: datetime, missing: dict[str, tuple[datetime, datetime]]) -> dict[str, int]:
    """Every reading there should be against every reading there is."""
    totals: Counter[str] = Counter(expected=0, stored=0, lost=0, wrong=0, unexpected=0, in_outages=0)
    with open_store(settings) as store:
        series = store.series(content_ids=[""])
        for row in series.itertuples():
            truth = history(row.platform, row.author_id, row.metric_type, START, end).set_index("time")["value"]
            ours = store.read_series([row.series_id], START, end).set_index("time")["value"]
            ours.index = ours.index.as_unit(truth.index.unit)
            first, last = missing.get(row.platform, (end, end))
            outage = (truth.index >= first) & (truth.index < last)
            totals["expected"] += int((~outage).sum())
            totals["in_outages"] += int(outage.sum())
            totals["stored"] += len(ours)
            totals["lost"] += len(truth.index[~outage].difference(ours.index))
            totals["unexpected"] += len(ours.index.difference(truth.index[~outage])) + int(
                ours.index.duplicated().sum()
            )
            both = truth.index.intersection(ours.index)
            totals["wrong"] += int(np.sum(truth[both].to_numpy() != ours[both].to_numpy()))
    return dict(totals)


if __name__ == "__main__":
    main()
