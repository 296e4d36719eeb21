"""How much happens when: rhythm of day and week, growth, and the shapes of events."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Kind = Literal["launch", "viral", "outage", "purge", "definition"]

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
SLOT = timedelta(minutes=5)
SLOTS_PER_DAY = 288
BLOCK_DAYS = 28
BLOCK = BLOCK_DAYS * SLOTS_PER_DAY
WEEK = np.array([1.08, 1.14, 1.12, 1.1, 1.0, 0.76, 0.8])  # Monday first; mean 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account: what a detector should find, and why.

    `factor` multiplies the platform's traffic at the event's height; for a purge it is the share
    of a counter that is lost, for a definition what a metric is multiplied by from then on.
    """

    kind: Kind
    platform: str
    account: str
    start: datetime
    end: datetime
    factor: float

    def as_json(self) -> dict[str, object]:
        """As plain data, for a file."""
        return {**asdict(self), "start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Event:
        """What `as_json` gave."""
        times = {name: datetime.fromisoformat(entry[name]) for name in ("start", "end")}
        return cls(**{**entry, **times})

    def shape(self, seconds: Floats) -> Floats:
        """Multiplier of the traffic at each time (Unix seconds), 1 where nothing happens."""
        since = seconds - self.start.timestamp()
        length = (self.end - self.start).total_seconds()
        inside = (since >= 0) & (since < length)
        if self.kind in ("purge", "definition"):
            return np.ones_like(seconds)
        if self.kind == "outage":
            return np.where(inside, self.factor, 1.0)
        rise, decay = (3600.0, length / 4)
        height = np.clip(since / rise, 0, 1) * np.exp(-np.clip(since - rise, 0, None) / decay)
        return np.where(inside, 1 + (self.factor - 1) * height, 1.0)


@dataclass(frozen=True, slots=True)
class Flow:
    """One metric of a platform's accounts.

    Args:
        per_day: what comes in on an average day, for an account of ordinary size.
        start: the counter at `EPOCH`.
        loss: share of what comes in that leaves again (unfollows, withdrawn stars).
        growth: yearly growth of `per_day`, as a ratio.
        sensitivity: how strongly events move it; 0 not at all, 1 fully.
        amplitude: of the daily rhythm, 0–1.
        peak_hour: of the daily rhythm, UTC.
        breaks: (day, factor): from that day on the platform counts something else under the same name.
    """

    per_day: float
    start: float = 0
    loss: float = 0.0
    growth: float = 0.25
    sensitivity: float = 1.0
    amplitude: float = 0.55
    peak_hour: float = 15.5
    breaks: tuple[tuple[datetime, float], ...] = ()

    def intensity(self, slots: npt.NDArray[np.int64], events: Sequence[Event]) -> Floats:
        """Expected number in each 5-minute slot (numbered from `EPOCH`)."""
        days = slots / SLOTS_PER_DAY
        hours = (days % 1) * 24
        rhythm: Floats = 1 + self.amplitude * np.cos(2 * np.pi * (hours - self.peak_hour) / 24)
        rhythm *= 1 + 0.18 * np.cos(4 * np.pi * (hours - 9.0) / 24)
        weekday = (np.floor(days).astype(np.int64) + EPOCH.weekday()) % 7
        level = self.per_day / SLOTS_PER_DAY * (1 + self.growth) ** (days / 365.25)
        seconds: Floats = EPOCH.timestamp() + slots.astype(np.float64) * SLOT.total_seconds()
        for since, factor in self.breaks:
            level = np.where(seconds >= since.timestamp(), level * factor, level)
        for event in events:
            rhythm = rhythm * event.shape(seconds) ** self.sensitivity
        result: Floats = level * rhythm * WEEK[weekday]
        return result


def dice(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for each name, the same on every machine."""
    digest = hashlib.blake2b("\x1f".join(map(str, (seed, *names))).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def slot_of(at: datetime) -> int:
    """Number of the slot that begins at or before `at`; negative before `EPOCH`."""
    return (at - EPOCH) // SLOT
