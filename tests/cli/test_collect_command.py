"""`analytics collect`, `replay` and `simulator` as a person types them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from analytics.cli import main
from analytics.simulator import serve
from tests.conftest import connect

ANALYTICS = Path(sys.executable).with_name("analytics")
NOW = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)


@pytest.fixture
def installed(settings, tmp_path):
    """The environment of an installation of this test's own, with one platform."""
    (tmp_path / "params").mkdir(exist_ok=True)
    (tmp_path / "params" / "platforms.yaml").write_text(
        "platforms:\n"
        "  github: {adapter: github, display_name: GitHub, metrics: [stars, views],\n"
        "           accounts: [{id: acme/orchard, credential: GITHUB_TOKEN}]}\n"
    )
    return {
        "ANALYTICS_HOME": str(settings.home),
        "ANALYTICS_PARAMS_DIR": str(settings.params_dir),
        "ANALYTICS_DATABASE_URL": settings.database_url.get_secret_value(),
        "GITHUB_TOKEN": "a-token-of-mine",
        "COLUMNS": "160",
    }


@pytest.fixture
def analytics(installed, tmp_path):
    """Run the program in a process of its own."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ANALYTICS, *arguments],
            env=os.environ | installed | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_collect_shows_what_came_and_fails_where_nothing_did(analytics, database_url):
    with serve(now=NOW) as simulator:
        good = analytics("collect", "--base-url", simulator.url, "--at", "2026-11-20T12:03:00Z")
        with connect(database_url) as database:  # nobody has run `analytics sync`
            defined = set(
                database.execute("SELECT DISTINCT metric_type, definition_id FROM platform_metrics").fetchall()
            )
        bad = analytics("collect", "--base-url", simulator.url, GITHUB_TOKEN="revoked")

    assert good.returncode == 0, good.stderr
    assert re.search(r"github\s+acme/orchard\s+ok\s+2\s+15\s+0", good.stdout)
    assert defined == {("stars", "github.stars"), ("views", "github.views")}
    assert bad.returncode == 1
    assert "answered 401: Bad credentials" in bad.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("collect", "myspace"), "platform 'myspace': not in params/platforms.yaml; it has github"),
        (("collect", "--at", "yesterday"), "time 'yesterday': expected ISO 8601"),
        (("collect", "--base-url", "localhost"), "expected http:// or https://"),
        (("simulator", "truth", "myspace", "acme", "--month", "2026-10"), "no platform 'myspace'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(installed, monkeypatch, capsys, arguments, said):
    for name, value in installed.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))

    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.strip().splitlines()) == 1


def test_a_budget_that_will_not_hold_is_said_before_it_is_spent(tmp_path, monkeypatch, capsys):
    """Two hundred posts of one account cost a dollar a day, however often they are read."""
    (tmp_path / "platforms.yaml").write_text(
        "platforms:\n"
        "  x: {adapter: twitter, display_name: X, schedule: '*/5 * * * *', budget: {usd_per_month: 20},\n"
        "      accounts: [{id: acme}]}\n"
    )
    monkeypatch.setenv("ANALYTICS_PARAMS_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")

    with pytest.raises(SystemExit) as stopped:
        main(["budget", "plan"])

    shown = capsys.readouterr().out
    assert stopped.value.code == 1
    assert re.search(r"x\s+288\s+864 calls\s+no limit\s+30\.30\s+20\s+over budget", shown)
    assert "leaves out competitors' contents first" in shown


def test_the_simulator_runs_until_it_is_stopped(tmp_path):
    process = subprocess.Popen(
        [ANALYTICS, "simulator", "run", "--port", "0", "--now", "2026-11-20T12:03:00Z"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
    )
    try:
        url = process.stdout.readline().strip()
        answer = httpx.get(f"{url.rpartition('/')[0]}/github/users/acme")
    finally:
        process.send_signal(2)  # Ctrl-C
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.stdout.close()

    assert answer.json()["login"] == "acme"
    assert process.returncode == 0
