"""Rate-limit headers, in every form the vendors use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EARLIEST_EPOCH_S = 1e8  # 1973: no window lasts three years, so a larger number is a moment
_EARLIEST_EPOCH_MS = 1e11


def wait_of(text: str, now: datetime) -> float | None:
    """Seconds to wait from a `Retry-After` or reset header; None where it cannot be read.

    Reddit and Product Hunt give seconds left, X and GitHub Unix seconds, others milliseconds,
    ISO 8601 or an HTTP date. Numbers tell themselves apart by their size. Never negative.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> wait_of("90", noon), wait_of(str(int(noon.timestamp()) + 30), noon), wait_of("2026-11-20T12:01:00Z", noon)
    (90.0, 30.0, 60.0)
    """
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        moment = _moment(text)
        return None if moment is None else max(0.0, (moment - now).total_seconds())
    if not math.isfinite(number):
        return None
    if number >= _EARLIEST_EPOCH_MS:
        number /= 1000
    if number >= _EARLIEST_EPOCH_S:
        number -= now.timestamp()
    return max(0.0, number)


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def remaining_of(headers: Mapping[str, str], names: Iterable[str]) -> int | None:
    """Calls left in the window, from the first header that says so; None where none does.

    Reddit writes a decimal such as `299.0`.
    """
    for name in names:
        try:
            return max(0, math.floor(float(headers[name])))
        except (KeyError, ValueError, OverflowError):
            continue
    return None
