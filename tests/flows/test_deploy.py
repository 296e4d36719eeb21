"""What stands in deploy/ speaks of metrics, pages and files that exist."""

import json
import re
from pathlib import Path

import pytest
import yaml

from analytics.settings import Settings
from analytics.store import Store
from analytics.store.engine import make_engine
from analytics.web.metrics import Metrics
from flows.environment import BEHAVIOUR, RUNS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FOREIGN = {"up"}  # Prometheus' own
WORDS = {"by", "le", "sum", "rate", "increase", "histogram_quantile", "channel", "status", "platform", "type", "result"}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Names our exposition can hold."""
    settings = Settings(home=Path("/nonexistent"), _env_file=None)
    metrics = Metrics(settings, lambda: Store(make_engine("postgresql://x@127.0.0.1:1/x")))
    families = list(metrics.registry.collect())
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {family.name + suffix for family in families for suffix in suffixes.get(family.type, ("",))}


def metrics_in(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)', " ", expression)
    return {name for name in re.findall(r"[a-z_]{2,}", bare) if name not in WORDS}


def test_the_dashboard_asks_for_metrics_there_are(known):
    """A renamed metric would leave an empty panel that nobody notices."""
    panels = json.loads((DEPLOY / "grafana" / "analytics.json").read_text("utf-8"))["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in metrics_in(target["expr"])}

    assert len(panels) >= 12
    assert asked - known == set()


def test_every_rule_asks_for_metrics_there_are_and_names_its_page(known):
    """The runbook's heading must exist, or the link leads nowhere at three in the morning."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text("utf-8"))["groups"]
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operations.md").read_text("utf-8"), flags=re.M)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}

    for rule in group["rules"]:
        assert metrics_in(rule["expr"]) - known - FOREIGN == set()
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert (page, anchor in anchors) == ("docs/operations.md", True), anchor


def test_what_the_compose_file_mounts_and_runs_is_there():
    """Checked as text: no container runs here."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]

    assert (DEPLOY / "Dockerfile").is_file()
    assert (DEPLOY / "initdb" / "prefect.sql").is_file()
    modules = {command[2] for s in services.values() if (command := s.get("command", [])) and command[1:2] == ["-m"]}
    assert modules == {"flows.server", "flows.register"}
    for module in modules:
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_every_process_knows_how_often_it_has_to_be_heard():
    """Workers whose runs spoke every two minutes, as Prefect's own do, had each longer one marked as crashed."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    unit = (DEPLOY / "systemd" / "analytics-worker.service").read_text("utf-8")

    assert services["worker"]["environment"].items() >= RUNS.items()
    assert all(f"Environment={name}={value}\n" in unit for name, value in RUNS.items())
    for name in ("PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION", "PREFECT_SERVER_METRICS_ENABLED"):
        assert services["server"]["environment"][name] == BEHAVIOUR[name]


def test_any_password_fits_into_the_compose_file():
    """`@` and `/` end a password that stands in a URL."""
    text = (DEPLOY / "compose.yaml").read_text("utf-8")

    assert not re.findall(r"://\S*\$\{POSTGRES_PASSWORD", text)
    assert "latest" not in text


def test_units_and_commands_read_one_file_whose_folders_may_be_written():
    """A command in a shell used other folders than the service, and a worker one that it could not write to."""
    lines = (DEPLOY / "systemd" / "env.example").read_text("utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text("utf-8")
        (writable,) = re.findall(r"^ReadWritePaths=(.+)$", text, flags=re.M)
        (folder,) = re.findall(r"^WorkingDirectory=(.+)$", text, flags=re.M)
        assert f"EnvironmentFile={folder}/.env\n" in text
        assert all(given[name].startswith(writable) for name in ("ANALYTICS_HOME", "ANALYTICS_OUTPUT_DIR"))
