"""Which months a report can be made of and compared with: refusals before anything is computed."""

from __future__ import annotations

import pandas as pd

from analytics.errors import InputError, NoDataError
from analytics.model import Period


def require_month(series: pd.DataFrame, month: Period, timezone: str) -> None:
    """Refuse a month that no series reaches.

    Raises:
        NoDataError: naming the months there are.
    """
    start, end = month.bounds(timezone)
    if series.empty or not ((series["first_time"] < end) & (series["last_time"] >= start)).any():
        raise NoDataError(f"{month}: no reading in that month; {stored_months(series, timezone)}")


def require_other(month: Period, compared: Period | None) -> None:
    """Refuse to compare a period with itself.

    Raises:
        InputError: it is the same.
    """
    if compared == month:
        raise InputError(f"compare {compared}: is the period reported; name another one")


def stored_months(series: pd.DataFrame, timezone: str) -> str:
    """Which months hold readings, for an error's advice."""
    if series.empty:
        return "the store is empty: `analytics import` or `analytics collect` fills it"
    first, last = (pd.Timestamp(series[c].agg(f)).tz_convert(timezone) for c, f in SPAN)
    return f"stored: {first:%Y-%m} to {last:%Y-%m}"


SPAN = (("first_time", "min"), ("last_time", "max"))
