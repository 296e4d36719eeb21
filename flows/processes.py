"""Child processes that are kept running: started, watched, started again, and stopped with all they started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analytics.settings import private_file, private_folder

MAX_LOG_BYTES = 20_000_000
LONGEST_WAIT_S = 30.0
SETTLED_S = 60.0  # a child that has lived this long may die again without a longer wait
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One command kept running in a process group of its own.

    Attributes:
        command: argument list.
        log: file its output is appended to; rolled over when it has grown large.
        restarts: how often it had to be started again.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _wait_s: float = 0.0
    _again_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it now."""
        private_folder(self.log.parent)
        self.roll_over()
        with open(self.log, "ab", opener=private_file) as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._started = time.monotonic()

    def roll_over(self) -> None:
        """Copy a log that has grown large to `.1.log` and empty it: the child, which has it open, goes on at its top.

        A line that is written between the two is lost.
        """
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".1.log"))
            os.truncate(self.log, 0)

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def keep(self, said: Callable[[str], None], *, now: float | None = None) -> bool:
        """Start it again if it ended, each time in a row a little later; return whether it was started."""
        now = time.monotonic() if now is None else now
        self.roll_over()
        if self.running or self.process is None:
            return False
        if not self._again_at:
            self._wait_s = 0.5 if now - self._started > SETTLED_S else min(max(0.5, self._wait_s * 2), LONGEST_WAIT_S)
            self._again_at = now + self._wait_s
            kill_group(self.process.pid)  # what it had started must not go on beside its successor
            said(f"{self.name} ended ({status_of(self.process.returncode)}); starting it again, see {self.log}")
        if now < self._again_at:
            return False
        self._again_at = 0.0
        self.restarts += 1
        self.start()
        return True

    def stop(self, timeout_s: float) -> None:
        """Ask it to end, wait, then end it and everything it started."""
        if self.process is None:
            return
        if self.running:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout_s)
        kill_group(self.process.pid)
        self.process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


def kill_group(pid: int) -> None:
    """End the process group that `pid` led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def status_of(returncode: int | None) -> str:
    """How a process ended, in words.

    >>> status_of(-9), status_of(1), status_of(None)
    ('killed by SIGKILL', 'exit status 1', 'unknown')
    """
    if returncode is None:
        return "unknown"
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"


def _die_with_parent() -> None:
    """Linux: be told to end when the supervisor dies, however that happens."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
