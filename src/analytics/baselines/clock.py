"""Times as numbers: UTC instants, the typical step, and the calendar on the wall of a named time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.errors import InputError
from analytics.model import zone_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Times = NDArray[np.datetime64]

DAY_S = 86400
NS_PER_S = 1_000_000_000


def as_times(times: Any) -> Times:
    """Instants as datetime64[ns] in UTC; aware pandas indexes and series are converted, naive ones taken as UTC.

    Raises:
        InputError: a time is missing or is not a time.
    """
    try:
        if hasattr(times, "dt"):  # a pandas Series keeps its zone one level down
            times = times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz is not None else times
        if getattr(times, "tz", None) is not None:
            times = times.tz_convert("UTC").tz_localize(None)
        elif not isinstance(times, np.ndarray) and isinstance(times, Iterable):
            times = [_naive(t) for t in times] if not hasattr(times, "to_numpy") else times.to_numpy()
        at = np.asarray(times).astype("datetime64[ns]")
    except (TypeError, ValueError) as exc:
        raise InputError(f"times: expected UTC instants, got {type(times).__name__}: {exc}") from exc
    if np.isnat(at).any():
        raise InputError("times: a time is missing")
    return at


def _naive(t: object) -> np.datetime64:
    if isinstance(t, datetime) and t.tzinfo is not None:
        return np.datetime64(t.astimezone(zone_of("UTC")).replace(tzinfo=None), "ns")
    return np.datetime64(t, "ns")  # type: ignore[call-overload,no-any-return]


def step_of(times: Times) -> float:
    """Typical seconds between neighbours: the median positive interval; 300 where there is none.

    >>> step_of(np.datetime64("2026-01-01", "ns") + np.array([0, 60, 120, 180, 999]) * np.timedelta64(1, "s"))
    60.0
    """
    apart = np.diff(times.astype(np.int64))
    apart = apart[apart > 0]
    return float(np.median(apart)) / NS_PER_S if apart.size else 300.0


@dataclass(frozen=True)
class LocalCalendar:
    """Where each instant stands on the clock and in the week of a time zone.

    Attributes:
        second: shape (n,), seconds since local midnight as a clock on the wall shows them.
        weekday: shape (n,), 0 Monday to 6 Sunday.
        day: shape (n,), local days since 1970-01-01.
    """

    second: Ints
    weekday: Ints
    day: Ints


def local_calendar(times: ArrayLike, timezone: str = "UTC") -> LocalCalendar:
    """Time of day, day of the week and date in `timezone`; right over changes of daylight saving.

    >>> at = np.array(["2026-03-29T00:30", "2026-03-29T01:30"], dtype="datetime64[ns]")  # clocks go 2 -> 3
    >>> local_calendar(at, "Europe/Berlin").second // 3600
    array([1, 3])
    """
    seconds = as_times(times).astype(np.int64) // NS_PER_S + utc_offset_s(times, timezone)
    day = seconds // DAY_S
    return LocalCalendar(seconds - day * DAY_S, (day + 3) % 7, day)


def utc_offset_s(times: ArrayLike, timezone: str) -> Ints:
    """Seconds local time is ahead of UTC at each instant, shape (n,)."""
    at = as_times(times)
    zone = zone_of(timezone)
    if timezone == "UTC" or not at.size:
        return np.zeros(at.size, dtype=np.int64)
    import pandas as pd

    local = pd.DatetimeIndex(at).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return (local.to_numpy().astype("datetime64[ns]").astype(np.int64) - at.astype(np.int64)) // NS_PER_S


def day_number(day: date | str) -> int:
    """Days since 1970-01-01 of a calendar date.

    >>> day_number("1970-01-02")
    1
    """
    return int(np.datetime64(str(day), "D").astype(np.int64))
