"""Cross-platform rule: several platforms leave their bands together, within a lag, beyond coincidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from analytics.anomalies.events import Direction, Event, percent, span
from analytics.model import SEVERITIES, SeriesKey, Severity


@dataclass(frozen=True)
class CrossSettings:
    """How close in time, how many, how unlikely by chance.

    Attributes:
        lag: episodes that start within this of the first may belong together.
        least_platforms: fewest different platforms.
        chance: largest probability that unrelated platforms would do the same.
        history: how far back each platform's own rate of episodes is counted.
        cooldown: a second one in the same direction within this belongs to the first.
    """

    lag: timedelta = timedelta(hours=6)
    least_platforms: int = 2
    chance: float = 0.05
    history: timedelta = timedelta(days=30)
    cooldown: timedelta = timedelta(hours=24)


Member = tuple[SeriesKey, Event]


def cross_platform(
    events_by_series: Mapping[SeriesKey, Sequence[Event]], *, settings: CrossSettings | None = None
) -> list[Event]:
    """One event for each group of episodes that several platforms share, by start.

    Args:
        events_by_series: what the other rules told, of any number of series; stale feeds are left
            out, for a collector that fails is no news about the audience.
        settings: lag, number of platforms and chance.
    Returns:
        Events whose `observed` is the number of platforms that moved and `expected` the number
        unrelated platforms would have, by their own rates over the 30 days before; `details`
        lists the members with their lags. `confirmed_at` is when enough members were confirmed.
    """
    chosen = settings or CrossSettings()
    members = sorted(
        ((key, e) for key, events in events_by_series.items() for e in events if _says_something(e)),
        key=lambda member: (member[1].start, str(member[0])),
    )
    platforms = {key.platform for key in events_by_series}
    found = [e for sign in ("above", "below") for e in _one_direction(members, platforms, sign, chosen)]
    return sorted(found, key=lambda e: (e.start, e.direction))


def _says_something(event: Event) -> bool:
    return event.rule != "cross_platform" and event.details.get("kind") not in {"stale feed", "flat line"}


def _one_direction(
    members: list[Member], platforms: set[str], direction: str, settings: CrossSettings
) -> Iterator[Event]:
    same = [member for member in members if member[1].direction == direction]
    quiet_until: datetime | None = None
    i = 0
    while i < len(same):
        first = same[i][1].start
        group = [member for member in same[i:] if member[1].start - first <= settings.lag]
        told = None
        if quiet_until is None or first > quiet_until:
            told = _told(group, same[:i], platforms, settings)
        if told is None:
            i += 1
            continue
        yield told
        quiet_until = told.end + settings.cooldown
        i += len(group)


def _told(group: list[Member], before: list[Member], platforms: set[str], settings: CrossSettings) -> Event | None:
    """The event of the group, or None while it may be coincidence."""
    first = group[0][1].start
    rates = _chances(before, platforms - {group[0][0].platform}, first, settings)
    confirmed: dict[str, Event] = {}
    for key, event in sorted(group, key=lambda member: member[1].confirmed_at):
        confirmed.setdefault(key.platform, event)
        others = len(set(confirmed) - {group[0][0].platform})
        chance = at_least(others, list(rates.values()))
        if len(confirmed) >= settings.least_platforms and chance <= settings.chance:
            return _describe(group, event.confirmed_at, sum(rates.values()), chance)
    return None


def _chances(before: list[Member], others: set[str], now: datetime, settings: CrossSettings) -> dict[str, float]:
    """Per platform, the chance that an unrelated episode starts within the lag, from its own recent rate.

    Half an episode is added: a month without one does not prove there never is one.
    """
    since = now - settings.history
    starts: dict[str, list[datetime]] = {platform: [] for platform in others}
    for key, event in before:
        recent = starts.get(key.platform)
        if recent is None or event.start < since:
            continue
        if not recent or event.start - recent[-1] > settings.lag:  # several metrics of one platform are one episode
            recent.append(event.start)
    share = settings.lag / settings.history
    return {platform: float(-np.expm1(-(len(recent) + 0.5) * share)) for platform, recent in starts.items()}


def at_least(k: int, probabilities: Sequence[float]) -> float:
    """Chance that at least `k` of independent events with these probabilities happen (Poisson binomial).

    >>> round(at_least(2, [0.5, 0.5, 0.5]), 3), at_least(0, []), at_least(1, [])
    (0.5, 1.0, 0.0)
    """
    exactly = np.array([1.0])
    for p in probabilities:
        exactly = np.convolve(exactly, [1 - p, p])
    return float(exactly[k:].sum())


def _describe(group: list[Member], confirmed_at: datetime, by_chance: float, chance: float) -> Event:
    strongest: dict[str, Member] = {}
    for key, event in group:
        held = strongest.get(key.platform)
        if held is None or _size(event) > _size(held[1]):
            strongest[key.platform] = (key, event)
    starts = {p: min(e.start for k, e in group if k.platform == p) for p in strongest}
    order = sorted(starts, key=lambda p: (starts[p], p))
    first = starts[order[0]]
    direction: Direction = group[0][1].direction
    sign = 1 if direction == "above" else -1
    peak = max((e for _, e in strongest.values()), key=_size)
    end = max(e.end for _, e in group)
    lagging = ", ".join(
        f"{p} {strongest[p][0].metric_type}" + (f" {span((starts[p] - first).total_seconds())} later" if i else "")
        for i, p in enumerate(order)
    )
    changes = [e.relative_deviation for _, e in strongest.values() if np.isfinite(e.relative_deviation)]
    relative = float(np.median(changes)) if changes else float("nan")
    return Event(
        rule="cross_platform",
        start=first,
        end=end,
        confirmed_at=confirmed_at,
        duration_s=(end - first).total_seconds(),
        direction=direction,
        severity=_one_up(max((e.severity for _, e in group), key=SEVERITIES.index), len(order)),
        peak_at=peak.peak_at,
        observed=float(len(order)),
        expected=1 + by_chance,
        deviation=sign * float(np.sqrt(sum(_size(e) ** 2 for _, e in strongest.values()))),
        relative_deviation=relative,
        excess=float("nan"),
        detection_method=f"{len(order)} platforms within the lag, chance {chance:.2g}",
        reason=(
            f"{len(order)} platforms {direction} normal together from {first:%Y-%m-%d %H:%M} UTC: {lagging}; "
            f"typically {percent(relative)}. Unrelated, this happens with chance {chance:.2g}."
        ),
        is_open=any(e.is_open for _, e in group),
        details={
            "platforms": order,
            "chance": chance,
            "members": [
                {"series": str(k), "start": e.start.isoformat(), "lag_s": (e.start - first).total_seconds()}
                for k, e in group
            ],
        },
    )


def _size(event: Event) -> float:
    return abs(event.deviation) if np.isfinite(event.deviation) else 0.0


def _one_up(severity: Severity, platforms: int) -> Severity:
    """One level more where three platforms or more agree."""
    return SEVERITIES[min(SEVERITIES.index(severity) + (platforms >= 3), len(SEVERITIES) - 1)]
