"""A day of the full schedule in accelerated time, with faults, held against what truly happened.

Every cron line of the params is followed minute by minute over 24 simulated hours: collectors, watch (detect and
alert), rollup, each in a runner's process of its own. Meanwhile a platform is down for hours, another's token is
revoked, a third's quota is spent, three storms of 429 pass; the runner is killed (SIGKILL) in the middle of rounds, of
looks and of a rollup, the database is killed and restarted under rounds and looks. In the end everything is compared
with the simulator's truth: every account reading, every hour of the rollups, every collection's count, every message.

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
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
import yaml
from cronsim import CronSim

from analytics.adapters.vendor import Retry
from analytics.errors import AnalyticsError
from analytics.jobs.collecting.collect import collect
from analytics.jobs.watching.alert import alert
from analytics.jobs.watching.detect import detect
from analytics.params.files import load_params
from analytics.settings import Settings
from analytics.simulator import Simulator, history, serve
from analytics.store import Collection, Store, open_store
from analytics.store.server.supervisor import EmbeddedServer

START = datetime(2026, 11, 16, tzinfo=UTC)
PLATFORMS = {
    "twitter": ("*/5 * * * *", "acme", ["followers"]),
    "youtube": ("*/5 * * * *", "@acme", ["views", "subscribers"]),
    "reddit": ("*/5 * * * *", "r/acme", ["subscribers"]),
    "github": ("*/5 * * * *", "acme/orchard", ["stars", "forks"]),
}
# platform, what it answers, from and to as shares of the day
OUTAGES = {
    "reddit": ("503", 0.2, 0.325),
    "github": ("401", 0.5, 0.58),
    "twitter": ("429", 0.84, 0.88),
}
STORMS = (0.1, 0.36, 0.62)
STORM = 14  # answers: more than a round's own tries take, so that the round as a whole is tried again
# who is struck, in the middle of what, when; "watch" is detection and the messages after it
BLOWS = (
    ("database killed", "collect", 0.4),
    ("database restarted", "collect", 0.44),
    ("database killed", "watch", 0.47),
    ("database restarted", "watch", 0.6),
    ("runner killed", "collect", 0.66),
    ("runner killed", "watch", 0.7),
    ("runner killed", "telling", 0.02),
    ("runner killed", "rollup", 0.78),
    ("runner killed", "collect", 0.9),
)
AFTER_S = {"collect": 1.0, "watch": 0.15, "rollup": 0.02, "telling": 0.0}
ITEM = {"telling": "watch"}
DATED = """
UPDATE collections SET started_at = :at, finished_at = :at + (finished_at - started_at) WHERE started_at >= :wall
"""
TRIES = 4
QUICK = Retry(sleep=lambda _seconds: None)
LEARNED = timedelta(days=9)
Item = tuple[datetime, str, str]


class Channel(ThreadingHTTPServer):
    """A channel that takes every message, and says when one has come."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.messages: list[str] = []
        self.slow = threading.Event()  # while set, a message is read and never answered
        self.reached = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Take(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.slow.is_set():
            self.server.reached.set()
            time.sleep(3.0)
            return
        self.server.messages.append(f"{told['title']}\n{told['message']}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


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
    rule = {"condition": "anomaly", "severity": "low", "channels": ["people"]}
    alerts = {"channels": {"people": "DAY_CHANNEL"}, "rules": {"any": rule}}
    (params / "alerts.yaml").write_text(yaml.safe_dump(alerts), "utf-8")
    home = Path(tempfile.mkdtemp(prefix="day-", dir="/tmp"))
    home.chmod(0o755)
    return Settings(home=home, params_dir=params, output_dir=folder / "output", _env_file=None)


def due(settings: Settings, first: datetime, last: datetime) -> list[Item]:
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


def follow(settings: Settings, line: Connection) -> None:
    """A runner: do what comes down the line, tried again as a flow's task is, and say what came of it."""
    while True:
        at, what, name = line.recv()
        counts: Counter[str] = Counter()
        for _ in range(TRIES):
            if not run(settings, what, name, at, counts):
                break
            counts["runs tried again"] += 1
        line.send(counts)


def run(settings: Settings, what: str, name: str, at: datetime, counts: Counter[str]) -> bool:
    """One run of the schedule; whether it should be tried again."""
    try:
        with open_store(settings) as store:
            if what == "collect":
                wall = datetime.now(UTC)
                made = collect(settings, store, platforms=[name], at=at, retry=QUICK)
                with store.begin() as connection:  # so that a collector's silence is as long as in simulated time
                    connection.execute(sa.text(DATED), {"at": at, "wall": wall})
                counts["rounds that gave nothing"] += len(made.failed)
                return any("429" in str(harvest.error) for harvest in made.failed)
            if what == "watch":
                counts["episodes"] += len(detect(settings, store, at=at).new)
                told = alert(settings, store, at=at)
                counts["messages muted"] += told.suppressed
                counts["messages not taken"] += len(told.failed)
            else:
                counts["hours rolled up"] += store.roll_up(now=at).hours
    except AnalyticsError:
        counts["runs that failed"] += 1
        return True
    return False


@dataclass
class Day:
    """The schedule, the runner that follows it, and what befalls both."""

    settings: Settings
    simulator: Simulator
    channel: Channel
    hours: float
    counts: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def at(self, share: float) -> datetime:
        return START + timedelta(hours=self.hours * share)

    def start_runner(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.runner = context.Process(target=follow, args=(self.settings, far))
        self.runner.start()
        far.close()  # so that the line ends with the runner

    def follow(self, schedule: list[Item]) -> None:
        """Have the runner do everything; what a killed one was at is done again by its successor."""
        storms = [self.at(share) for share in STORMS]
        blows = [(who, under, self.at(share)) for who, under, share in BLOWS]
        self.start_runner()
        for item in schedule:
            at, what, _ = item
            if what == "collect" and storms and at >= storms[0]:
                storms.pop(0)
                self.simulator.fault("429", times=STORM)
            self.simulator.faults.orders[:] = [f for f in self.simulator.faults.orders if f.times]
            for platform, (kind, first, last) in OUTAGES.items():
                if self.at(first) <= at < self.at(last):
                    self.simulator.fault(kind, platform, times=0)
            blow = next((b for b in blows if b[2] <= at and what == ITEM.get(b[1], b[1])), None)
            started = time.perf_counter()
            done = self.done(item, blow)
            if blow and self.struck:
                blows.remove(blow)
                self.counts[f"{blow[0]} under {blow[1]}"] += 1
            while not done:
                self.start_runner()
                done = self.done(item, None)
            took = time.perf_counter() - started
            self.spent[what] += took
            self.slowest = max(self.slowest, took) if what == "watch" and not blow else self.slowest
        self.runner.kill()
        self.counts["blows that did not fall"] = len(blows)

    def done(self, item: Item, blow: tuple[str, str, datetime] | None) -> bool:
        """Have one item done, struck by `blow`; False where the runner died of it."""
        self.struck = False
        under = blow[1] if blow else ""
        self.simulator.latency_s = 3.0 if under == "collect" else 0.0
        if under == "telling":
            self.channel.reached.clear()
            self.channel.slow.set()
        try:
            self.line.send(item)
            if blow:
                self.struck = self.strike(blow[0], under)
                self.simulator.latency_s = 0.0
                self.channel.slow.clear()
            self.counts.update(self.line.recv())
        except (EOFError, OSError):
            self.runner.join()
            return False
        return True

    def strike(self, who: str, under: str) -> bool:
        """Strike in the middle of what the runner is at; False where that was over first."""
        if under == "telling":
            while not self.channel.reached.wait(0.02):
                if self.line.poll():
                    return False
        elif self.line.poll(AFTER_S[under]):
            return False
        server = EmbeddedServer(self.settings.server_dir)
        if who == "runner killed":
            self.runner.kill()
        elif who == "database killed":
            os.kill(server.status().pid, signal.SIGKILL)
        else:
            server.stop()  # the next command that needs it starts it again
        return True


def reconcile(store: Store, day: Day, end: datetime) -> dict[str, Any]:
    """Every reading, hour, count and message there should be against every one there is."""
    totals: Counter[str] = Counter(expected=0, stored=0, lost=0, wrong=0, unexpected=0, in_outages=0, wrong_hours=0)
    for row in store.series(content_ids=[""]).itertuples():
        truth = history(row.platform, row.author_id, row.metric_type, START, end).set_index("time")["value"]
        ours = store.read_series([row.series_id], START, end).set_index("time")["value"]
        ours.index = ours.index.as_unit(truth.index.unit)
        _, first, last = OUTAGES.get(row.platform, ("", 1.0, 1.0))
        outage = (truth.index >= day.at(first)) & (truth.index < day.at(last))
        totals["expected"] += int((~outage).sum())
        totals["in_outages"] += int(outage.sum())
        totals["stored"] += len(ours)
        totals["lost"] += len(truth.index[~outage].difference(ours.index))
        totals["unexpected"] += len(ours.index.difference(truth.index[~outage])) + int(ours.index.duplicated().sum())
        both = truth.index.intersection(ours.index)
        totals["wrong"] += int(np.sum(truth[both].to_numpy() != ours[both].to_numpy()))
        hours = truth[~outage].resample("h").agg(["count", "sum", "min", "max", "last"])
        hours = hours[hours["count"] > 0]
        kept = store.read_buckets([row.series_id], START, end).set_index("bucket")
        kept = kept[["n", "sum_value", "min_value", "max_value", "last_value"]]
        kept.index = kept.index.as_unit(hours.index.unit)
        same = np.isclose(kept.reindex(hours.index).to_numpy(float), hours.to_numpy(float), rtol=1e-12, atol=0)
        totals["wrong_hours"] += int((~same.all(axis=1)).sum()) + len(kept.index.difference(hours.index))
    return dict(totals) | counted(store, day)


def counted(store: Store, day: Day) -> dict[str, Any]:
    """What collections say they wrote, and what people were told."""
    query = "SELECT sum(rows_written), count(*) FILTER (WHERE outcome = 'failed') FROM collections"
    with store.begin() as connection:
        written, failed = connection.execute(sa.text(query)).one()
        points = connection.scalar(sa.text("SELECT count(*) FROM points")) or 0
        sent = connection.scalars(sa.text("SELECT message FROM alert_history WHERE status = 'sent'")).all()
        ill = "SELECT array_agg(DISTINCT platform ORDER BY platform) FROM anomaly_events WHERE anomaly_type = 'health'"
        told = connection.scalar(sa.text(ill)) or []
        waiting = connection.scalar(sa.text("SELECT count(*) FROM rollup_dirty"))
    came = Counter(day.channel.messages)
    return {
        "points_with_contents": points,
        "written_as_collections_say": int(written),
        "miscounted": abs(int(written) - points),
        "failed_collections": int(failed),
        "hours_left_to_roll_up": int(waiting or 0),
        "outages_found": " ".join(told),
        "outages_missed": len(set(OUTAGES) - set(told)),
        "messages": len(sent),
        "messages_lost": len(set(sent) - set(came)),
        "messages_twice": sum(count - 1 for count in came.values()),
    }


@contextmanager
def installed(hours: float) -> Iterator[Day]:
    """An installation with nine days learned, its platforms and its channel; gone afterwards."""
    channel = Channel()
    os.environ["DAY_TOKEN"] = "token"  # noqa: S105 - the simulator takes any
    os.environ["DAY_CHANNEL"] = f"json://127.0.0.1:{channel.server_port}"
    with tempfile.TemporaryDirectory() as folder, serve(limits=False) as simulator:
        settings = settings_in(Path(folder), simulator.url)
        with open_store(settings) as store:
            for name, (_, account, metrics) in PLATFORMS.items():
                for metric in metrics:
                    frame = history(name, account, metric, START - LEARNED, START)
                    frame = frame.assign(platform=name, metric_type=metric, author_id=account)
                    store.write(frame, Collection(name, "simulator", account))
        yield Day(settings, simulator, channel, hours)
        EmbeddedServer(settings.server_dir).stop()
        shutil.rmtree(settings.home)


def main() -> None:
    """Run the day and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24.0)
    hours = parser.parse_args().hours
    with installed(hours) as day:
        end = START + timedelta(hours=hours)
        schedule = due(day.settings, START, end)
        began = time.perf_counter()
        day.follow(schedule)
        wall = time.perf_counter() - began
        with open_store(day.settings) as store:
            store.roll_up(now=end)
            result = reconcile(store, day, end)
    print(
        json.dumps(
            {
                "simulated_hours": hours,
                "wall_s": round(wall, 1),
                "rounds": sum(what == "collect" for _, what, _ in schedule),
                "seconds": {what: round(seconds, 1) for what, seconds in day.spent.items()},
                "slowest_watch_s": round(day.slowest, 2),
                **day.counts,
                **result,
            }
        )
    )
    faults = ("lost", "wrong", "unexpected", "wrong_hours", "miscounted", "outages_missed", "messages_lost")
    sys.exit(1 if any(result[name] for name in faults) or day.counts["blows that did not fall"] else 0)


if __name__ == "__main__":
    main()
