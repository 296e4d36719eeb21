"""Making a report: real notebook, real database; what is refused, what is left behind when it fails, what is reused."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from analytics.cli.report import app
from analytics.errors import InputError, NoDataError
from analytics.jobs.reporting.published import rerun_command
from analytics.jobs.reporting.report import FORMATS, make_report, month_asked, options_from, parameters_of, zone_for
from analytics.jobs.reporting.verify import verify
from analytics.model import Month
from analytics.params.reports import ReportParams
from analytics.settings import Settings, environment_of
from analytics.store import Collection, open_store

OCTOBER = Month(2026, 10)


def installed(settings):
    """Settings, which the notebook's own process is told of, with default params."""
    (settings.params_dir / "reports").mkdir(parents=True)
    (settings.params_dir / "reports" / "traffic.yaml").write_text("title: Brand traffic\nalgorithm: ewma\n")
    return settings


def with_readings(settings):
    """An installation with two months of one series."""
    installed(settings)
    times = pd.date_range("2026-09-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    usual = 60 + 30 * np.sin(2 * np.pi * times.hour / 24)
    frame = pd.DataFrame(
        {
            "platform": "twitter",
            "metric_type": "mentions",
            "author_id": "acme",
            "time": times,
            "value": np.random.default_rng(5).poisson(usual).astype(float),
        }
    )
    with open_store(settings) as store:
        store.write(frame, Collection("twitter", "import", account="acme"))
    return settings


@pytest.fixture
def installation(settings):
    return installed(settings)


@pytest.fixture
def filled(settings):
    return with_readings(settings)


@pytest.mark.slow
def test_a_report_is_made_then_reused(filled):
    """The main job, whole: notebook executed, every format rendered, nothing remade without a reason."""
    made = make_report(filled, "traffic", month=OCTOBER)
    first = {kind: path.read_bytes() for kind, path in made.files.items()}

    reused = make_report(filled, "traffic", month=OCTOBER, reuse=True)

    assert set(first) == {"ipynb", "provenance", "sources", *FORMATS}
    assert all(entry["provenance"]["snapshot"] for entry in json.loads(first["provenance"]))
    assert b"Brand traffic" in first["html"]
    assert first["pdf"].startswith(b"%PDF-")
    assert reused.seconds == {}
    assert {kind: path.read_bytes() for kind, path in reused.files.items()} == first
    assert made.shown("pdf") == filled.output_dir / "reports" / "traffic" / "2026-10" / "traffic-2026-10.pdf"
    assert made.shown("pdf").read_bytes() == first["pdf"]
    assert "ewma" in json.dumps(made.parameters)


def folders(settings) -> dict[str, set[str]]:
    """The formats at each place that shows a run."""
    home = settings.output_dir / "reports" / "traffic"
    shown = {place.name: place.glob("traffic-2026-10.*") for place in home.iterdir() if place.is_symlink()}
    return {place: {path.name.removeprefix("traffic-2026-10.") for path in paths} for place, paths in shown.items()}


@pytest.mark.slow
def test_runs_with_other_parameters_or_formats_and_processes_leave_each_other_alone(filled, tmp_path):
    """One is killed in the middle, two make the same month at once, others ask for less; no folder holds two runs."""
    program = [sys.executable, "-c", "import analytics.cli; analytics.cli.main()"]
    command = [*program, *["report", "traffic", "--month", "2026-10", "--no-publish", "--formats", "json,html"]]
    environment = os.environ | environment_of(filled)
    home = filled.output_dir / "reports" / "traffic"

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)

    killed = started()
    while killed.poll() is None and not list(home.glob(".runs/.new-2026-10.*")):
        time.sleep(0.02)
    assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (home / "2026-10").exists()
    both = [started(), started()]
    assert [process.wait() for process in both] == [0, 0]
    whole = {path.name: path.read_bytes() for path in (home / "2026-10").iterdir()}
    json_only = make_report(filled, "traffic", month=OCTOBER, formats=("json",))
    other = make_report(filled, "traffic", month=OCTOBER, formats=("json",), overrides={"timezone": "Asia/Tokyo"})
    mine = make_report(filled, "traffic", month=OCTOBER, formats=("json",), output=tmp_path / "mine")

    sides = {"ipynb", "json", "provenance.json", "sources.md", "stamp"}
    assert other.place is not None
    assert other.place.name.startswith("2026-10-timezone-")
    assert folders(filled) == {"2026-10": sides | {"html"}, "2026-10-json": sides, other.place.name: sides}
    assert {path.name: path.read_bytes() for path in (home / "2026-10").iterdir()} == whole
    assert sorted(path.name for path in (home / ".runs").glob("[.2]*") if path.is_dir()) == sorted(
        ["2026-10.1", "2026-10.2", "2026-10-json.1", f"{other.place.name}.1"]
    )
    assert mine.files["json"] == tmp_path / "mine" / "traffic-2026-10.json"
    assert mine.files["json"].read_bytes() == json_only.files["json"].read_bytes()
    with pytest.raises(InputError, match="is not an empty folder"):
        make_report(filled, "traffic", month=OCTOBER, formats=("json",), output=tmp_path / "mine")
    assert verify(filled, mine.files["ipynb"]).same_bytes


def test_a_month_without_data_starts_no_kernel_and_leaves_nothing(filled):
    """The user learns which months there are, at once."""
    with pytest.raises(NoDataError, match="2020-01: no reading in that month; stored: 2026-09 to 2026-10"):
        make_report(filled, "traffic", month=Month(2020, 1))

    assert not (filled.output_dir / "reports").exists()


