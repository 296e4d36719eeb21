"""What Instagram and Facebook answer about insights: figures by period, totals, parts of a breakdown.

https://developers.facebook.com/docs/graph-api/reference/insights
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from analytics.adapters.values import as_number, as_time, listing, malformed, mapping
from analytics.model import Observation

PACIFIC = ZoneInfo("America/Los_Angeles")  # the days of insights begin at its midnight
DAYS = {"day": 1, "week": 7, "days_28": 28, "month": 30}
SUFFIXES = {1: "_per_day", 7: "_per_week"}


def results_of(payload: Any) -> list[dict[str, Any]]:
    """The results of an insights answer, one per metric and period; raise as `values` do where it is none."""
    return [mapping(result, "result") for result in listing(mapping(payload, "answer")["data"], "data")]


def content_figures(results: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, float | None]:
    """Our metric → the figure of one content since it was published; metrics not in the answer are not in it."""
    figures: dict[str, float | None] = {}
    for result in results:
        metric = names.get(str(result["name"]))
        if metric is not None and figures.get(metric) is None:
            figures[metric] = next((value for value, _ in _readings(result)), None)
    return figures


def parse_periods(
    payload: Any,
    platform: str,
    names: Mapping[str, str],
    *,
    account: str,
    observed_at: datetime,
    levels: Collection[str] = (),
) -> list[Observation]:
    """Figures of an account by period: `reach` of a day becomes `reach_per_day`, of a week `reach_per_week`.

    A reading is dated at the beginning of its period, from the `end_time`; a total has no time of its own
    and is dated `observed_at`. A figure without a period (lifetime, or one of the `levels`) keeps its name
    and is dated at its end.
    """
    found = []
    try:
        for result in results_of(payload):
            metric, days = names.get(str(result["name"])), DAYS.get(str(result.get("period")))
            for value, end in _readings(result) if metric else ():
                length = None if metric in levels else days if end else days and (_days_asked(payload) or days)
                at = observed_at if end is None else end if length is None else begin_of(end, length)
                name = f"{metric}{suffix_of(length)}"
                found.append(Observation(platform, name, value, at, author_id=account))
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(platform, f"insights of {account}", exc) from exc
    return found


def parse_groups(payload: Any, platform: str, metric: str, *, account: str, observed_at: datetime) -> list[Observation]:
    """A breakdown's parts; each series is named by its dimensions, and a part may be missing."""
    found = []
    try:
        for result in results_of(payload):
            total = mapping(result.get("total_value") or {}, "total_value")
            for breakdown in listing(total.get("breakdowns") or [], "breakdowns"):
                for part in listing(mapping(breakdown, "breakdown").get("results") or [], "results"):
                    group = "/".join(map(str, listing(mapping(part, "part")["dimension_values"], "dimension_values")))
                    value = as_number(part["value"])
                    found.append(Observation(platform, metric, value, observed_at, group, "group", account))
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(platform, f"groups of {account}", exc) from exc
    return found


def suffix_of(days: int | None) -> str:
    """What a figure over so many days adds to its metric's name; nothing for one without a period."""
    return "" if days is None else SUFFIXES.get(days, f"_per_{days}_days")


def begin_of(end: datetime, days: int) -> datetime:
    """When a period ended by `end` began: at a Pacific midnight if it ended at one, in summer and winter.

    >>> from datetime import UTC
    >>> begin_of(datetime(2026, 11, 2, 8, tzinfo=UTC), 1).astimezone(UTC).isoformat()  # the day the clocks went back
    '2026-11-01T07:00:00+00:00'
    """
    local = end.astimezone(PACIFIC)
    if local.time() != datetime.min.time():
        return end - timedelta(days=days)
    return datetime.combine(local.date() - timedelta(days=days), datetime.min.time(), PACIFIC)


def whole_days(observed_at: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Begin and end of the last `count` Pacific days that are over, the earliest first."""
    today = observed_at.astimezone(PACIFIC).date()
    midnights = [
        datetime.combine(today - timedelta(days=back), datetime.min.time(), PACIFIC) for back in range(count, -1, -1)
    ]
    return list(pairwise(midnights))


def _readings(result: Mapping[str, Any]) -> Iterator[tuple[float | None, datetime | None]]:
    """(figure, end of its period) of one result in each of its shapes: `values`, `total_value`, or both."""
    values = listing(result.get("values") or [], "values")
    for entry in values:
        value = mapping(entry, "value")
        end = value.get("end_time")
        yield _figure(value["value"]), None if end is None else as_time(end)
    total = result.get("total_value")
    if not values and total is not None and "value" in mapping(total, "total_value"):
        yield _figure(total["value"]), None


def _figure(value: object) -> float | None:
    """A number, or the sum of the numbers by kind (reactions by type); an empty set is unknown."""
    if not isinstance(value, dict):
        return as_number(value)
    parts = [as_number(part) for part in value.values()]
    return None if not parts or None in parts else sum(part for part in parts if part is not None)


def _days_asked(payload: Any) -> int | None:
    """Whole days a total is over, from the links to the ranges before and after it; None without them."""
    paging = payload.get("paging")
    bounds = []
    for link, name in (("previous", "until"), ("next", "since")):
        url = paging.get(link) if isinstance(paging, dict) else None
        text = httpx.URL(url).params.get(name, "") if isinstance(url, str) else ""
        if not text.isdecimal():
            return None
        bounds.append(int(text))
    return round((bounds[1] - bounds[0]) / 86_400) or None
