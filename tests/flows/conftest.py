"""One installation brought up for the whole run, as a user would: `python -m flows.up` on free ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from analytics import simulator
from analytics.model import Month
from analytics.settings import Settings
from analytics.simulator import history
from analytics.store import Collection, open_store

ROOT = Path(__file__).parents[2]
UP_TIMEOUT_S = 240.0


def until(condition: Callable[[], Any], timeout_s: float = 240.0) -> Any:
    """Wait for something to be true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s"
        time.sleep(0.2)
    return found


def answers(url: str) -> bool:
    """Whether something is there and well."""
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def end(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask it to stop and wait for it; after a minute by force, and that is a fault."""
    process.send_signal(how)
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


class AskAgain(httpx.HTTPTransport):
    """503 means that the server's SQLite is busy; Prefect's own client asks again too."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        while (answer := super().handle_request(request)).status_code == 503:
            answer.close()
            time.sleep(0.2)
        return answer


class Channel(ThreadingHTTPServer):
    """A channel of people's: keeps what arrives, and when."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.messages: list[tuple[datetime, dict[str, str]]] = []
        self.url = f"json://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Take(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.messages.append((datetime.now(UTC), told))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@dataclass
class Running:
    """An installation that is up, the simulated platforms it asks, and the channel it tells."""

    process: subprocess.Popen[str]
    home: Path
    simulator: Any
    channel: Channel
    said: list[str]
    api: httpx.Client
    web: str
    env: dict[str, str]

    def deployment(self, name: str) -> str:
        return self.api.get(f"/deployments/name/{name}").raise_for_status().json()["id"]

    def start(self, name: str, **body: Any) -> httpx.Response:
        return self.api.post(f"/deployments/{self.deployment(name)}/create_flow_run", json=body)

    def run(self, run_id: str) -> dict[str, Any]:
        return self.api.get(f"/flow_runs/{run_id}").raise_for_status().json()

    def finished(self, run_id: str) -> dict[str, Any]:
        ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        return until(lambda: (run := self.run(run_id))["state_type"] in ended and run)

    def runs(self, **where: Any) -> list[dict[str, Any]]:
        return self.api.post("/flow_runs/filter", json=where).raise_for_status().json()


def params_in(folder: Path, simulated: str) -> Path:
    """One platform on loopback, one rule that its stars break; no schedule comes while the tests run."""
    account = {"id": "acme/orchard", "credential": "GITHUB_TOKEN"}
    github = {
        "adapter": "github",
        "display_name": "GitHub",
        "schedule": "0 3 1 1 *",
        "metrics": ["stars", "forks"],
        "base_url": f"{simulated}/github",
        "calls_per_second": 4,
        "burst": 2,
        "accounts": [account],
    }
    (folder / "reports").mkdir(parents=True)
    (folder / "platforms.yaml").write_text(yaml.safe_dump({"platforms": {"github": github}}), "utf-8")
    never = dict.fromkeys(("detect", "inbox", "rollup", "lifecycle", "levels", "budget", "health"), "0 3 1 1 *")
    (folder / "operations.yaml").write_text(yaml.safe_dump(never), "utf-8")
    rule = {"condition": "threshold", "severity": "high", "channels": ["team"], "config": {"above": 1}}
    alerts = {
        "channels": {"team": "TEAM_CHANNEL", "gone": "GONE_CHANNEL"},
        "rules": {"many": rule | {"metric": "stars"}},
    }
    (folder / "alerts.yaml").write_text(yaml.safe_dump(alerts), "utf-8")
    (folder / "reports" / "traffic.yaml").write_text("title: Traffic\n", "utf-8")
    (folder / "reports" / "mailed.yaml").write_text("recipients: [ana@example.com, gone]\n", "utf-8")
    return folder


def with_stars(up: Running, month: Month) -> None:
    """A month's readings, as if they had been collected."""
    first, end = month.bounds("UTC")
    stars = history("github", "acme/orchard", "stars", first, end)
    with open_store(Settings(home=up.home, _env_file=None)) as store:
        stars = stars.assign(platform="github", metric_type="stars", author_id="acme/orchard")
        store.write(stars, Collection("github", "simulator", "acme/orchard"))


@pytest.fixture(scope="session")
def up(reachable_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home, channel = reachable_dir / "installation", Channel()
    with simulator.serve() as simulated:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("ANALYTICS_", "PREFECT_"))}
        env |= {
            "ANALYTICS_HOME": str(home),
            "ANALYTICS_PARAMS_DIR": str(params_in(tmp_path_factory.mktemp("params") / "params", simulated.url)),
            "ANALYTICS_OUTPUT_DIR": str(tmp_path_factory.mktemp("output")),
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "GITHUB_TOKEN": "secret",
            "TEAM_CHANNEL": channel.url,
            "GONE_CHANNEL": "json://127.0.0.1:9",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "flows.up", "--port", "0", "--web-port", "0"]
        process = subprocess.Popen(
            command,
            env=env,
            cwd=tmp_path_factory.mktemp("cwd"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said = lines_until_up(process)
            pages = next(line.split()[-1] for line in said if "forms" in line)
            web = next(line.split()[-1] for line in said if "reports" in line).rstrip("/")
            with httpx.Client(base_url=f"{pages}/api", timeout=30, transport=AskAgain()) as api:
                there = {"PREFECT_API_URL": f"{pages}/api", "PREFECT_HOME": str(home / "client"), "DO_NOT_TRACK": "1"}
                yield Running(process, home, simulated, channel, said, api, web, env | there)
        finally:
            end(process, signal.SIGINT)


def lines_until_up(process: subprocess.Popen[str]) -> list[str]:
    said: list[str] = []
    deadline = time.monotonic() + UP_TIMEOUT_S
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.rstrip())
        if line.strip().startswith("logs"):
            return said
        assert time.monotonic() < deadline, "\n".join(said)
    raise AssertionError("it ended: " + "\n".join(said))
