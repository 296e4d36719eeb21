"""An installation as a user has it: real server, runner, web app and database; platforms simulated on loopback."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from analytics.settings import Settings
from analytics.store.server.client import libpq_url
from analytics.store.server.supervisor import EmbeddedServer, database_url
from tests.flows.conftest import ROOT, answers, until

pytestmark = pytest.mark.slow


def stored(up) -> int:
    with psycopg.connect(libpq_url(database_url(Settings(home=up.home, _env_file=None)))) as connection:
        return connection.execute("SELECT count(*) FROM points").fetchone()[0]


def forget_points(up) -> None:
    """Another test may have asked within the same five minutes, whose readings are no new points."""
    with psycopg.connect(libpq_url(database_url(Settings(home=up.home, _env_file=None)))) as connection:
        connection.execute("DELETE FROM points")


def collections_in(up) -> int:
    with psycopg.connect(libpq_url(database_url(Settings(home=up.home, _env_file=None)))) as connection:
        return connection.execute("SELECT count(*) FROM collections WHERE outcome = 'ok'").fetchone()[0]


def pids_of(word: bytes) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def test_schedules_make_runs(up):
    """The scheduler of Prefect 3.8.8 fails under SQLAlchemy 2.1 unless repaired: everything else would work."""
    deployment = up.deployment("report/traffic-monthly")

    scheduled = until(
        lambda: up.runs(
            deployments={"id": {"any_": [deployment]}},
            flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}},
            limit=5,
        )
    )

    assert all("T06:00:00" in run["expected_start_time"] for run in scheduled)


def test_what_runs_leave_behind_is_this_accounts_alone(up):
    """Schedules' database, logs and raw answers were open to every account of the machine."""
    prefect = up.home / "prefect"

    assert {folder.stat().st_mode & 0o777 for folder in (prefect, prefect / "logs")} == {0o700}
    assert (prefect / "prefect.db").stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in (prefect / "logs").glob("*.log")} == {0}


def test_a_round_is_collected_and_shown(up):
    """From the form to the store and back into the UI, under a name that can be read."""
    forget_points(up)
    asked = up.start("collect/github").raise_for_status().json()

    run = up.finished(asked["id"])

    table = up.api.get("/artifacts/collect-github/latest").raise_for_status().json()
    assert (run["state_type"], run["name"]) == ("COMPLETED", "collect github")
    assert run["state"]["message"] == "2 new points from 1 accounts"
    assert '"account": "acme/orchard"' in table["data"]
    assert stored(up) == 2


@pytest.mark.parametrize("month", ["2026-13", "26-10", "October"])
def test_a_form_refuses_what_cannot_be(up, month):
    """Before a run is made, not minutes later."""
    answer = up.start("report/traffic-monthly", parameters={"month": month})

    assert answer.status_code in (409, 422)
    assert "month" in answer.text


def test_a_month_without_readings_ends_in_plain_words(up):
    """Not in an empty report."""
    asked = up.start("report/traffic-monthly", parameters={"month": "2019-02"}).raise_for_status().json()

    run = up.finished(asked["id"])

    assert run["state_type"] == "FAILED"
    assert "2019-02" in run["state"]["message"]


def test_the_same_request_twice_is_one_run(up):
    """A client that did not hear the answer may ask again."""
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}

    answers = [up.start("report/traffic-monthly", idempotency_key="report-2026-10", state=later) for _ in range(2)]
    first, second = (answer.raise_for_status().json()["id"] for answer in answers)

    assert first == second
    up.api.delete(f"/flow_runs/{first}").raise_for_status()


def test_a_killed_runner_loses_and_blocks_nothing(up):
    """Runner and run die by SIGKILL: the run is started again and completes, and its slot is free for the next."""
    up.simulator.latency_s = 30.0
    stuck = up.start("collect/github").json()["id"]
    until(lambda: up.run(stuck)["state_type"] == "RUNNING")
    (pid,) = [pid for pid in pids_of(b"flows.serve\0") if parent(pid) == up.process.pid]

    os.killpg(pid, signal.SIGKILL)

    up.simulator.latency_s = 0.0
    again = up.finished(stuck)
    assert (again["state_type"], again["run_count"]) == ("COMPLETED", 2)
    assert up.finished(up.start("collect/github").json()["id"])["state_type"] == "COMPLETED"


