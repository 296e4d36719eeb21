"""The command line as its user meets it: help with examples, errors on one line, exit status."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from analytics.cli.app import COMMANDS, GROUPS, main
from analytics.jobs.reporting.published import rerun_command
from analytics.params.reports import ReportParams
from tests.reports.publishing.test_site import DRAFT

ROOT = Path(__file__).parents[2]
Typed = Callable[..., tuple[int, str, str]]


def analytics(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANALYTICS_")}
    return subprocess.run(
        [sys.executable, "-c", "from analytics.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean | {"COLUMNS": "120", "NO_COLOR": "1"} | environment,
    )


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run the program in this process, sooner than in one of its own: status, what it said, what it complained of."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        shown = capsys.readouterr()
        return stopped.value.code, shown.out, shown.err

    return run


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), *([name] for name in GROUPS)])
def test_every_command_explains_itself(typed: Typed, words):
    """`--help` is the first thing anybody types."""
    status, said, complained = typed(*words, "--help")

    assert (status, complained) == (0, "")
    assert "Usage: analytics" in said


def test_a_report_without_data_is_one_line_and_status_2(settings):
    """Scripts read the status, people the line."""
    (settings.params_dir / "reports").mkdir(parents=True)
    (settings.params_dir / "reports" / "traffic.yaml").write_text("title: T\n")
    environment = {
        "ANALYTICS_HOME": str(settings.home),
        "ANALYTICS_PARAMS_DIR": str(settings.params_dir),
        "ANALYTICS_OUTPUT_DIR": str(settings.output_dir),
        "ANALYTICS_DATABASE_URL": settings.database_url.get_secret_value(),
    }

    refused = analytics("report", "traffic", "--month", "2020-01", **environment)

    assert refused.returncode == 2
    advice = "the store is empty: `analytics import` or `analytics collect` fills it"
    assert refused.stderr.strip().splitlines() == [f"error: 2020-01: no reading in that month; {advice}"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "traffic", "--month", "2015-13"], "month 2015-13: expected YYYY-MM"),
        (["report", "traffic", "--month", "March"], "month 'March': expected YYYY-MM"),
        (["report", "traffic", "--params-file", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_a_bad_argument_is_named(typed: Typed, arguments, said, tmp_path):
    """Nothing is started for it: no server, no kernel."""
    status, _, complained = typed(*arguments, ANALYTICS_HOME=str(tmp_path / "home"))

    assert status == 2
    assert said in complained
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("elsewhere", [{}, {"ANALYTICS_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}])
def test_the_demos_own_commands_work_on_the_demo(tmp_path, elsewhere):
    """Its gallery once gave a command that found an empty store: the demo's home and params were not those in force."""
    folders = {"ANALYTICS_HOME": str(tmp_path / "home"), "ANALYTICS_OUTPUT_DIR": str(tmp_path / "output")}
    folder = tmp_path / "output" / "demo" / "site" / "traffic" / "2026-10" / "v1"
    folder.mkdir(parents=True)
    manifest = asdict(replace(DRAFT, version=1, files={"html": "t.html"}))
    (folder / "version.json").write_text(json.dumps(manifest))

    listed = analytics("--demo", "report", "list", **folders, **elsewhere)
    made = analytics("--demo", "report", "traffic", "--name", "acme", **folders, **elsewhere)

    assert (listed.returncode, "2026-10" in listed.stdout) == (0, True), listed.stderr
    assert "report 'acme': unknown; expected one of traffic" in made.stderr, made.stderr
    assert rerun_command("traffic", {"month": "2026-10"}, ReportParams(), demo=True) == (
        "analytics --demo report traffic --month 2026-10"
    )


def test_an_unknown_setting_is_named(typed: Typed):
    """A typo in the environment must not pass in silence."""
    status, _, complained = typed("db", "status", ANALYTICS_HOEM="x")

    assert status == 2
    assert "ANALYTICS_HOEM: unknown setting; did you mean ANALYTICS_HOME?" in complained


def test_the_version_is_shown():
    """For a bug report."""
    assert analytics("--version").stdout.startswith("analytics 0.")
