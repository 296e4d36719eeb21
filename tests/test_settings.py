"""Settings: from the environment and `.env`, with errors that name the variable."""

import pytest

from analytics.errors import SettingsError
from analytics.settings import credential, environment_of, load_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch, tmp_path):
    for name in ("ANALYTICS_HOME", "ANALYTICS_DATABASE_URL", "ANALYTICS_JOBS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_key(tmp_path):
    """A fresh clone starts without a `.env`."""
    settings = load_settings()

    assert settings.database_url is None
    assert settings.server_dir.name == "postgres"


def test_dotenv_and_environment_are_read_and_the_environment_wins(monkeypatch, tmp_path):
    """The usual order, so that one run can differ."""
    (tmp_path / ".env").write_text("ANALYTICS_HOME=from_file\nANALYTICS_JOBS=1\nGITHUB_TOKEN=abc\n")
    monkeypatch.setenv("ANALYTICS_JOBS", "2")

    settings = load_settings()

    assert (str(settings.home), settings.jobs) == ("from_file", 2)
    assert credential("GITHUB_TOKEN").get_secret_value() == "abc"


def test_an_unknown_variable_is_refused_with_the_nearest_name(monkeypatch):
    """A typo would otherwise leave the default silently in force."""
    monkeypatch.setenv("ANALYTICS_HOMEE", "x")

    with pytest.raises(SettingsError, match="ANALYTICS_HOMEE: unknown setting; did you mean ANALYTICS_HOME"):
        load_settings()


def test_a_bad_value_names_the_variable(monkeypatch):
    """And says what was expected."""
    monkeypatch.setenv("ANALYTICS_JOBS", "many")

    with pytest.raises(SettingsError, match=r"ANALYTICS_JOBS: .*integer"):
        load_settings()


def test_a_password_is_never_shown(monkeypatch):
    """Settings are printed in logs and tracebacks."""
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1/x")

    assert "hunter2" not in repr(load_settings())


def test_another_process_in_another_folder_finds_the_same_installation(monkeypatch, tmp_path):
    """A kernel starts in the notebook's folder: relative paths and the .env of here mean nothing there."""
    (tmp_path / ".env").write_text("ANALYTICS_HOME=state\nANALYTICS_DATABASE_URL=postgresql://u:hunter2@127.0.0.1/x\n")
    here = load_settings()

    for name, value in environment_of(here).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = load_settings()

    assert there.home == tmp_path / "state"
    assert there.database_url == here.database_url
    assert there.params_dir.resolve() == here.params_dir.resolve()
