"""Many reports of one period, a process each, as many at once as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass

from analytics.compute.processes import end_with
from analytics.errors import AnalyticsError
from analytics.jobs.reporting.report import FORMATS, ReportFiles, make_report
from analytics.model import Period
from analytics.settings import Settings

Told = Callable[["Made"], None]
# what draws charts keeps some memory each time; the pool's own way to renew processes waits for ever at the end
REPORTS_A_PROCESS = 8
KILLED = "its process was killed; where memory is short, fewer at once need less of it (--at-once 1)"


@dataclass(frozen=True)
class Made:
    """One report of a batch: its files, or why there are none."""

    name: str
    files: ReportFiles | None
    error: str = ""


def _nobody(made: Made) -> None:
    """Nobody wants to hear."""


def make_all(
    settings: Settings,
    names: Sequence[str],
    *,
    month: Period,
    formats: Sequence[str] = FORMATS,
    at_once: int | None = None,
    told: Told = _nobody,
) -> list[Made]:
    """Make every report named, in processes of their own; one that fails stops no other.

    Args:
        at_once: reports made side by side (None: `ANALYTICS_JOBS`, or a core each). Each takes up to 900 MB.
        told: called as each is finished, in the order they finish.
    Returns:
        one entry a name, in the order given. A report whose data, parameters and program are those of the files that
        stand is not made again.
    """
    wanted = tuple(dict.fromkeys(names))
    workers = max(1, min(at_once or settings.jobs or os.cpu_count() or 1, len(wanted)))
    done: dict[str, Made] = {}
    for first in range(0, len(wanted), REPORTS_A_PROCESS * workers):
        some = wanted[first : first + REPORTS_A_PROCESS * workers]
        for made in _together(settings, some, month, tuple(formats), workers):
            done[made.name] = made
            told(made)
    # a process that is killed, as by a machine out of memory, takes those beside it along: they go on alone
    for name in [name for name in wanted if name not in done]:
        alone = list(_together(settings, (name,), month, tuple(formats), 1))
        done[name] = alone[0] if alone else Made(name, None, f"report {name}: {KILLED}")
        told(done[name])
    return [done[name] for name in wanted]


def _together(
    settings: Settings, names: Sequence[str], month: Period, formats: tuple[str, ...], workers: int
) -> Iterator[Made]:
    """Each as it is finished, until one's process is killed."""
    # a fresh interpreter a worker: a forked one would share the parent's database connections
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with, initargs=(os.getpid(),)) as pool:
        waiting = [pool.submit(_one, settings, name, month, formats) for name in names]
        for future in as_completed(waiting):
            with suppress(BrokenProcessPool):
                yield future.result()


def _one(settings: Settings, name: str, month: Period, formats: tuple[str, ...]) -> Made:
    try:
        return Made(name, make_report(settings, name, month=month, formats=formats, reuse=True))
    except AnalyticsError as exc:
        return Made(name, None, str(exc))
