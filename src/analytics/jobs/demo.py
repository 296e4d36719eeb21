"""The demo: months of simulated history, a live round over HTTP, and a finished report, without key or network.

It has a home of its own (`demo` below the usual one), so that it never mixes with an analyst's data, and
fixed dates, so that two runs give the same figures.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from analytics.jobs.reporting.published import publish
from analytics.jobs.reporting.report import ReportFiles, make_report
from analytics.jobs.sync import sync_params
from analytics.model import Month
from analytics.params.files import Params, load_params
from analytics.settings import Settings, demo_params

if TYPE_CHECKING:
    import pandas as pd

    from analytics.simulator import Event, World
    from analytics.store import Store

MONTH = Month(2026, 10)
LIVE_FROM = datetime(2026, 11, 5, 9, tzinfo=UTC)  # the slowest source no longer restates October
LIVE_POLLS = 3
STEP = timedelta(minutes=5)
HISTORY = (datetime(2026, 8, 20, tzinfo=UTC), LIVE_FROM)
YEAR_BEFORE = (datetime(2025, 9, 30, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC))
LIVING_DAYS = timedelta(days=40)  # what baselines learn from, and some more
BEGUN = timedelta(minutes=75)
Progress = Callable[[str, float], None]


@dataclass
class Demo:
    """What the demo did: rows by step, seconds by step, and the report."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    report: ReportFiles | None = None


def demo_settings(settings: Settings) -> Settings:
    """The same installation with the demo's own home, params and output; always the embedded database.

    Of the demo's own settings these are the same.
    """
    if settings.params_dir == demo_params():
        return settings
    return settings.model_copy(
        update={
            "home": settings.home / "demo",
            "params_dir": demo_params(),
            "output_dir": settings.output_dir / "demo",
            "database_url": None,
        }
    )


def run_demo(settings: Settings, *, progress: Progress) -> Demo:
    """Start the database, load the history, collect live, make the report; finished steps are not repeated."""
    from analytics.store import open_store

    done = Demo()
    params = load_params(settings.params_dir)
    with _timed(done, "start database", progress), open_store(settings) as store:
        sync_params(store, params)
    with open_store(settings) as store:
        with _timed(done, "load history", progress):
            done.rows["load history"] = load_history(store, params, progress)
        with _timed(done, "collect live", progress):
            done.rows["collect live"] = collect_live(settings, store, params, progress)
    started = time.perf_counter()
    done.report = make_report(settings, "traffic", month=MONTH, reuse=True, progress=progress)
    publish(settings, done.report)
    done.seconds |= done.report.seconds or {"report (reused)": time.perf_counter() - started}
    return done


def load_history(store: Store, params: Params, progress: Progress) -> int:
    """Write every simulated series that is not there yet; return the rows written."""
    from analytics.store import Collection

    stored = store.series()
    have = set(zip(stored["platform"], stored["author_id"], stored["metric_type"], strict=True))
    accounts = [(name, account.id) for name, entry in params.platforms.items() for account in entry.accounts]
    written = 0
    for done, (platform, account) in enumerate(accounts, start=1):
        metrics = [m for m in params.platforms[platform].metrics if (platform, account, m) not in have]
        if metrics:
            frames = _frames(platform, account, metrics)
            written += store.write(frames, Collection(platform, "simulator", account=account), now=LIVE_FROM).written
        progress("load history", done / len(accounts))
    return written


def begin_living(settings: Settings, *, now: datetime, progress: Progress) -> Path:
    """Bring the demo to today: the report, readings up to now, and something that has just begun; the events' file.

    A video went viral 75 minutes ago, unless one did within a day: the alert rule tells it at the first look.
    """
    from analytics.simulator import world_of
    from analytics.store import open_store

    run_demo(settings, progress=progress)
    events = events_until(settings.home / "events.json", now)
    world = world_of()
    for event in events:
        world.happen(event)
    with open_store(settings) as store:
        catch_up(store, load_params(settings.params_dir), world, now, progress)
    return settings.home / "events.json"


def catch_up(store: Store, params: Params, world: World, now: datetime, progress: Progress) -> int:
    """Write what polls would have brought since each series' last reading, at most `LIVING_DAYS`; the rows written."""
    from analytics.simulator import history
    from analytics.store import Collection

    stored = store.series(content_ids=[""])
    keys = zip(stored["platform"], stored["author_id"], stored["metric_type"], strict=True)
    last = dict(zip(keys, stored["last_time"], strict=True))
    begin = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = now - begin % STEP + STEP  # the reading of now is part of it
    accounts = [(name, account.id) for name, entry in params.platforms.items() for account in entry.accounts]
    written = 0
    for done, (platform, account) in enumerate(accounts, start=1):
        frames = []
        for metric in params.platforms[platform].metrics:
            start = max(last.get((platform, account, metric), HISTORY[0]) + STEP, now - begin - LIVING_DAYS)
            if start < end:
                frame = history(platform, account, metric, start, end, STEP, world=world)
                frames.append(frame.assign(platform=platform, metric_type=metric, author_id=account))
        written += store.write(iter(frames), Collection(platform, "simulator", account=account), now=now).written
        progress("catch up", done / len(accounts))
    return written


def events_until(path: Path, now: datetime) -> list[Event]:
    """What was let happen so far, as the file remembers it, and one event more where the last is a day old."""
    from analytics.simulator import Event

    events = [Event.from_json(entry) for entry in json.loads(path.read_text("utf-8"))] if path.exists() else []
    if not any(event.start > now - timedelta(days=1) for event in events):
        start = (now - BEGUN).replace(second=0, microsecond=0)
        start -= timedelta(minutes=start.minute % 5)
        events.append(Event("viral", "youtube", "acme", start, start + timedelta(hours=18), 8.0))
        path.write_text(json.dumps([event.as_json() for event in events], indent=1), "utf-8")
    return events


def collect_live(settings: Settings, store: Store, params: Params, progress: Progress) -> int:
    """Poll the simulated platforms over HTTP, continuing the history; return the rows written."""
    from analytics import simulator
    from analytics.jobs.collecting.collect import collect

    live = tuple(name for name, entry in params.platforms.items() if entry.accounts)
    last = LIVE_FROM + (LIVE_POLLS - 1) * STEP
    if (store.series(platforms=live)["last_time"] >= last).any():
        progress("collect live", 1.0)
        return 0
    written = 0
    with simulator.serve(now=LIVE_FROM) as platforms:
        for poll in range(LIVE_POLLS):
            at = LIVE_FROM + poll * STEP
            written += collect(
                settings, store, platforms=live, base_url=platforms.url, at=at, params=params, contents=0
            ).written
            progress("collect live", (poll + 1) / LIVE_POLLS)
    return written


def _frames(platform: str, account: str, metrics: list[str]) -> Iterator[pd.DataFrame]:
    from analytics.simulator import history

    for metric in metrics:
        for start, end in (YEAR_BEFORE, HISTORY):
            frame = history(platform, account, metric, start, end, STEP)
            yield frame.assign(platform=platform, metric_type=metric, author_id=account)


@contextmanager
def _timed(done: Demo, step: str, progress: Progress) -> Iterator[None]:
    """Measure a step and show that it began."""
    progress(step, 0.0)
    started = time.perf_counter()
    yield
    done.seconds[step] = time.perf_counter() - started
    progress(step, 1.0)


def shell_path(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the working folder, quoted where it must be."""
    absolute, here = path.resolve(), Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