@pytest.mark.parametrize("gone", ["server", "database"])
def test_what_goes_away_under_a_run_comes_back_and_loses_nothing(up, gone):
    """SIGKILL while a round waits for its platform: the part comes back, the round is stored once and completes."""
    database = EmbeddedServer(Settings(home=up.home, _env_file=None).server_dir)
    before = collections_in(up)
    up.simulator.latency_s = 8.0
    asked = up.start("collect/github").json()["id"]
    until(lambda: up.run(asked)["state_type"] == "RUNNING")
    (server,) = [pid for pid in pids_of(b"flows.server\0") if parent(pid) == up.process.pid]

    os.kill(server if gone == "server" else database.status().pid, signal.SIGKILL)

    up.simulator.latency_s = 0.0
    until(lambda: answers(f"{up.api.base_url}health") and database.status().state == "running")
    assert up.finished(asked)["state_type"] == "COMPLETED"
    assert collections_in(up) == before + 1


def test_a_second_one_is_refused(up):
    """Two runners on one home would collect everything twice; that the ports are taken as well is no news."""
    port = up.api.base_url.port
    env = {**os.environ, "ANALYTICS_HOME": str(up.home), "PYTHONPATH": str(ROOT)}

    command = [sys.executable, "-m", "flows.up", "--port", str(port), "--web-port", "0"]
    second = subprocess.run(command, env=env, capture_output=True, text=True)

    assert second.returncode == 2
    assert "already up" in second.stderr
    assert f'"pid": {up.process.pid}, "port": {port}' in second.stderr


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        (("--port", "70000"), "--port 70000: expected 0 to 65535"),
        (("--port", "18999", "--web-port", "18999"), "--port and --web-port are both 18999"),
    ],
)
def test_ports_that_cannot_be_are_refused_at_once(tmp_path, ports, said):
    """Not after half a minute, and not with a traceback."""
    env = {**os.environ, "ANALYTICS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    ended = subprocess.run([sys.executable, "-m", "flows.up", *ports], env=env, capture_output=True, text=True)

    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr


def test_the_web_app_answers(up):
    """It belongs to what `up` starts."""
    assert httpx.get(f"{up.web}/healthz").json()["status"] == "healthy"


TAKE_TURNS = """
import time
from analytics.params.files import Params
from flows.limits import turns
entry = {"adapter": "github", "display_name": "G", "calls_per_second": 4}
turn = turns(Params.model_validate({"platforms": {"github": entry}}))["github"]
for _ in range(10):
    turn()
    print(time.time(), flush=True)
"""


def test_two_workers_together_stay_below_a_platforms_rate(up):
    """The server hands out slots: 4 a second, 2 at once, to whoever asks."""
    env = {**os.environ, "PREFECT_API_URL": str(up.api.base_url), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TAKE_TURNS]

    workers = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    times = sorted(float(line) for worker in workers for line in worker.communicate(timeout=120)[0].split())

    assert len(times) == 20
    assert max(sum(at <= t < at + 1 for t in times) for at in times) <= 2 + 4 + 1  # burst, rate, one at the edge
    assert times[-1] - times[0] >= (20 - 2) / 4 * 0.9


def test_without_a_slot_no_call_goes_out(up, monkeypatch):
    """A limit that is gone, or a server that is away, must not mean "no limit"."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from analytics.errors import TransientSourceError
    from flows.limits import take_turn

    with (
        temporary_settings({PREFECT_API_URL: str(up.api.base_url)}),
        pytest.raises(TransientSourceError, match="calls-nobody"),
    ):
        take_turn("nobody")


def test_what_keeps_an_installation_in_order_runs_and_says_what_it_did(up):
    names = ["rollup/hours", "inbox/letters", "lifecycle/tiers", "levels/alerts", "budget/spent"]
    started = [up.start(name).raise_for_status().json()["id"] for name in names]

    ended = dict(zip(names, map(up.finished, started), strict=True))

    assert {name: run["state_type"] for name, run in ended.items()} == dict.fromkeys(names, "COMPLETED"), ended
    assert all(run["state"]["message"] for run in ended.values())
