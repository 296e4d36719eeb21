"""What an account published, and how far each piece had come at any moment: closed forms, so no history is kept.

A post gathers most of its figures in its first days, faster by day than by night. The post before a
viral event is the one that went viral: it gathers again from the event's start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from analytics.simulator.flow import BLOCK_DAYS, EPOCH, WEEK, Floats, dice
from analytics.simulator.world import World

_DAY_S = 86_400.0
_DAILY_SWING = 0.6
_PEAK_S = 16 * 3600.0
LEAD = timedelta(minutes=10)  # what goes viral was published so long before
SHAPE = 0.75  # slower than exponential: a tail of readers for weeks


@dataclass(frozen=True, slots=True)
class Publishing:
    """How a platform's accounts publish.

    Args:
        per_day: posts on an average weekday of an ordinary account.
        audience: views (or what stands for them) a middling post ends at.
        half_life: after which a post has half of what it will ever have.
        shares: each metric as a share of the audience; the first is the audience itself.
        content_type: what the platform's posts are called in readings.
    """

    per_day: float
    audience: float
    half_life: timedelta
    shares: Mapping[str, float]
    content_type: str = "post"


@dataclass(frozen=True, slots=True)
class Post:
    """One piece of content; `number` counts from the account's first, `appeal` is its size against a middling one."""

    platform: str
    account: str
    number: int
    published_at: datetime
    appeal: float
    revivals: tuple[tuple[datetime, float], ...] = ()


def posts(
    world: World, platform: str, account: str, publishing: Publishing, at: datetime, limit: int, offset: int = 0
) -> list[Post]:
    """The newest posts published by `at`, newest first; `offset` of them are passed over."""
    found: list[Post] = []
    newest = (at - EPOCH) // timedelta(days=BLOCK_DAYS)
    for block in range(newest, -1, -1):
        found += [p for p in reversed(_block(world, platform, account, publishing, block)) if p.published_at <= at]
        if len(found) >= offset + limit:
            break
    return found[offset : offset + limit]


def count_posts(world: World, platform: str, account: str, publishing: Publishing, at: datetime) -> int:
    """How many posts the account had published by `at`, from `EPOCH` on."""
    newest = posts(world, platform, account, publishing, at, 1)
    return newest[0].number + 1 if newest else 0


def snapshot(world: World, publishing: Publishing, post: Post, at: datetime) -> dict[str, int]:
    """All of a post's figures at `at`: whole, and never falling."""
    reached = publishing.audience * float(_reach(publishing, post, np.array([at.timestamp()]))[0])
    return {metric: int(share * reached) for metric, share in _shares(world, publishing, post).items()}


def figures(world: World, publishing: Publishing, post: Post, seconds: Floats) -> dict[str, Floats]:
    """The same at many times (Unix seconds); 0 before the post was published."""
    reached = publishing.audience * _reach(publishing, post, seconds)
    return {metric: np.floor(share * reached) for metric, share in _shares(world, publishing, post).items()}


def _shares(world: World, publishing: Publishing, post: Post) -> Mapping[str, float]:
    """Posts differ in what people do with them, but each keeps its own way."""
    key = ("shares", post)
    if key not in world.memory:
        tastes = dice(world.seed, "taste", post.platform, post.account, post.number).uniform(0.6, 1.4, 16)
        named = enumerate(publishing.shares.items())
        world.memory[key] = {metric: share * (tastes[i] if i else 1.0) for i, (metric, share) in named}
    shares: Mapping[str, float] = world.memory[key]
    return shares


def _reach(publishing: Publishing, post: Post, seconds: Floats) -> Floats:
    reached = post.appeal * _reached(publishing, post.published_at, seconds)
    for start, strength in post.revivals:
        reached = reached + post.appeal * strength * _reached(publishing, start, seconds)
    return reached


def _reached(publishing: Publishing, since: datetime, seconds: Floats) -> Floats:
    """Share of the final figure, from 0 to 1, with the day's rhythm in the age."""
    start = since.timestamp()
    age = np.clip(seconds - start, 0, None)
    swing = _DAILY_SWING * _DAY_S / (2 * math.pi)
    lived = age + swing * (_sine(seconds) - _sine(np.array([start])))
    scale = publishing.half_life.total_seconds() / math.log(2) ** (1 / SHAPE)
    reached: Floats = np.where(age > 0, 1 - np.exp(-((np.clip(lived, 0, None) / scale) ** SHAPE)), 0.0)
    return reached


def _sine(seconds: Floats) -> Floats:
    result: Floats = np.sin(2 * np.pi * (seconds - _PEAK_S) / _DAY_S)
    return result


def _block(world: World, platform: str, account: str, publishing: Publishing, block: int) -> list[Post]:
    key = ("posts", platform, account, block)
    if key not in world.memory:
        world.memory[key] = list(_published(world, platform, account, publishing, block))
    found: list[Post] = world.memory[key]
    return found


def _published(world: World, platform: str, account: str, publishing: Publishing, block: int) -> Iterator[Post]:
    times = _times(world, platform, account, publishing, block)
    number = sum(len(_times(world, platform, account, publishing, earlier)) for earlier in range(block))
    begin = EPOCH + timedelta(days=block * BLOCK_DAYS)
    viral = [
        e
        for e in world.events(platform, account, begin, begin + timedelta(days=BLOCK_DAYS + 7))
        if e.kind in ("viral", "launch")
    ]
    for index, at in enumerate(times):
        following = times[index + 1] if index + 1 < len(times) else begin + timedelta(days=BLOCK_DAYS)
        revived = tuple((e.start, 2 * e.factor) for e in viral if at <= e.start < following)
        appeal = float(dice(world.seed, "appeal", platform, account, number + index).lognormal(0, 0.8))
        yield Post(platform, account, number + index, at, appeal * world.size_of(account), revived)


def _times(world: World, platform: str, account: str, publishing: Publishing, block: int) -> list[datetime]:
    key = ("times", platform, account, block)
    if key not in world.memory:
        chance = dice(world.seed, "posts", platform, account, block)
        found = []
        for day in range(BLOCK_DAYS):
            midnight = EPOCH + timedelta(days=block * BLOCK_DAYS + day)
            expected = publishing.per_day * WEEK[midnight.weekday()] * world.size_of(account) ** 0.3
            # working hours, on the minute: schedulers publish then
            minutes = chance.integers(6 * 60, 21 * 60, chance.poisson(expected))
            found += [midnight + timedelta(minutes=int(minute)) for minute in minutes]
        begin = EPOCH + timedelta(days=block * BLOCK_DAYS)
        told = (event.start - LEAD for event in world.added(platform, account) if event.kind in ("viral", "launch"))
        found += [at for at in told if begin <= at < begin + timedelta(days=BLOCK_DAYS)]
        world.memory[key] = sorted(found)
    times: list[datetime] = world.memory[key]
    return times
