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
