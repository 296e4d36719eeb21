"""Writer and server killed in the middle: afterwards everything committed is there, once, and a rerun finishes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import URL

from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive
from analytics.store.engine import make_engine
from analytics.store.migrate import upgrade
from analytics.store.server.client import libpq_url
from analytics.store.server.supervisor import EmbeddedServer
from tests.store.conftest import copy_server

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
ROWS, CHUNKS = 800, 6
# what a killed process was doing; {0} is the database, {1} the archive
WORK = """
import sys, pandas as pd
from datetime import UTC, datetime
from analytics.params.files import Params
from analytics.store import Collection, Store
from analytics.store.archive import Archive
from analytics.store.engine import make_engine
from tests.store.test_crashes import CHUNKS, NOW, chunk
store = Store(make_engine(sys.argv[1]), archive=Archive(sys.argv[2]))
def say(what):
    print(what, flush=True)
    sys.stdin.readline()  # wait to be killed, or to be let on
def chunks():
    for number in range(CHUNKS):
        yield chunk(number)
        say(number)
if sys.argv[3] == "ingest":
    store.write(chunks(), Collection("reddit", "import"), now=NOW)
elif sys.argv[3] == "rollup":
    store.roll_up(now=NOW, progress=say)
else:
    store.lifecycle_run(Params(), now=NOW, progress=say)
"""


def chunk(number: int) -> pd.DataFrame:
    times = pd.date_range("2026-08-01", periods=ROWS, freq="5min", tz="UTC")
    frame = pd.DataFrame({"time": times, "value": range(ROWS)}).astype({"value": float})
    return frame.assign(platform="reddit", metric_type="posts", author_id=f"a{number:02d}")


def killed_at(url: URL, archive: Path, work: str, line: int, kill: Callable[[subprocess.Popen[str]], None]) -> None:
    """Run `work` in a process of its own and kill when it has said its line."""
    command = [sys.executable, "-c", WORK, url.render_as_string(hide_password=False), str(archive), work]
    root = Path(__file__).parents[2]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, cwd=root, **pipes) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        for said in range(line):
            assert process.stdout.readline()
            if said < line - 1:
                process.stdin.write("\n")
                process.stdin.flush()
        kill(process)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # whoever lives on does not wait any more
        process.wait(timeout=60)
        assert process.returncode != 0


def kill_process(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)


def totals(store: Store) -> tuple[int, float, int]:
    series = store.series()["series_id"].tolist()
    days = store.read_buckets(series, datetime(2026, 7, 1, tzinfo=UTC), NOW, unit="day")
    with store.engine.connect() as connection:
        open_rows = connection.scalar(sa.text("SELECT count(*) FROM collections WHERE outcome = 'running'"))
    return int(days["n"].sum()), float(days["sum_value"].sum()), int(open_rows or 0)


WHOLE = (ROWS * CHUNKS, float(sum(range(ROWS)) * CHUNKS), 0)


@pytest.mark.parametrize("line", [1, 5])
def test_a_writer_killed_in_the_middle_leaves_nothing_and_can_be_run_again(store: Store, tmp_path: Path, line: int):
    killed_at(store.engine.url, tmp_path, "ingest", line, kill_process)

    assert store.series().empty
    for _ in range(2):
        store.write((chunk(i) for i in range(CHUNKS)), Collection("reddit", "import"), now=NOW)
    assert totals(store) == WHOLE


@pytest.mark.parametrize(("work", "line"), [("rollup", 1), ("rollup", 4), ("lifecycle", 1), ("lifecycle", 4)])
def test_a_rollup_or_lifecycle_killed_in_the_middle_is_finished_by_the_next(
    store: Store, tmp_path: Path, work: str, line: int
):
    archive = tmp_path / "archive"
    store.archive = Archive(archive)
    store.write((chunk(i) for i in range(CHUNKS)), Collection("reddit", "import"), now=NOW)

    killed_at(store.engine.url, archive, work, line, kill_process)

    wait_until_alone(store)
    assert totals(store) == WHOLE
    store.lifecycle_run(Params(), now=NOW)
    assert totals(store) == WHOLE
    with store.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM tier_days WHERE tier = 'cold'")) == 3


def wait_until_alone(store: Store) -> None:
    """The killed process' session lives on until the server notices."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"  # TimescaleDB keeps a worker of its own
    )
    store.engine.dispose()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with store.engine.connect() as connection:
            if not connection.scalar(query):
                return
        time.sleep(0.05)
    raise AssertionError("the killed session does not end")


@pytest.mark.parametrize(("work", "line"), [("ingest", 3), ("rollup", 2), ("lifecycle", 2)])
def test_a_server_killed_in_the_middle_loses_nothing_that_was_committed(
    stopped: EmbeddedServer, reachable_dir: Path, tmp_path: Path, work: str, line: int
):
    server = copy_server(stopped, reachable_dir / f"crash-{work}")
    url = server.start()
    archive = tmp_path / "archive"
    try:
        engine = make_engine(url)
        upgrade(engine)
        if work != "ingest":
            with Store(engine) as store:
                store.write((chunk(i) for i in range(CHUNKS)), Collection("reddit", "import"), now=NOW)
        postmaster = pid_of(url)
        engine.dispose()

        killed_at(url, archive, work, line, lambda _: os.kill(postmaster, signal.SIGKILL))

        with Store(make_engine(server.start()), archive=Archive(archive)) as store:
            if work == "ingest":
                assert store.series().empty
                store.write((chunk(i) for i in range(CHUNKS)), Collection("reddit", "import"), now=NOW)
            assert totals(store) == WHOLE
            store.lifecycle_run(Params(), now=NOW)
            assert totals(store) == WHOLE
    finally:
        server.stop()


def pid_of(url: URL) -> int:
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        status = Path(f"/proc/{row[0]}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid")))
