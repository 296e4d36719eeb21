"""Many reports at once: each as it would be alone, and one that fails stops no other."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.jobs.reporting.batch import Made, make_all
from analytics.jobs.reporting.report import make_report
from analytics.model import Month
from analytics.settings import Settings, environment_of
from analytics.store import Collection, open_store

OCTOBER = Month(2026, 10)
CLIENTS = ("acme", "globex")


@pytest.fixture
def clients(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A report each for two clients with readings and one without."""
    folder = settings.params_dir / "reports"
    folder.mkdir(parents=True)
    for name in (*CLIENTS, "empty"):
        (folder / f"{name}.yaml").write_text(f"title: Report of {name}\nalgorithm: ewma\naccounts: [{name}]\n")
    for name in ("home", "params_dir", "output_dir"):
        monkeypatch.setenv(f"ANALYTICS_{name.upper()}", str(getattr(settings, name)))
    assert settings.database_url is not None
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", settings.database_url.get_secret_value())
    times = pd.date_range("2026-09-01", "2026-11-01", freq="1h", inclusive="left", tz="UTC")
    usual = 60 + 30 * np.sin(2 * np.pi * times.hour / 24)
    with open_store(settings) as store:
        for seed, name in enumerate(CLIENTS):
            values = np.random.default_rng(seed).poisson(usual).astype(float)
            frame = {"platform": "twitter", "metric_type": "mentions", "author_id": name, "time": times}
            store.write(pd.DataFrame({**frame, "value": values}), Collection("twitter", "import", account=name))
    return settings


@pytest.mark.slow
def test_each_is_as_if_made_alone_and_one_that_fails_stops_no_other(clients: Settings, tmp_path: Path):
    """And what stands is not made again; made after a later reading of another's, it is the same to the byte."""
    heard: list[str] = []
    apart = {"output_dir": tmp_path / "apart"}

    def told(made: Made) -> None:
        heard.append(made.name)

    made = make_all(clients, ["acme", "empty", "globex"], month=OCTOBER, formats=("json",), at_once=2, told=told)

    acme, empty, globex = made
    assert sorted(heard) == ["acme", "empty", "globex"]
    assert empty.files is None
    assert "empty" in empty.error
    assert acme.files is not None
    assert globex.files is not None
    alone = make_report(clients.model_copy(update=apart), "acme", month=OCTOBER, formats=("json",)).files
    for kind in ("ipynb", "json"):  # every other format is made of the notebook
        assert acme.files.files[kind].read_bytes() == alone[kind].read_bytes()
    assert json.loads(globex.files.files["json"].read_text())["title"] == "Report of globex"
    standing = make_all(clients, ["acme", "globex"], month=OCTOBER, formats=("json",), at_once=1)
    assert [entry.files.seconds for entry in standing if entry.files] == [{}, {}]
    before = {kind: acme.files.files[kind].read_bytes() for kind in ("ipynb", "json", "provenance")}
    later = pd.DataFrame({"time": [pd.Timestamp("2026-11-28T10:00Z")], "value": 7.0, "platform": "twitter"})
    with open_store(clients) as store:
        later = later.assign(metric_type="mentions", author_id="globex")
        store.write(later, Collection("twitter", "import", account="globex"))
    (anew,) = make_all(clients, ["acme"], month=OCTOBER, formats=("json",), at_once=1)
    assert anew.files is not None
    assert {kind: anew.files.files[kind].read_bytes() for kind in before} == before


@pytest.mark.slow
def test_a_batch_ends_however_many_reports_it_has(clients: Settings):
    """A pool that renews its processes after some reports once waited for one that had gone, without end."""
    names = [f"empty-{n}" for n in range(24)]
    for name in names:
        (clients.params_dir / "reports" / f"{name}.yaml").write_text(f"title: {name}\naccounts: [{name}]\n")

    made = make_all(clients, names, month=OCTOBER, at_once=2)

    assert [entry.name for entry in made] == names
    assert all("empty" in entry.error for entry in made)


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "said"), [(1, "no reading|no data|stored"), (9, "killed")])
def test_a_killed_process_costs_the_others_nothing(clients: Settings, kills: int, said: str):
    """As by a machine out of memory: those beside it go on, and it is tried once more before it is given up."""
    done = threading.Event()

    def kill() -> None:
        left, seen = kills, set[int | None]()
        while left and not done.wait(0.05):
            for child in multiprocessing.active_children():
                if left and child.pid and child.pid not in seen:
                    seen.add(child.pid)
                    left -= 1
                    child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        made = make_all(clients, ["empty"], month=OCTOBER, formats=("html",), at_once=1)
    finally:
        done.set()
        killer.join()

    assert [entry.files for entry in made] == [None]
    assert re.search(said, made[0].error, re.IGNORECASE), made[0].error


def descendants(pid: int) -> set[int]:
    """Every process below one, by the system's own table."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the table of processes from /proc")
@pytest.mark.parametrize("command", ["report batch acme,globex --at-once 2", "report traffic --name acme"])
def test_a_command_that_is_killed_leaves_no_process_behind(clients: Settings, command: str):
    """Kernels and workers of a killed batch once held 460 MB for minutes."""
    program = [sys.executable, "-c", "import analytics.cli; analytics.cli.main()"]
    words = [*program, *command.split(), "--month", "2026-10", "--formats", "json", "--no-publish"]
    process = subprocess.Popen(words, env=os.environ | environment_of(clients), stdout=subprocess.DEVNULL)
    kernels = 2 if "batch" in command else 1
    while sum(b"ipykernel" in _command(pid) for pid in descendants(process.pid)) < kernels:
        assert process.poll() is None
        time.sleep(0.05)
    below = descendants(process.pid)

    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while (left := [pid for pid in below if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert len(below) >= kernels
    assert [_command(pid) for pid in left] == []


def _command(pid: int) -> bytes:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
