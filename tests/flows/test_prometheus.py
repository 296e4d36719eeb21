"""The dashboard and the alert rules against a real Prometheus that scrapes a running installation."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import yaml

from analytics.settings import Settings
from analytics.store import Collection, open_store
from tests.flows.conftest import ROOT, answers, end, until

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
Ask = Callable[[str], list[dict[str, Any]]]


def tool(name: str) -> str:
    """Where it is; its tests are skipped where it is not installed."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *map(str, arguments)], capture_output=True, text=True)


def test_the_rules_and_the_scrape_configuration_are_valid():
    """As Prometheus reads them at its start."""
    rules = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    config = promtool("check", "config", RULES.with_name("prometheus.yml"))

    assert (rules.returncode, config.returncode) == (0, 0), rules.stderr + config.stderr
    assert "10 rules found" in rules.stdout


def test_every_rule_fires_when_it_should_and_not_before():
    """Each has a case of its own in deploy/prometheus/rules_test.yml."""
    cases = yaml.safe_load(RULES.with_name("rules_test.yml").read_text("utf-8"))["tests"]
    asked = [case for test in cases for case in test["alert_rule_test"]]
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    names = {rule["alert"] for rule in group["rules"]}

    done = promtool("test", "rules", RULES.with_name("rules_test.yml"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert {case["alertname"] for case in asked if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in asked if not case.get("exp_alerts")} == names


def configuration(up, folder: Path) -> Path:
    """The one in deploy/, with this installation's ports, scraped every second."""
    config = yaml.safe_load(RULES.with_name("prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    here = {"analytics": httpx.URL(up.web).netloc.decode(), "prefect": up.api.base_url.netloc.decode()}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [here.pop(job["job_name"])]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


def things_happen(up) -> None:
    """What the panels show: rounds good and refused, a row in quarantine, an incident and its message."""
    up.finished(up.start("collect/github").json()["id"])
    up.simulator.fault("401", times=0)
    up.finished(up.start("collect/github").json()["id"])
    up.simulator.faults.orders.clear()
    with open_store(Settings(home=up.home, _env_file=None)) as store:
        ahead = {"platform": "github", "metric_type": "stars", "time": datetime(2099, 1, 1, tzinfo=UTC), "value": 1.0}
        store.write(pd.DataFrame([ahead]), Collection("github", "import"))
    up.finished(up.start("watch/newest").json()["id"])


@pytest.fixture
def ask(up, tmp_path: Path) -> Iterator[Ask]:
    """A query to a Prometheus that scrapes the installation, before and after something happens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [tool("prometheus"), f"--config.file={configuration(up, tmp_path)}", f"--web.listen-address={address}"]
    command.append(f"--storage.tsdb.path={tmp_path / 'data'}")
    with (tmp_path / "prometheus.log").open("w") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            with httpx.Client(base_url=f"http://{address}/api/v1", timeout=10) as client:

                def query(expression: str) -> list[dict[str, Any]]:
                    answer = client.get("/query", params={"query": expression})
                    assert answer.status_code == 200, f"{expression}: {answer.text}"
                    return answer.json()["data"]["result"]

                until(lambda: answers(f"http://{address}/-/ready"), 60)
                until(lambda: len(query("up == 1")) == 2, 60)
                query.client = client
                yield query
        finally:
            end(server)


def unanswered(ask: Ask, queries: dict[str, str], timeout_s: float = 60.0) -> set[str]:
    """Names of queries that find no series, asked until all do or time is up."""
    deadline = time.monotonic() + timeout_s
    while (left := {name for name, query in queries.items() if not ask(query)}) and time.monotonic() < deadline:
        time.sleep(1.0)
    return left


@pytest.mark.slow
def test_every_panel_shows_something_and_every_rule_can_fire(up, ask):
    """A query that fails, or finds nothing although it happened, is an empty panel or an alert that never comes."""
    panels = json.loads((ROOT / "deploy" / "grafana" / "analytics.json").read_text("utf-8"))["panels"]
    queries = {panel["title"]: target["expr"] for panel in panels for target in panel["targets"]}
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    watched = {rule["alert"]: re.split(r" (?:==|<|>) ", rule["expr"])[0] for rule in group["rules"]}

    until(lambda: ask("alerts_total"), 60)
    things_happen(up)

    assert unanswered(ask, queries) == set()
    assert unanswered(ask, watched) == set()
    assert unanswered(ask, {"first message": 'increase(alerts_total{status="sent"}[1h]) > 0'}) == set()
    (loaded,) = ask.client.get("/rules").json()["data"]["groups"]
    assert {rule["name"]: (rule["health"], rule.get("lastError", "")) for rule in loaded["rules"]} == dict.fromkeys(
        watched, ("ok", "")
    )
