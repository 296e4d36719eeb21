"""The readings that polling would have brought, without the polling: months of them in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from analytics.simulator import platforms
from analytics.simulator.flow import SLOT, Floats
from analytics.simulator.posts import figures, posts
from analytics.simulator.world import World

if TYPE_CHECKING:
    import pandas as pd

CONTENT_COLUMNS = ("time", "value", "metric_type", "content_id", "content_type", "author_id")


def history(
    platform: str,
    account: str,
    metric: str,
    start: datetime,
    end: datetime,
    step: timedelta = SLOT,
    *,
    seed: int = 7,
    world: World | None = None,
) -> pd.DataFrame:
    """One of an account's own metrics, as read every `step`.

    Args:
        metric: one of `metrics_of(platform)`.
        start: first reading; `end` is not part of it.
        world: what happened; None: what the seed brings.
    Returns:
        Columns `time` (aware UTC) and `value`. Counters are read every `step`; figures the platform gives
        by day have one row a whole day (dated as the platform dates them), interval counts one row an interval.
    """
    import pandas as pd

    world, module = world or _world(seed), platforms.load(platform)
    if metric in module.daily:
        figure = module.daily[metric]
        rows = [(day, float(figure(world, account, day, after))) for day, after in _days(start, end, module.day_zone)]
        frame = pd.DataFrame(rows, columns=["time", "value"])
        return frame.assign(time=pd.to_datetime(frame["time"], utc=True))
    count = max(0, -((start - end) // step))
    times = pd.date_range(start, periods=count, freq=step)
    if metric in module.levels:
        values = np.array([module.levels[metric](world, account, at.to_pydatetime()) for at in times], dtype=float)
    elif metric in module.intervals:
        per_slot = world.increments(platform, module.subject_of(account, metric), metric, start, start + count * step)
        values = per_slot.reshape(count, -1).sum(axis=1)
    else:
        values = world.counters(platform, account, metric, start, count, step)
        values = module.shown[metric](values) if metric in module.shown else values
    return pd.DataFrame({"time": times, "value": values})


def metrics_of(platform: str) -> tuple[str, ...]:
    """The account-level metrics `history` knows."""
    module = platforms.load(platform)
    return tuple(sorted({*module.flows, *module.daily, *module.levels}))


def contents(
    platform: str,
    account: str,
    start: datetime,
    end: datetime,
    step: timedelta = timedelta(hours=1),
    *,
    newest: int = 20,
    seed: int = 7,
) -> pd.DataFrame:
    """The figures of the account's newest contents as read every `step`, each from its publication on.

    Args:
        newest: how many contents a poll reads; older ones drop out, as they do in collection.
    Returns:
        Columns `CONTENT_COLUMNS`, by content and metric, then by time; empty where the platform has no contents.
    """
    import pandas as pd

    world, module = _world(seed), platforms.load(platform)
    publishing = module.publishing
    if publishing is None:
        return pd.DataFrame(columns=list(CONTENT_COLUMNS))
    subject = module.subject_of(account, "posts")
    count = max(0, -((start - end) // step))
    times = pd.date_range(start, periods=count, freq=step)
    seconds: Floats = start.timestamp() + step.total_seconds() * np.arange(count, dtype=np.float64)
    published = posts(world, platform, subject, publishing, end, 1_000_000)
    parts = []
    for place, post in enumerate(published):
        replaced_at = published[place - newest].published_at if place >= newest else end
        read = (seconds >= post.published_at.timestamp()) & (seconds < replaced_at.timestamp())
        if not read.any():
            if replaced_at < start:
                break
            continue
        place_of = {"content_id": module.content_id(world, post), "content_type": publishing.content_type}
        shown = module.figures_of(post, figures(world, publishing, post, seconds[read]))
        for metric, values in shown.items():
            frame = pd.DataFrame({"time": times[read], "value": values, "metric_type": metric, **place_of})
            parts.append(frame.assign(author_id=account))
    return (
        pd.concat(parts, ignore_index=True)[list(CONTENT_COLUMNS)] if parts else pd.DataFrame(columns=CONTENT_COLUMNS)
    )


def _days(start: datetime, end: datetime, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of each whole day of the zone that begins in [start, end) and is over by `end`."""
    midnight = datetime.combine(start.astimezone(ZoneInfo(zone)).date(), datetime.min.time(), ZoneInfo(zone))
    while True:
        following = midnight + timedelta(days=1)  # the zone's next midnight, 23 to 25 hours later
        if following.astimezone(UTC) > end:
            return
        if midnight >= start:
            yield midnight.astimezone(UTC), following.astimezone(UTC)
        midnight = following


@lru_cache(maxsize=4)
def _world(seed: int) -> World:
    return platforms.world_of(seed)