def test_a_month_within_a_gap_is_refused_as_early_and_named_as_one(filled):
    """First and last reading say nothing of what lies between."""
    with open_store(filled) as store:
        early = {"platform": "twitter", "metric_type": "mentions", "author_id": "acme", "value": 1.0}
        store.write(
            pd.DataFrame([early | {"time": pd.Timestamp("2026-03-05", tz="UTC")}]), Collection("twitter", "api")
        )

    with pytest.raises(NoDataError, match="2026-05: no reading in that month; stored: 2026-03, 2026-09 to 2026-10"):
        make_report(filled, "traffic", month=Month(2026, 5))

    assert not (filled.output_dir / "reports").exists()


def test_an_empty_store_says_how_to_fill_it(installation):
    """The first thing a newcomer may try."""
    with pytest.raises(NoDataError, match="the store is empty: `analytics import`"):
        make_report(installation, "traffic", month=OCTOBER)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timezon": "UTC"}, "parameter 'timezon': unknown; did you mean 'timezone'"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"algorithm": "ewam"}, "algorithm"),
        ({"window_days": "many"}, "window_days"),
        ({"window_days": 0}, "window_days"),
        ({"window_days": 3}, "report traffic: window_days 3 is less than min_history_days 7 .*; use at least 7"),
        ({"notebook": "../../etc/passwd"}, "parameter 'notebook': unknown"),
        ({"compare": "last year"}, "expected YYYY-MM"),
        ({"platforms": 3}, "platforms"),
        ({"language": "xx"}, "language 'xx': expected one of en, de, fr, es"),
        ({"timezone": "Europe/Berln"}, "time zone 'Europe/Berln': did you mean 'Europe/Berlin'"),
        ({"sections": ["sumary"]}, "section 'sumary': unknown; did you mean 'summary'"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(installation, options, said):
    """A typo would otherwise leave the default silently in force."""
    with pytest.raises(InputError, match=said):
        parameters_of(installation, "traffic", OCTOBER, options)


def test_a_report_has_its_own_brand_and_language(installation):
    """A client's report must not carry another's name; the language may be chosen for one run."""
    client = {"brand": {"name": "Client", "language": "fr"}}
    (installation.params_dir / "reports" / "client.yaml").write_text(yaml.safe_dump(client))

    usual = parameters_of(installation, "client", OCTOBER, {})
    chosen = parameters_of(installation, "client", OCTOBER, {"language": "de"})

    assert (usual["brand"], usual["language"], chosen["language"]) == ("client", "fr", "de")
    assert rerun_command("client", usual, ReportParams.model_validate(client)) == (
        "analytics report traffic --name client --month 2026-10"
    )
    assert rerun_command("client", chosen, ReportParams.model_validate(client)).endswith("--language de")


def test_an_unknown_report_or_format_is_refused_with_the_nearest_name(filled):
    """Names of reports are the files below params/reports."""
    with pytest.raises(InputError, match="report 'trafic': unknown; did you mean 'traffic'"):
        make_report(filled, "trafic", month=OCTOBER)
    with pytest.raises(InputError, match="format 'pfd': unknown; did you mean 'pdf'"):
        make_report(filled, "traffic", month=OCTOBER, formats=("pfd",))
    with pytest.raises(InputError, match="formats: none is named; expected some of html, pdf"):
        make_report(filled, "traffic", month=OCTOBER, formats=())
    with pytest.raises(InputError, match=r"platform 'twiter': nothing stored under that name; did you mean 'twitter'"):
        make_report(filled, "traffic", month=OCTOBER, overrides={"platforms": "twiter"})


def test_options_come_from_a_file_too(tmp_path: Path):
    """A rerun can be kept beside the report it made."""
    path = tmp_path / "rerun.yaml"
    path.write_text(yaml.safe_dump({"month": "2026-10", "accounts": ["acme"]}))

    assert options_from(path) == {"month": "2026-10", "accounts": ["acme"]}
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        options_from(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{from: 2024-01-05, to: 2024-01-18, platforms: twitter}", "2024-01-05--2024-01-18: no reading"),
        ("{formats: [pfd], publish: false}", "format 'pfd': unknown; did you mean 'pdf'"),
        ("{formats: 'html,pfd'}", "format 'pfd'"),
        ("{publish: maybe}", "publish 'maybe': expected true or false"),
        ("{from: 2024-01-05}", "period: give --month, or both --from and --to"),
    ],
)
def test_a_params_file_takes_what_the_options_take(filled, tmp_path, monkeypatch, content, said):
    """Its help says that the names are the same."""
    (tmp_path / "rerun.yaml").write_text(content)
    for name, value in environment_of(filled).items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(app, ["traffic", "--params-file", str(tmp_path / "rerun.yaml")])

    assert said in str(result.exception)


def test_without_a_month_the_last_whole_one_is_meant():
    """On any day of a month, the report is that of the month before."""
    today = pd.Timestamp.now("UTC")

    assert month_asked(None) == Month(today.year, today.month).previous()
    assert month_asked("2026-10") == OCTOBER


@pytest.mark.parametrize(
    ("zone", "month"), [("Asia/Tokyo", "2026-10"), ("UTC", "2026-09"), ("America/Lima", "2026-09")]
)
def test_a_month_ends_where_the_report_is_read(tmp_path: Path, zone, month):
    """At six in the morning of 1 November in Tokyo it is October still in UTC: the report was September's."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "east.yaml").write_text(f"timezone: {zone}\n")
    settings = Settings(params_dir=tmp_path, _env_file=None)

    assert str(month_asked(None, zone_for(settings, "east"), now=datetime(2026, 10, 31, 21, tzinfo=UTC))) == month
    assert zone_for(settings, "east", "Europe/Berlin") == "Europe/Berlin"
