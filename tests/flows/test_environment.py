"""The environment of Prefect's processes: nothing sent anywhere, loopback, state below our home."""

from pathlib import Path

from analytics.settings import Settings
from flows.environment import environment, server_environment


def made(tmp_path: Path, *, public_url: str | None = None, **inherited: str) -> dict[str, str]:
    settings = Settings(home=tmp_path, params_dir=tmp_path, output_dir=tmp_path, public_url=public_url, _env_file=None)
    return environment(settings, port=4321, web_port=8621, inherited=inherited)


def test_both_telemetry_switches_are_off(tmp_path):
    """The client and the server have one each; setting only one leaves the other talking."""
    env = made(tmp_path)

    assert env["DO_NOT_TRACK"] == "1"
    assert env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_the_pages_are_told_where_the_server_is_before_it_starts(tmp_path):
    """Started with a port alone, Prefect's pages call port 4200 whatever the port."""
    env = made(tmp_path, PREFECT_API_URL="http://elsewhere:4200/api")

    assert env["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert env["PREFECT_SERVER_API_HOST"] == "127.0.0.1"


def test_an_operator_may_set_anything_else(tmp_path):
    """For example a PostgreSQL of their own for Prefect."""
    env = made(tmp_path, PREFECT_RUNNER_POLL_FREQUENCY="2", PREFECT_SERVER_DATABASE_CONNECTION_URL="postgresql://x")

    assert env["PREFECT_RUNNER_POLL_FREQUENCY"] == "2"
    assert env["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql://x"


def test_state_is_below_our_home_and_readers_find_the_reports(tmp_path):
    """Nothing lands in the user's own ~/.prefect."""
    env = made(tmp_path)

    assert env["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert env["ANALYTICS_PUBLIC_URL"] == "http://127.0.0.1:8621"


def test_readers_are_sent_where_the_settings_say(tmp_path):
    """Set in `.env`, which is no variable of the shell, it was overlooked: every letter linked to loopback."""
    assert made(tmp_path, public_url="https://r.example")["ANALYTICS_PUBLIC_URL"] == "https://r.example"


def test_the_server_does_not_get_the_secret_key(tmp_path):
    """Only runs and the web app open credentials; a process without the key cannot lose it."""
    env = made(tmp_path, ANALYTICS_SECRET_KEY="key", analytics_secret_key="key", PATH="/bin")

    server = server_environment(env)

    assert env["ANALYTICS_SECRET_KEY"] == "key"
    assert "key" not in server.values()
    assert set(env) - set(server) == {"ANALYTICS_SECRET_KEY", "analytics_secret_key"}
