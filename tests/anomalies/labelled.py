"""Months of readings whose anomalies are known: three styles of series, seeded."""

from dataclasses import dataclass

import numpy as np

START = np.datetime64("2026-03-02T00:00", "ns")  # a Monday
DAYS, QUIET_DAYS = 35, 15
BURSTS = ("burst", "dip")
SHIFTS = ("rise", "fall")
ABSENCES = ("no peak", "flat", "stale")


@dataclass(frozen=True)
class Label:
    kind: str
    start: np.datetime64
    end: np.datetime64


@dataclass(frozen=True)
class Month:
    times: np.ndarray
    values: np.ndarray
    labels: tuple[Label, ...]


def _mentions(hour, weekday, rng):
    """Overdispersed counts every 5 minutes, one wave a day, quieter weekends."""
    mean = 60 * (1 + 0.6 * np.sin((hour - 9) * np.pi / 12)) * np.where(weekday >= 5, 0.75, 1.0)
    return mean, lambda m: rng.poisson(m * rng.gamma(25, 1 / 25, m.size)).astype(float)


def _views(hour, weekday, rng):
    """Hourly views with office hours, noise that drifts (AR(1) in logs)."""
    mean = np.where((hour >= 8) & (hour < 20), 900.0, 300.0) * np.where(weekday >= 5, 0.6, 1.0)
    noise = np.zeros(hour.size)
    for i in range(1, hour.size):
        noise[i] = 0.4 * noise[i - 1] + rng.normal(0, 0.07)
    return mean, lambda m: m * np.exp(noise)


def _listens(hour, weekday, rng):
    """Counts every 15 minutes with a morning and an evening peak, alike on all days."""
    mean = 30 + 90 * np.exp(-((hour - 8) ** 2) / 4) + 120 * np.exp(-((hour - 19) ** 2) / 6)
    return mean, lambda m: rng.poisson(m * rng.gamma(40, 1 / 40, m.size)).astype(float)


STYLES = {"mentions": (_mentions, 5), "views": (_views, 60), "listens": (_listens, 15)}
HOURS = {
    "burst": (2, 4),
    "dip": (3, 5),
    "rise": (5, 10),
    "fall": (6, 10),
    "no peak": (24, 24),
    "flat": (16, 20),
    "stale": (20, 30),
}


def month(style, seed, kinds, *, first_hour=None, fixed=()):
    """One series of 35 days; an episode every 60 hours or so after the quiet first 15 days.

    `first_hour` fixes when (hours after the start) the first and only episode starts; `fixed`
    adds episodes as (kind, first hour, past-last hour).
    """
    rng = np.random.default_rng([seed, sorted(STYLES).index(style)])
    make, step_min = STYLES[style]
    times = START + np.arange(DAYS * 1440 // step_min) * np.timedelta64(step_min, "m")
    hour = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    weekday = (times.astype("datetime64[D]").astype(int) + 3) % 7
    mean, sample = make(hour, weekday, rng)
    since = (times - START) / np.timedelta64(1, "h")
    spans, at = list(fixed), QUIET_DAYS * 24 + (rng.uniform(6, 40) if first_hour is None else first_hour)
    while at < DAYS * 24 - 40:
        kind = kinds[rng.integers(len(kinds))]
        length = rng.uniform(*HOURS[kind])
        if kind == "no peak":
            at = 24 * np.ceil(at / 24)
        elif kind == "dip":
            at = 24 * (at // 24) + rng.uniform(11, 16)  # at night there is nothing to lose
        spans.append((kind, at, at + length))
        at += length + rng.uniform(48, 72)
        if first_hour is not None:
            break
    changed = mean.copy()
    for kind, begin, end in spans:
        inside = (since >= begin) & (since < end)
        factor = {"burst": rng.uniform(2.5, 4), "dip": 0.15, "rise": rng.uniform(1.7, 2.2), "fall": 0.45}.get(kind, 1.0)
        changed[inside] *= factor
        if kind == "no peak":
            changed[inside] = np.minimum(mean[inside], np.quantile(mean, 0.15))
    values = sample(changed)
    for kind, begin, end in spans:
        inside = np.flatnonzero((since >= begin) & (since < end))
        if kind == "flat":
            values[inside] = values[inside[0]]
        elif kind == "stale":
            values[inside] = np.nan
    spans.sort(key=lambda span: span[1])
    hours = lambda h: START + np.timedelta64(round(h * 3600), "s")  # noqa: E731
    return Month(times, values, tuple(Label(kind, hours(b), hours(e)) for kind, b, e in spans))


def tally(events, labels, wanted, *, slack_h=3.0):
    """Right and wrong events, found and all wanted labels.

    An event is right if it overlaps any labelled episode (what one rule is made for another may see).
    """
    slack = np.timedelta64(round(slack_h * 3600), "s")
    overlaps = [
        [
            np.datetime64(e.start.replace(tzinfo=None)) <= lab.end + slack
            and lab.start <= np.datetime64(e.end.replace(tzinfo=None)) + slack
            for lab in labels
        ]
        for e in events
    ]
    right = sum(any(row) for row in overlaps)
    found = sum(any(row[i] for row in overlaps) for i, lab in enumerate(labels) if lab.kind in wanted)
    return np.array([right, len(events) - right, found, sum(lab.kind in wanted for lab in labels)])
