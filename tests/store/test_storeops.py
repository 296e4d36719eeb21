"""The store's commands, as someone at a terminal meets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import typer
from sqlalchemy import URL
from typer.testing import CliRunner, Result

from analytics.cli import credentials, lifecycle, storeops
from analytics.errors import InputError, SettingsError
from analytics.settings import Settings
from analytics.store import Collection, open_store, vault

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands on a database of the test's own, with params that name one platform."""
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("ANALYTICS_HOME", str(settings.home))
    monkeypatch.setenv("ANALYTICS_PARAMS_DIR", str(tmp_path / "params"))
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "platforms.yaml").write_text(
        "platforms: {github: {adapter: github, display_name: GitHub, metrics: [stars]}}"
    )
    app = typer.Typer()
    for name in ("sync", "status", "backup", "restore", "upgrade"):
        app.command(name)(getattr(storeops, name))
    app.add_typer(lifecycle.app, name="lifecycle")
    app.add_typer(credentials.app, name="credentials")

    def invoke(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return invoke


def fill(settings: Settings, days_ago: int = 100) -> None:
    times = pd.date_range(datetime.now(UTC) - timedelta(days=days_ago), periods=300, freq="5min")
    frame = pd.DataFrame({"platform": "github", "metric_type": "stars", "author_id": "a", "time": times, "value": 1.0})
    with open_store(settings) as store:
        store.write(frame, Collection("github", "import", "a", "x"))


def test_sync_names_each_change_and_then_none(run: Run):
    first, again = run("sync"), run("sync")

    assert "platforms github added" in first.output
    assert "says what params say" in again.output


def test_the_lifecycle_is_shown_then_run_then_done(run: Run, settings: Settings):
    fill(settings)

    dry, done, again = run("lifecycle", "run", "--dry-run"), run("lifecycle", "run"), run("lifecycle", "run")

    assert "nothing was changed" in dry.output
    assert "days to warm" in done.output
    assert "days to cold" in done.output
    assert "0 steps: nothing to do" in again.output
    assert list(settings.archive_dir.rglob("*.parquet"))


def test_status_says_what_is_held_and_what_waits(run: Run, settings: Settings):
    fill(settings)

    before = run("status").output
    run("lifecycle", "rollup")
    after = run("status").output

    assert "waiting: 26 hours" in before or "waiting: 25 hours" in before
    assert "waiting: 0 hours" in after
    assert "github" in after


def test_deletion_asks_first(run: Run, settings: Settings):
    fill(settings)

    refused = run("lifecycle", "delete", "github", "--account", "a", "--reason", "asked", stdin="n\n")
    done = run("lifecycle", "delete", "github", "--account", "a", "--reason", "asked", "--yes")

    assert refused.exit_code == 1
    assert "1 series deleted from every tier" in done.output
    with open_store(settings) as store:
        assert store.series().empty


def test_backup_and_upgrade_say_what_they_did(
    run: Run, empty_database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", empty_database_url.render_as_string(hide_password=False))

    upgraded = run("upgrade")
    saved = run("backup", tmp_path / "x.dump")
    restored = run("restore", tmp_path / "x.dump")

    assert "was empty, is now" in upgraded.output
    assert "MB" in saved.output
    assert "is not empty" in str(restored.exception)


def test_credentials_are_set_listed_rotated_and_removed(run: Run, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SettingsError, match="new-key"):
        raise run("credentials", "set", "TOKEN", stdin="s3cret\n").exception or AssertionError
    monkeypatch.setenv("ANALYTICS_SECRET_KEY", run("credentials", "new-key").output.strip())

    stored = run("credentials", "set", "TOKEN", stdin="s3cret\n")
    rotated = run("credentials", "rotate", stdin=vault.new_key() + "\n")
    listed = run("credentials", "list")
    removed = run("credentials", "remove", "TOKEN")
    again = run("credentials", "remove", "TOKEN")

    assert "s3cret" not in stored.output + listed.output
    assert "1 credentials are now encrypted" in rotated.output
    assert listed.output.startswith("TOKEN")
    assert removed.exit_code == 0
    assert isinstance(again.exception, InputError)


def test_status_by_series_shows_the_stalest_first_and_how_many_it_left_out(run: Run, settings: Settings):
    fill(settings, days_ago=100)
    times = pd.date_range(datetime.now(UTC) - timedelta(days=3), periods=2, freq="h")
    fresh = {"platform": "github", "metric_type": "forks", "author_id": "a", "time": times, "value": 1.0}
    with open_store(settings) as store:
        store.write(pd.DataFrame(fresh), Collection("github", "import", "a", "x"))

    both, one = run("status", "--series").output, run("status", "--series", "--limit", "1").output

    assert both.index("stars") < both.index("forks")
    assert "71.0" in both  # hours since the newest reading of three days ago
    assert "stars" in one
    assert "forks" not in one
    assert "1 fresher series not shown" in one
    assert "No series" in run("status", "--series", "--platform", "youtube").output
