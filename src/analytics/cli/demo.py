"""`analytics demo`: from nothing to a finished report."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.settings import Settings


def enter() -> Settings:
    """Make this process, and those it starts, work on the demo's own data, params and output."""
    from analytics.errors import SettingsError
    from analytics.jobs.demo import demo_settings
    from analytics.settings import environment_of, load_settings

    settings = demo_settings(load_settings())
    os.environ.pop("ANALYTICS_DATABASE_URL", None)
    os.environ.update(environment_of(settings) | {"DEMO_TOKEN": "demo"})
    if load_settings().database_url is not None:
        raise SettingsError("ANALYTICS_DATABASE_URL: the demo has a database of its own; take this out of .env first")
    return settings


def demo() -> None:
    """Fill a store with simulated months, collect live over HTTP, and make a monthly report; no key, no network.

    The demo keeps to itself below `data/demo` and `output/demo`; `make clean` removes it.
    """
    from analytics.cli.shown import steps
    from analytics.jobs import demo as job
    from analytics.jobs.reporting.published import site_dir

    started = time.perf_counter()
    settings = enter()
    with steps("Demo: eleven weeks of simulated traffic, one live round, one monthly report") as show:
        done = job.run_demo(settings, progress=show.progress)
        for step, rows in done.rows.items():
            show.say(f"  {step}: {rows:,} new rows")
        program = job.shell_path(Path(sys.argv[0]))
        show.say(f"  explore the same data: {program} --demo lab")
        if done.report is not None:
            files = {kind: done.report.shown(kind) for kind in done.report.files}
            files |= {"site": site_dir(settings) / "index.html"}
            show.files(files, done.seconds | {"in all": time.perf_counter() - started})
            show.say(f"  make it again: {program} --demo report traffic --month {job.MONTH}")
            show.say(f"  verify it: {program} --demo report verify {job.shell_path(done.report.shown('html'))}")
