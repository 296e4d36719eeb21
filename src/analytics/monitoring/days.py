"""Readings that stand for a calendar day keep their date in every zone.

A platform that gives a figure for a day gives it for its own: UTC, or Pacific time. It is stored at the midnight that
day began at. West of that zone the same instant lies on the day before; so the reading is moved to the midnight of
the same date where the report is read, before anything is cut into days.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

DAY_ZONES = (
    "UTC",
    "America/Los_Angeles",
)  # of the platforms there are; YouTube, Meta and Product Hunt keep Pacific days
FARTHEST = timedelta(days=1, hours=2)  # between the beginnings of one date in the zones farthest apart


def day_zone_of(times: pd.Series | pd.DatetimeIndex) -> str:
    """The zone at whose midnights all of these readings lie; '' where they are instants of their own.

    >>> day_zone_of(pd.to_datetime(["2026-10-01T07:00Z", "2026-11-02T08:00Z"]))
    'America/Los_Angeles'
    """
    index = pd.DatetimeIndex(times)
    if not len(index):
        return ""
    for zone in DAY_ZONES:
        local = index.tz_convert(zone)
        if (local == local.normalize()).all():
            return zone
    return ""


def moved(times: pd.Series, zone: str, timezone: str) -> pd.Series:
    """Midnights of `zone` as the midnights of the same dates in `timezone`, in UTC.

    >>> moved(pd.Series(pd.to_datetime(["2026-10-01T00:00Z"])), "UTC", "America/New_York")[0].isoformat()
    '2026-10-01T04:00:00+00:00'
    """
    dates = times.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    there = dates.dt.tz_localize(timezone, nonexistent="shift_forward", ambiguous=True)
    utc: pd.Series = there.dt.tz_convert("UTC")
    return utc


def begin_in(zone: str, at: datetime, timezone: str) -> datetime:
    """The instant at which the date that begins at `at` in `timezone` begins in `zone`."""
    return datetime.combine(at.astimezone(ZoneInfo(timezone)).date(), time(), ZoneInfo(zone))


def local_dates(times: pd.Series, timezone: str) -> pd.Series:
    """The date each reading belongs to, as midnights without zone: its own where it stands for a day, else the local.

    A single reading tells less than a series does: what lies at a midnight of a platform's zone counts as a day's.
    """
    found: pd.Series = times.dt.tz_convert(timezone).dt.tz_localize(None).dt.normalize()
    for zone in reversed(DAY_ZONES):
        there = times.dt.tz_convert(zone).dt.tz_localize(None)
        found = found.mask(there == there.dt.normalize(), there)
    return found
