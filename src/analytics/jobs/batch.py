"""Many reports of one period, a process each, as many at once as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from analytics.errors import AnalyticsError
from analytics.jobs.report import FORMATS, ReportFiles, make_report
from analytics.model import Period
from analytics.settings import Settings

Told = Callable[["Made"], None]


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
    workers = max(1, min(at_once or settings.jobs or os.cpu_count() or 1, len(names)))
    # a fresh interpreter a worker: a forked one would share the parent's database connections
    context = multiprocessing.get_context("spawn")
    done: dict[str, Made] = {}
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=8) as pool:
        waiting = [pool.submit(_one, settings, name, month, tuple(formats)) for name in dict.fromkeys(names)]
        for future in as_completed(waiting):
            made = future.result()
            done[made.name] = made
            told(made)
    return [done[name] for name in dict.fromkeys(names)]


def _one(settings: Settings, name: str, month: Period, formats: tuple[str, ...]) -> Made:
    try:
        return Made(name, make_report(settings, name, month=month, formats=formats, reuse=True))
    except AnalyticsError as exc:
        return Made(name, None, str(exc))
