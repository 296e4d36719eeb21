"""What happened: a pure function of seed and time.

Two worlds with the same seed agree on every figure, whatever was asked before and in which order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from analytics.errors import InputError
from analytics.simulator.flow import (
    BLOCK,
    BLOCK_DAYS,
    EPOCH,
    SLOT,
    SLOTS_PER_DAY,
    Event,
    Floats,
    Flow,
    Kind,
    dice,
    slot_of,
)

# kind: (events a block of 28 days, shortest and longest in hours, smallest and largest factor)
FREQUENCY: dict[Kind, tuple[float, tuple[float, float], tuple[float, float]]] = {
    "launch": (0.5, (60.0, 96.0), (2.5, 4.0)),
    "viral": (1.1, (14.0, 40.0), (3.0, 9.0)),
    "outage": (0.6, (2.0, 7.0), (0.02, 0.1)),
    "purge": (0.15, (0.5, 1.0), (0.003, 0.02)),
}


class Ground(Protocol):
    """What a world must know of a platform: what happens there, and to whom."""

    @property
    def flows(self) -> Mapping[str, Flow]:
        """What happens, by name."""

    @property
    def subject_of(self) -> Callable[[str, str], str]:
        """Whose figure (account, metric) is: a repository's followers are its owner's."""


class World:
    """Everything that happened to every account since `EPOCH`, for one seed.

    Args:
        ground: the platforms by name; `platforms.world_of` gives a world of those that come with the simulator.
    """

    def __init__(self, seed: int, ground: Callable[[str], Ground]) -> None:
        self.seed = seed
        self._ground = ground
        self._added: list[Event] = []
        self.memory: dict[tuple[object, ...], Any] = {}  # what was worked out before; holds nothing the seed does not
        self._blocks = lru_cache(maxsize=4096)(self._block)
        self._totals = lru_cache(maxsize=65536)(self._total_before)
        self._events = lru_cache(maxsize=65536)(lambda *names: tuple(self._events_of(*names)))

    def happen(self, event: Event) -> None:
        """Let this happen too, on top of what the seed brings; figures that were asked for before may change."""
        self._added.append(event)
        for key in [key for key in self.memory if key[0] in ("posts", "times")]:
            del self.memory[key]
        for cached in (self._blocks, self._totals):
            cached.cache_clear()

    def added(self, platform: str, account: str) -> Iterator[Event]:
        """What was let happen to the account."""
        return (event for event in self._added if (event.platform, event.account) == (platform, account))

    def named(self, kind: str, thing: object, name: str) -> str:
        """`name`, which `known` finds `thing` by from now on."""
        self.memory[(kind, name)] = thing
        return name

    def known(self, kind: str, name: str) -> Any:
        """What was given that name; None where nothing was."""
        return self.memory.get((kind, name))

    def size_of(self, account: str) -> float:
        """How large an account is against an ordinary one, 0.4 to 2.5."""
        return float(np.clip(dice(self.seed, "size", account).lognormal(0, 0.45), 0.4, 2.5))

    def events(self, platform: str, account: str, start: datetime, end: datetime) -> tuple[Event, ...]:
        """Ground truth: what happened to the account in [start, end), by time."""
        first, last = max(0, slot_of(start) // BLOCK - 1), slot_of(end) // BLOCK
        found = [e for block in range(first, last + 1) for e in self._events(platform, account, block)]
        found += [*self._breaks(platform, account), *self.added(platform, account)]
        return tuple(sorted((e for e in found if e.start < end and e.end > start), key=lambda e: e.start))

    def increments(self, platform: str, account: str, name: str, start: datetime, end: datetime) -> Floats:
        """What came in during each 5-minute slot that begins in [start, end); 0 before `EPOCH`."""
        first, last = slot_of(start), slot_of(end - timedelta(microseconds=1)) + 1
        values = np.zeros(max(0, last - first))
        for block in range(max(0, first // BLOCK), (last - 1) // BLOCK + 1):
            begin = block * BLOCK
            lo, hi = max(first, begin), min(last, begin + BLOCK)
            if lo < hi:
                values[lo - first : hi - first] = self._blocks(platform, account, name, block)[lo - begin : hi - begin]
        return values

    def counter(self, platform: str, account: str, name: str, at: datetime) -> int:
        """The counter's reading at `at`: all whole slots before it, less what was lost."""
        account = self._ground(platform).subject_of(account, name)
        slot = slot_of(at)
        flow = self.flow(platform, name)
        start = round(flow.start * self.size_of(account))
        if slot <= 0:
            return start
        block, within = divmod(slot, BLOCK)
        gained = float(self._totals(platform, account, name, block))
        if within:
            gained += float(self._blocks(platform, account, name, block)[:within].sum())
        kept = np.prod([1 - e.factor for e in self._purges(platform, account, slot)]) if flow.loss else 1.0
        return int((start + gained * (1 - flow.loss)) * kept)

    def counters(self, platform: str, account: str, name: str, first: datetime, count: int, step: timedelta) -> Floats:
        """`counter` at `count` times `step` apart, as one array."""
        account = self._ground(platform).subject_of(account, name)
        slots = np.array([slot_of(first + i * step) for i in range(count)])
        flow = self.flow(platform, name)
        running = np.concatenate(
            [[0.0], np.cumsum(self.increments(platform, account, name, EPOCH, first + count * step))]
        )
        gained = running[np.clip(slots, 0, len(running) - 1)]
        values: Floats = round(flow.start * self.size_of(account)) + gained * (1 - flow.loss)
        values[slots <= 0] = round(flow.start * self.size_of(account))
        for purge in self._purges(platform, account, slot_of(first + count * step)) if flow.loss else ():
            values = np.where(slots > slot_of(purge.start), values * (1 - purge.factor), values)
        return np.floor(values)

    def daily(self, platform: str, account: str, name: str, at: datetime, days: int) -> list[tuple[datetime, int]]:
        """(UTC midnight, what came in that day) for the last `days` days, today's up to `at`."""
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        result = []
        for back in range(days - 1, -1, -1):
            begin = midnight - timedelta(days=back)
            end = min(begin + timedelta(days=1), at)
            result.append((begin, int(self.increments(platform, account, name, begin, end).sum())))
        return result

    def flow(self, platform: str, name: str) -> Flow:
        """The flow behind a platform's metric; raise `InputError` if it has none of that name."""
        flows = self._ground(platform).flows
        if name not in flows:
            raise InputError(f"simulator: {platform} has no metric {name!r}; it has {', '.join(sorted(flows))}")
        return flows[name]

    def _block(self, platform: str, account: str, name: str, block: int) -> Floats:
        slots = np.arange(block * BLOCK, (block + 1) * BLOCK)
        begin = EPOCH + block * BLOCK * SLOT
        events = self.events(platform, account, begin, begin + BLOCK * SLOT)
        expected = self.flow(platform, name).intensity(slots, events) * self.size_of(account)
        # good and bad days are shared by the account's metrics; the rest is each slot's own chance
        mood = dice(self.seed, "mood", platform, account, block).lognormal(0, 0.07, BLOCK_DAYS)
        luck = dice(self.seed, "slots", platform, account, name, block)
        return luck.poisson(expected * np.repeat(mood, SLOTS_PER_DAY)).astype(np.float64)

    def _total_before(self, platform: str, account: str, name: str, block: int) -> float:
        return float(sum(self._blocks(platform, account, name, earlier).sum() for earlier in range(block)))

    def _breaks(self, platform: str, account: str) -> list[Event]:
        found = {moment: factor for flow in self._ground(platform).flows.values() for moment, factor in flow.breaks}
        return [Event("definition", platform, account, at, at + timedelta(days=1), f) for at, f in found.items()]

    def _purges(self, platform: str, account: str, before: int) -> list[Event]:
        events = self.events(platform, account, EPOCH, EPOCH + before * SLOT)
        return [e for e in events if e.kind == "purge" and slot_of(e.start) < before]

    def _events_of(self, platform: str, account: str, block: int) -> Iterator[Event]:
        # a launch moves a brand on every platform, with a lag; an outage is the platform's, the rest the account's
        whose = {"launch": (brand_of(account),), "outage": (platform,)}
        for kind, (rate, hours, factors) in FREQUENCY.items():
            chance = dice(self.seed, kind, *whose.get(kind, (platform, account)), block)
            for _ in range(chance.poisson(rate)):
                day, hour = chance.integers(BLOCK_DAYS), chance.uniform(*((7, 18) if kind == "launch" else (0, 24)))
                start = EPOCH + timedelta(days=block * BLOCK_DAYS + int(day), minutes=5 * int(hour * 12))
                if kind == "launch":
                    start += timedelta(minutes=5 * int(dice(self.seed, "lag", platform, start).integers(0, 72)))
                length = timedelta(minutes=5 * int(chance.uniform(*hours) * 12))
                yield Event(kind, platform, account, start, start + length, float(chance.uniform(*factors)))


def brand_of(account: str) -> str:
    """The brand behind an account's name: its first word.

    >>> brand_of("acme/orchard"), brand_of("@Acme"), brand_of("r/acme")
    ('acme', 'acme', 'acme')
    """
    words = [word for word in re.split(r"[^a-z0-9]+", account.lower()) if word not in ("", "r", "u", "user", "the")]
    return words[0] if words else account.lower()
