"""`analytics demo`: from nothing to a finished report."""

from __future__ import annotations

import os
import time


def demo() -> None:
    """Fill a store with simulated months, collect live over HTTP, and make a monthly report; no key, no network.

    The demo keeps to itself below `data/demo` and `output/demo`; `make clean` removes it.
    """
    from analytics.cli.shown import steps
    from analytics.jobs import demo as job
    from analytics.jobs.published import site_dir
    from analytics.settings import environment_of, load_settings

    started = time.perf_counter()
    settings = job.demo_settings(load_settings())
    os.environ.pop("ANALYTICS_DATABASE_URL", None)
    os.environ.update(environment_of(settings) | {"DEMO_TOKEN": "demo"})
    with steps("Demo: eleven weeks of simulated traffic, one live round, one monthly report") as show:
        done = job.run_demo(settings, progress=show.progress)
        for step, rows in done.rows.items():
            show.say(f"  {step}: {rows:,} new rows")
        home = job.shell_path(settings.home)
        show.say(f"  explore the same data: ANALYTICS_HOME={home} make lab")
        if done.report is not None:
            files = {**done.report.files, "site": site_dir(settings) / "index.html"}
            show.files(files, done.seconds | {"in all": time.perf_counter() - started})
