"""Children that are kept running, with real processes."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from flows.processes import Child

# a child that starts another one, writes down both ids, and waits
FAMILY = """
import os, pathlib, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {other.pid}")
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path):
    def make(code: str = FAMILY) -> Child:
        return Child(
            "family", [sys.executable, "-c", code, str(tmp_path / "pids")], tmp_path / "log", os.environ, tmp_path
        )

    children = []

    def build(code: str = FAMILY) -> Child:
        children.append(make(code))
        return children[-1]

    yield build
    for child in children:
        child.stop(0.1)


def pids(folder: Path) -> list[int]:
    until(lambda: (folder / "pids").exists() and (folder / "pids").read_text())
    return [int(text) for text in (folder / "pids").read_text().split()]


def until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_stopping_ends_what_a_child_started(family, tmp_path):
    """A flow run is the runner's child; after Ctrl-C none may go on."""
    child = family()
    child.start()
    both = pids(tmp_path)

    child.stop(5)

    until(lambda: not any(alive(pid) for pid in both))


def test_a_killed_child_is_started_again_and_its_orphans_are_ended(family, tmp_path):
    """Otherwise an orphan would write beside the run that takes its place."""
    child, said = family(), []
    child.start()
    first, orphan = pids(tmp_path)
    os.kill(first, signal.SIGKILL)
    until(lambda: not child.running)

    until(lambda: child.keep(said.append))

    until(lambda: not alive(orphan))
    assert child.running
    assert child.restarts == 1
    assert "killed by SIGKILL" in said[0]


def test_a_child_that_dies_at_once_is_tried_ever_less_often(family):
    """A broken installation must not keep a core busy."""
    child = family("raise SystemExit(3)")
    child.start()
    waits = []
    for _ in range(4):
        until(lambda: not child.running)
        now = time.monotonic()
        child.keep(lambda _text: None, now=now)
        waits.append(child._wait_s)
        assert not child.keep(lambda _text: None, now=now + waits[-1] - 0.01)
        assert child.keep(lambda _text: None, now=now + waits[-1])

    assert waits == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel to tell children of their parent's death")
def test_children_end_with_a_supervisor_that_was_killed(tmp_path):
    """kill -9 of the supervisor leaves nothing that holds its ports."""
    code = f"""
import os, pathlib, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from flows.processes import Child
folder = pathlib.Path(sys.argv[1])
child = Child("c", [sys.executable, "-c", "import time; time.sleep(600)"], folder / "log", os.environ, folder)
child.start()
(folder / "pids").write_text(str(child.process.pid))
time.sleep(600)
"""
    supervisor = Child("s", [sys.executable, "-c", code, str(tmp_path)], tmp_path / "s.log", os.environ, tmp_path)
    supervisor.start()
    (grandchild,) = pids(tmp_path)

    os.kill(supervisor.process.pid, signal.SIGKILL)

    until(lambda: not alive(grandchild))
    supervisor.stop(0.1)


def test_a_log_is_rolled_over_while_its_child_runs(family, monkeypatch):
    """A server runs for months: rolled over only at a start, its log would fill the disk."""
    monkeypatch.setattr("flows.processes.MAX_LOG_BYTES", 10_000)
    child = family("import time\nwhile True: print('x' * 100, flush=True); time.sleep(0.001)")
    child.start()
    until(lambda: child.log.stat().st_size > 10_000)

    child.keep(lambda _text: None)

    old = child.log.with_suffix(".1.log")
    assert old.stat().st_size > 10_000
    assert child.log.stat().st_size < 10_000
    until(lambda: child.log.stat().st_size > 0)
    assert not child.log.read_bytes().startswith(b"\0")
