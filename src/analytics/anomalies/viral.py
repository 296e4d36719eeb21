"""Breakouts: a piece of content against what its account's earlier content had at the same age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analytics.anomalies.bins import MAD_TO_SIGMA
from analytics.anomalies.events import Event, Floats, number, percent, severity_of, span
from analytics.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("content_id", "published_at", "observed_at", "value")
AGES = tuple(timedelta(hours=h) for h in (1, 3, 6, 12, 24, 48, 96, 168))
LEAST_SPREAD = 0.15  # in logs: no account's posts are alike to better than 15 %


def detect_breakouts(
    readings: pd.DataFrame,
    *,
    ages: Sequence[timedelta] = AGES,
    least_posts: int = 8,
    last_posts: int = 50,
    threshold: float = 3.5,
    least_ratio: float = 2.0,
) -> list[Event]:
    """Content that had far more than the account's earlier content at the same age, told at the first such age.

    Counts grow with age and spread by ratios, so logs are compared: the deviation is in robust
    standard deviations of log(1 + value) over at most `last_posts` earlier posts, age by age.

    Args:
        readings: one account and metric; `content_id`, `published_at`, `observed_at` (aware UTC),
            `value` cumulative. The value at an age is interpolated between readings, never beyond.
        least_posts: fewest earlier posts that reached the age before this one did.
        threshold, least_ratio: least deviation, and least multiple of the median.
    Returns:
        Events by confirmation; `details` holds `content_id`, `age_s` and `posts`.
    Raises:
        InputError: a column is missing.
    """
    absent = [c for c in COLUMNS if c not in readings.columns]
    if absent:
        raise InputError(f"breakouts: column {absent[0]!r} is missing; expected {', '.join(COLUMNS)}")
    posts = sorted(_posts(readings, ages), key=lambda p: (p[1], p[0]))
    found = []
    for i, (content_id, published_at, at_age) in enumerate(posts):
        for j, age in enumerate(ages):
            now = published_at + age
            earlier = [v[j] for _, published, v in posts[:i] if published + age <= now and np.isfinite(v[j])]
            if not np.isfinite(at_age[j]) or len(earlier) < least_posts:
                continue
            usual, spread = _usual(np.array(earlier[-last_posts:]))
            deviation = (np.log1p(at_age[j]) - np.log1p(usual)) / spread
            if deviation >= threshold and at_age[j] >= least_ratio * max(usual, 1.0):
                seen = float(at_age[j]), usual, float(deviation)
                found.append(_event(content_id, published_at, age, seen, min(len(earlier), last_posts)))
                break
    return sorted(found, key=lambda e: (e.confirmed_at, e.details["content_id"]))


def _posts(readings: pd.DataFrame, ages: Sequence[timedelta]) -> Iterator[tuple[str, datetime, Floats]]:
    """Each post with when it was published and its value at every age; NaN where no reading is old enough."""
    wanted = np.array([age.total_seconds() for age in ages])
    for content_id, rows in readings.dropna(subset=["value"]).groupby("content_id", sort=True):
        published = rows["published_at"].iloc[0].to_pydatetime()
        ordered = rows.sort_values("observed_at")
        old = (ordered["observed_at"] - rows["published_at"].iloc[0]).dt.total_seconds().to_numpy(dtype=float)
        values = np.r_[0.0, ordered["value"].to_numpy(dtype=float)]  # nothing at birth
        yield str(content_id), published, np.interp(wanted, np.r_[0.0, old], values, right=np.nan)


def _usual(earlier: Floats) -> tuple[float, float]:
    """Median and robust standard deviation of the logs."""
    logs = np.log1p(earlier)
    middle = float(np.median(logs))
    return float(np.expm1(middle)), max(MAD_TO_SIGMA * float(np.median(np.abs(logs - middle))), LEAST_SPREAD)


def _event(
    content_id: str, published_at: datetime, age: timedelta, seen: tuple[float, float, float], posts: int
) -> Event:
    value, usual, deviation = seen
    ratio = (value - usual) / usual if usual else float("nan")
    at = published_at + age
    return Event(
        rule="statistical",
        start=published_at,
        end=at,
        confirmed_at=at,
        duration_s=age.total_seconds(),
        direction="above",
        severity=severity_of(deviation, 3600),
        peak_at=at,
        observed=value,
        expected=usual,
        deviation=deviation,
        relative_deviation=ratio,
        excess=value - usual,
        detection_method="breakout: log value at the same age against earlier content",
        reason=(
            f"{content_id} had {number(value)} {span(age.total_seconds())} after publication; the last {posts} "
            f"pieces had {number(usual)} at that age ({percent(ratio)}, {deviation:.1f} deviations)."
        ),
        details={"kind": "breakout", "content_id": content_id, "age_s": age.total_seconds(), "posts": posts},
    )
