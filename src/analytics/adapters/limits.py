"""Rate-limit headers, in every form the vendors use."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from analytics.adapters.vendor import Vendor

_EARLIEST_EPOCH_S = 1e8  # 1973: no window lasts three years, so a larger number is a moment
_EARLIEST_EPOCH_MS = 1e11
_MEASURES = ("call_count", "total_cputime", "total_time")


def wait_of(text: str, now: datetime) -> float | None:
    """Seconds to wait from a `Retry-After` or reset header; None where it cannot be read.

    Reddit and Product Hunt give seconds left, X and GitHub Unix seconds, others milliseconds,
    ISO 8601 or an HTTP date. Numbers tell themselves apart by their size. Never negative.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> wait_of("90", noon), wait_of(str(int(noon.timestamp()) + 30), noon), wait_of("2026-11-20T12:01:00Z", noon)
    (90.0, 30.0, 60.0)

    Meta gives JSON with the minutes until access is regained, 0 where it is not lost.
    """
    text = text.strip()
    if text.startswith("{"):
        minutes = max((use.get("estimated_time_to_regain_access", 0) for use in _usages(text)), default=0)
        return minutes * 60.0 or None
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

    Reddit writes a decimal such as `299.0`, Meta JSON with percentages used: then it is percent left.
    """
    for name in names:
        try:
            text = headers[name]
            if text.startswith("{"):
                return _percent_left(text)
            return max(0, math.floor(float(text)))
        except (KeyError, ValueError, OverflowError):
            continue
    return None


def _percent_left(text: str) -> int:
    """What is left of the most used of Meta's measures; raise `ValueError` where none is told."""
    used = [use[kind] for use in _usages(text) for kind in _MEASURES if kind in use]
    return max(0, 100 - math.ceil(max(used)))


def _usages(text: str) -> Iterator[dict[str, float]]:
    """The usage objects in one of Meta's headers: the app's own, or a list of them for each business."""
    try:
        found = json.loads(text)
    except ValueError:
        return
    for part in (found, *found.values()):
        for use in part if isinstance(part, list) else [part]:
            if isinstance(use, dict):
                yield {key: value for key, value in use.items() if isinstance(value, int | float)}


def asked_wait_s(vendor: Vendor, response: httpx.Response) -> float | None:
    """Seconds the platform asks us to wait; its own clock (the Date header) counts, not ours."""
    now = datetime.now(UTC)
    with contextlib.suppress(KeyError, ValueError, TypeError):
        now = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    if "retry-after" in response.headers:
        return wait_of(response.headers["retry-after"], now)
    # Reset headers stand on every answer: on a 5xx, or with calls left, the window is not what failed.
    left = remaining_of(response.headers, vendor.remaining_headers)
    if response.status_code >= 500 or (left is not None and left > 0):
        return None
    waits = (wait_of(response.headers[name], now) for name in vendor.reset_headers if name in response.headers)
    return next((wait for wait in waits if wait is not None), None)
