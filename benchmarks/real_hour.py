"""The product as `analytics up` runs it, in real time, struck while it works: what is lost, and how long things take.

Three simulated platforms are collected every four minutes and judged two minutes later, all by the real schedules,
while one poll after the other meets: a change on a platform; SIGKILL of the runner, of the Prefect server and of the
database in the middle of rounds; SIGKILL of everything, and a new start; a storm of 429; a platform down. Measured:
from the command to all up and all healthy; from a platform's change to a query that sees it; from detection to the
message in the channel; from the change to the message. Compared: every due poll with the simulator's truth.

    python benchmarks/real_hour.py [--plan everything,server]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import sqlalchemy as sa
import yaml

from analytics.settings import Settings
from analytics.simulator import Simulator, history, serve
from analytics.store import Collection, open_store
from analytics.store.server.client import libpq_url
from analytics.store.server.supervisor import EmbeddedServer, database_url

ROOT = Path(__file__).parents[1]
EVERY = timedelta(minutes=4)
LEARNED = timedelta(days=9)
# account, metric, and what the platform calls it
PLATFORMS = {
    "twitter": ("acme", "followers", "followers_count"),
    "github": ("acme/orchard", "stars", "stargazers_count"),
    "reddit": ("r/acme", "subscribers", "subscribers"),
}
# what each poll meets, unless the command says otherwise ("calm": nothing)
PLAN = ("github", "runner", "twitter", "server", "database", "reddit", "everything", "storm", "down")
JUMP = 1.2  # a platform's change: its figure is a fifth higher from then on
HELD_S = 6.0  # a struck round waits this long for its platform
PATIENCE_S = 300.0
POINTS = """
SELECT s.platform, p.time, p.value FROM points p JOIN series s USING (series_id)
WHERE s.metric_type = ANY(%s) AND s.content_id = '' AND p.time >= %s
"""
TOLD = """
SELECT h.message, e.created_at FROM alert_history h JOIN anomaly_events e USING (anomaly_id) WHERE h.status = 'sent'
"""


class Channel(ThreadingHTTPServer):
    """Keeps every message, and when it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.messages: list[tuple[datetime, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Take(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.messages.append((datetime.now(UTC), f"{told['title']}\n{told['message']}"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def until(condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """Wait for something to be true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s")
        time.sleep(0.1)
    return found


@dataclass
class Installation:
    """One home, brought up as a user does it."""

    settings: Settings
    simulator: Simulator
    channel: Channel
    seen: dict[tuple[str, datetime], datetime] = field(default_factory=dict)
    up_s: list[float] = field(default_factory=list)
    green_s: list[float] = field(default_factory=list)
    changed: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    over: bool = False

    def up(self) -> None:
        """`analytics up`, until it says so and until every part is healthy."""
        log = self.settings.home / "up.log"
        began = time.monotonic()
        with log.open("w") as out:
            command = [sys.executable, "-m", "flows.up", "--port", "0", "--web-port", "0"]
            self.process = subprocess.Popen(command, cwd=self.settings.home, stdout=out, stderr=subprocess.STDOUT)
        until(lambda: "logs  " in log.read_text() or self.process.poll() is not None)
        self.up_s.append(round(time.monotonic() - began, 1))
        lines = log.read_text().splitlines()
        self.api = next(line.split()[-1] for line in lines if "forms" in line) + "/api"
        self.web = next(line.split()[-1] for line in lines if "reports" in line).rstrip("/")
        until(lambda: self.answer(f"{self.web}/readyz").get("status") == "healthy")
        self.green_s.append(round(time.monotonic() - began, 1))

    @staticmethod
    def answer(url: str, body: dict[str, Any] | None = None) -> Any:
        """JSON from one of the parts; nothing where it is away."""
        with suppress(httpx.HTTPError, ValueError):
            return (httpx.post(url, json=body, timeout=10) if body else httpx.get(url, timeout=30)).json()
        return {}

    def pid(self, module: str) -> int:
        """Of the part that runs a module."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError, IndexError, ValueError):
                parent = int((path.parent / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self.process.pid and f"{module}\0".encode() in path.read_bytes():
                    return int(path.parent.name)
        raise LookupError(module)

    def look(self) -> None:
        """Ask the store again and again what is newest, and keep when each reading could first be seen."""
        url, since = libpq_url(database_url(self.settings)), datetime.now(UTC)
        metrics = [metric for _, metric, _ in PLATFORMS.values()]
        while not self.over:
            with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
                while not self.over:
                    for platform, at, _ in connection.execute(POINTS, [metrics, since]):
                        self.seen.setdefault((platform, at), datetime.now(UTC))
                    time.sleep(0.5)
            time.sleep(0.5)

    def meet(self, what: str, due: datetime) -> None:
        """Have the poll that is due meet something."""
        if what == "calm":
            return
        if what in PLATFORMS:
            _, _, name = PLATFORMS[what]
            now = datetime.now(UTC)
            value = float(round(JUMP * truth(what, now)))
            self.simulator.odd(what, **{name: int(value)})
            self.changed[what] = (now, value)
        elif what == "storm":
            self.simulator.fault("429", times=12, retry_after="2")
        elif what == "down":
            self.simulator.fault("503", "reddit", times=0)
        else:
            self.simulator.latency_s = HELD_S
            until(lambda: self.working(due))
            time.sleep(1.0)
            self.strike(what)
            self.simulator.latency_s = 0.0

    def working(self, due: datetime) -> bool:
        """Whether a round of this poll is under way."""
        running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}, "name": {"like_": "collect"}}}
        return datetime.now(UTC) > due and bool(self.answer(f"{self.api}/flow_runs/filter", running))

    def strike(self, what: str) -> None:
        """SIGKILL."""
        if what in ("database", "everything"):
            os.kill(EmbeddedServer(self.settings.server_dir).status().pid, signal.SIGKILL)
        if what in ("runner", "server"):
            os.kill(self.pid({"runner": "flows.serve", "server": "flows.server"}[what]), signal.SIGKILL)
        if what == "everything":
            parts = [self.pid(part) for part in ("flows.serve", "flows.server", "uvicorn")]
            for pid in (self.process.pid, *parts):
                os.killpg(os.getpgid(pid), signal.SIGKILL) if pid in parts else os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.up()
        self.struck[what] += 1

    def down(self) -> None:
        self.over = True
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)


def truth(platform: str, at: datetime) -> float:
    """What the simulated platform shows then."""
    account, metric, _ = PLATFORMS[platform]
    return float(
        history(platform, account, metric, at, at + timedelta(seconds=1), timedelta(seconds=1))["value"].iloc[0]
    )


@contextmanager
def installed() -> Iterator[Installation]:
    """A home of its own with nine days learned; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="hour-", dir="/tmp"))
    home.chmod(0o755)
    channel = Channel()
    with serve(limits=False) as simulator:
        platforms, rules = {}, {}
        for name, (account, metric, _) in PLATFORMS.items():
            where = {"base_url": f"{simulator.url}/{name}", "schedule": "*/4 * * * *", "metrics": [metric]}
            accounts = [{"id": account, "credential": "HOUR_TOKEN"}]
            platforms[name] = {"adapter": name, "display_name": name, "accounts": accounts, **where}
            rules[name] = {"condition": "anomaly", "platform": name, "severity": "low", "channels": ["people"]}
        params = home / "params"
        params.mkdir()
        alerts = {"channels": {"people": "HOUR_CHANNEL"}, "rules": rules}
        (params / "platforms.yaml").write_text(yaml.safe_dump({"platforms": platforms}), "utf-8")
        (params / "alerts.yaml").write_text(yaml.safe_dump(alerts), "utf-8")
        os.environ |= {
            "ANALYTICS_HOME": str(home / "data"),
            "ANALYTICS_PARAMS_DIR": str(params),
            "ANALYTICS_OUTPUT_DIR": str(home / "output"),
            "PYTHONPATH": str(ROOT),
            "HOUR_TOKEN": "token",
            "HOUR_CHANNEL": f"json://127.0.0.1:{channel.server_port}",
        }
        settings = Settings(home=home / "data", params_dir=params, output_dir=home / "output", _env_file=None)
        settings.home.mkdir()
        settings.home.chmod(0o755)
        yield Installation(settings, simulator, channel)
    shutil.rmtree(home)


def learn(installation: Installation) -> None:
    """Nine days of readings up to now."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with open_store(installation.settings) as store:
        for name, (account, metric, _) in PLATFORMS.items():
            frame = history(name, account, metric, now - LEARNED, now)
            store.write(
                frame.assign(platform=name, metric_type=metric, author_id=account), Collection(name, "import", account)
            )


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", default=",".join(PLAN), help="what each poll meets, comma-separated")
    plan = parser.parse_args().plan.split(",")
    with installed() as installation:
        installation.up()  # a fresh home
        learn(installation)
        threading.Thread(target=installation.look, daemon=True).start()
        started = next_poll()
        try:
            for number, what in enumerate(plan):
                due = started + number * EVERY
                # a change comes when the poll before is over, so that it has the longest way to go
                pause_until(due - (EVERY - timedelta(seconds=100) if what in PLATFORMS else timedelta(seconds=20)))
                installation.simulator.faults.orders[:] = [
                    order for order in installation.simulator.faults.orders if order.kind == "odd"
                ]
                installation.meet(what, due)
            pause_until(started + len(plan) * EVERY - timedelta(seconds=20))
            result = reconcile(installation, started, plan)
        finally:
            installation.down()
    print(json.dumps(result))
    sys.exit(1 if result["polls_lost"] or result["wrong"] or result["messages_lost"] else 0)


def next_poll() -> datetime:
    now = datetime.now(UTC)
    begun = now.replace(minute=now.minute - now.minute % 4, second=0, microsecond=0)
    return begun + EVERY * (1 if (begun + EVERY - now) > timedelta(seconds=40) else 2)


def pause_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


def reconcile(installation: Installation, started: datetime, plan: Sequence[str]) -> dict[str, Any]:
    """Every due poll, every value, every message; and the times between them."""
    totals: Counter[str] = Counter(polls=0, polls_down=0, readings=0)
    lost, wrong = [], []
    waits: list[float] = []
    calm: list[float] = []  # the same where nothing was killed since the reading before
    with open_store(installation.settings) as store:
        for name, (account, metric, _) in PLATFORMS.items():
            (number,) = store.series(platforms=[name], metrics=[metric], accounts=[account], content_ids=[""])[
                "series_id"
            ]
            frame = store.read_series([number], started - 2 * EVERY, datetime.now(UTC))
            times = [at.to_pydatetime() for at in frame["time"]]
            totals["readings"] += sum(at >= started for at in times)
            changed_at, changed = installation.changed.get(name, (datetime.max.replace(tzinfo=UTC), 0.0))
            for at, value in zip(times, frame["value"], strict=True):
                right = {changed if at > changed_at else truth(name, at)}
                if at <= changed_at < installation.seen.get((name, at), at):  # it changed while the round was under way
                    right.add(changed)
                if value not in right:
                    wrong.append(f"{name} at {at:%H:%M:%S}: {value}, not {right}")
            for poll, what in enumerate(plan):
                due = started + poll * EVERY
                excused = name == "reddit" and what == "down"
                totals["polls"] += 1
                totals["polls_down"] += excused
                if not excused and not any(due <= at < due + EVERY for at in times):
                    lost.append(f"{name} at {due:%H:%M}, {what}")
            # a change right after one reading is seen with the next: from the one's time to when the other was seen
            for before, at in pairwise(times):
                if before >= started and (name, at) in installation.seen:
                    first, last = (installation.seen[name, at] - at).total_seconds(), (at - before).total_seconds()
                    waits += list(first + np.linspace(0.0, last, 101))
                    met = {plan[int((t - started) / EVERY)] for t in (before, at)}
                    if not met - {"calm", *PLATFORMS}:
                        calm += list(first + np.linspace(0.0, last, 101))
        with store.begin() as connection:
            told = {row.message: row.created_at for row in connection.execute(sa.text(TOLD))}
    came = dict(reversed([(text, at) for at, text in installation.channel.messages]))
    delays = [(came[text] - found).total_seconds() for text, found in told.items() if text in came and found]
    to_message = {}
    for name, (changed_at, _) in installation.changed.items():
        after = [(at - changed_at).total_seconds() for text, at in came.items() if name in text and at > changed_at]
        to_message[name] = round(min(after, default=-1.0), 1)
    return {
        "minutes": len(plan) * 5,
        "struck": dict(installation.struck),
        "up_s": installation.up_s,
        "all_green_s": installation.green_s,
        **totals,
        "polls_lost": lost,
        "wrong": wrong,
        "change_to_query_s": {"p50": pick(waits, 50), "p95": pick(waits, 95), "most": pick(waits, 100)},
        "the_same_undisturbed_s": {"p50": pick(calm, 50), "p95": pick(calm, 95), "most": pick(calm, 100)},
        "messages": len(told),
        "messages_lost": len(set(told) - set(came)),
        "messages_twice": len(installation.channel.messages) - len(came),
        "detected_to_delivered_s": {"p50": pick(delays, 50), "most": pick(delays, 100)},
        "change_to_message_s": to_message,
    }


def pick(values: list[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1) if values else -1.0


if __name__ == "__main__":
    main()
