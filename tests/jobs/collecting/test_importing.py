"""`analytics import` and `analytics quarantine`, as someone at a terminal meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer
from sqlalchemy import URL
from typer.testing import CliRunner, Result

from analytics.cli.importing import import_
from analytics.cli.quarantine import app as quarantine
from analytics.errors import AnalyticsError, DataFileError, InputError
from analytics.ingest import ImportSpec
from analytics.jobs.collecting.importing import check_names
from analytics.params.files import Params
from analytics.settings import Settings
from analytics.store import Collection, open_store

GOOD = "timestamp,value\n2015-02-26 21:42:53,104\n2015-02-26 21:47:53,100\n"
AAPL = ("--platform", "twitter", "--metric", "mentions", "--account", "AAPL")
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, database_url: URL, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command("import")(import_)
    app.add_typer(quarantine, name="quarantine")

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def test_a_file_is_loaded_and_counted_and_again_changes_nothing(run: Run, tmp_path: Path, settings: Settings):
    path = tmp_path / "AAPL.csv"
    path.write_text(GOOD)

    first = run("import", path, *AAPL)
    again = run("import", path, *AAPL)

    assert first.exit_code == again.exit_code == 0, first.output
    assert "2        2          0" in first.output
    assert "2        0          2" in again.output
    assert "rows/s" in first.output
    with open_store(settings) as store:
        assert store.series()["author_id"].tolist() == ["AAPL"]


def test_a_pattern_names_many_files_and_each_names_its_account(run: Run, tmp_path: Path, settings: Settings):
    for name in ("AAPL", "GOOG"):
        (tmp_path / f"{name}.csv").write_text(GOOD)

    result = run("import", tmp_path / "*.csv", *AAPL[:4], "--account", "{stem}")

    assert "together" in result.output
    with open_store(settings) as store:
        assert store.series()["author_id"].tolist() == ["AAPL", "GOOG"]


def test_one_bad_file_among_many_leaves_nothing(run: Run, tmp_path: Path, settings: Settings):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text(GOOD + "2015-02-26 21:52:53,many\n")

    result = run("import", tmp_path / "a.csv", tmp_path / "b.csv", *AAPL)

    assert isinstance(result.exception, DataFileError)
    assert "b.csv: line 4: value 'many' is not a number" in str(result.exception)
    with open_store(settings) as store:
        assert store.series().empty


def test_bad_rows_are_set_aside_listed_shown_and_replayed(run: Run, tmp_path: Path):
    path = tmp_path / "in.csv"
    path.write_text(GOOD + "2015-02-26 21:52:53,many\n2999-01-01 00:00:00,5\n")

    loaded = run("import", path, *AAPL, "--quarantine-bad-rows")
    listed = run("quarantine", "list")
    shown = run("quarantine", "show", "1")
    replayed = run("quarantine", "replay", "--all")

    assert "analytics quarantine list" in loaded.output
    assert "value 'many' is not a number" in listed.output
    assert "in.csv line 4" in listed.output
    assert '"value": ' in shown.output
    assert "2 still refused" in replayed.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("quarantine", "replay"), "name rows, or say --all"),
        (("quarantine", "replay", "7"), "quarantine 7: no such row"),
        (("quarantine", "show", "7"), "quarantine 7: no such row"),
        (("import", "gone.csv", *AAPL), "gone.csv: no such file"),
        (("import", "gone.csv", *AAPL, "--ambiguous", "maybe"), "'maybe': expected error, first or second"),
        (("import", "gone.csv", *AAPL, "--delimiter", ";;"), "expected one character"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run: Run, arguments: tuple[str, ...], said: str):
    result = run(*arguments)

    assert isinstance(result.exception, AnalyticsError | InputError)
    assert said in str(result.exception)
    assert result.exception.exit_status == 2


def test_the_five_real_series_load_and_load_again_without_a_change(run: Run, settings: Settings):
    folder = Path(__file__).parents[3] / "../shared/data/nab/realTweets"
    if not folder.is_dir():
        pytest.skip("the public series are not beside the checkout")

    run("import", folder / "*.csv", *AAPL[:4], "--account", "{stem}")
    with open_store(settings) as store:
        before = store.snapshot_id()
    again = run("import", folder / "*.csv", *AAPL[:4], "--account", "{stem}")

    assert "79,301        0     79,301" in again.output
    with open_store(settings) as store:
        assert store.snapshot_id() == before


@pytest.mark.parametrize(
    ("platform", "metric", "said"),
    [
        ("twiter", "mentions", "platform 'twiter': unknown; did you mean 'twitter'?"),
        ("twitter", "mention", "metric 'mention': unknown; did you mean 'mentions'?"),
    ],
)
def test_a_slip_of_the_pen_begins_no_series(settings, platform, metric, said):
    with open_store(settings) as store, pytest.raises(InputError) as refused:
        check_names(store, ImportSpec(platform, metric), Params())

    assert said in str(refused.value)
    assert "--new" in str(refused.value)


def test_a_name_once_begun_is_known(settings):
    """`--new` is needed the first time only."""
    frame = pd.DataFrame({"time": pd.to_datetime(["2026-10-01T00:00Z"]), "value": [1.0]})
    frame = frame.assign(platform="forum", metric_type="threads")
    with open_store(settings) as store:
        store.write(frame, Collection("forum", "import"))

        check_names(store, ImportSpec("forum", "threads"), Params())
