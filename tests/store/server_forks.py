"""Work in child processes, for tests about several processes, other users and killed starters."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class Child:
    """A forked process in a session of its own, and the end of the pipe its answer comes out of."""

    pid: int
    answer: IO[str]

    def result(self) -> str:
        """What the work returned, or the type and message of what it raised; '' if it was killed."""
        with self.answer:
            text = self.answer.read()
        os.waitpid(self.pid, 0)
        return text


def fork(work: Callable[[], str], *, uid: int | None = None, after: Callable[[], object] | None = None) -> Child:
    """Run `work` in a child, as user `uid` if given; `after` runs once the answer is sent."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests: the child touches none of them
        pid = os.fork()
    if pid:
        os.close(writer)
        return Child(pid, os.fdopen(reader))
    os.setsid()
    try:
        if uid is not None:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        answer = work()
    except BaseException as exc:  # noqa: BLE001 - the child must never return into pytest
        answer = "".join(traceback.format_exception_only(exc))
    os.write(writer, (answer + "\n").encode())
    if after:
        after()
    os._exit(0)
