"""What Instagram and Facebook answer about insights: figures by period, totals, parts of a breakdown.

https://developers.facebook.com/docs/graph-api/reference/insights
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from analytics.adapters.values import (
    OTHERWISE,
    Fault,
    Figure,
    added,
    as_number,
    as_time,
    below,
    each,
    figure,
    gathered,
    known,
    listing,
    malformed,
    mapping,
    numbered,
    observed,
    said,
    text,
)
from analytics.model import Observation

PACIFIC = ZoneInfo("America/Los_Angeles")  # the days of insights begin at its midnight
DAYS = {"day": 1, "week": 7, "days_28": 28, "month": 30}
SUFFIXES = {1: "_per_day", 7: "_per_week"}


def results_of(payload: Any, at: str = "") -> list[tuple[str, Any]]:
    """The results of an insights answer with their places, one per metric and period.

    Raises:
        TypeError, KeyError: it is none.
    """
    return list(numbered(mapping(payload, at or "answer")["data"], below(at, "data")))


def content_of(payload: Any) -> str:
    """Which content the results are of, from their ids; '' where there is none."""
    ids, faults = gathered(results_of(payload), lambda one: text(mapping(one, "result")["id"], "id").partition("/")[0])
    if faults and not ids:
        raise ValueError(str(faults[0]))
    if len(set(ids)) > 1:
        raise ValueError(f"insights of {len(set(ids))} contents in one answer")
    return ids[0] if ids else ""


def content_figures(payload: Any, names: Mapping[str, str], at: str = "") -> dict[str, Figure]:
    """Our metric → the figure of one content since it was published; metrics not in the answer are not in it.

    A result that cannot be read, or all of them, is a fault of the metric ''.
    """
    figures: dict[str, Figure] = {}
    try:
        results = results_of(payload, at)
    except OTHERWISE as exc:
        return {"": Fault(at or "answer", said(exc))}
    for place, result in results:
        try:
            name = str(mapping(result, "result")["name"])
            metric = names.get(name)
            if metric is not None and known(figures.get(metric)) is None:
                read = (_reading(entry, spot, name)[0] for spot, entry in _each_reading(result, place))
                figures[metric] = next(read, None)
        except OTHERWISE as exc:
            figures[""] = Fault(place, said(exc))
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
    common: dict[str, Any] = {"platform": platform, "observed_at": observed_at, "author_id": account}

    def of_result(at: str, result: Any) -> list[Observation]:
        name = str(mapping(result, "result")["name"])
        metric, days = names.get(name), DAYS.get(str(result.get("period")))
        if metric is None:
            return []

        def of_value(spot: str, entry: Any) -> list[Observation]:
            value, end = _reading(entry, spot, name)
            length = None if metric in levels else days if end else days and (_days_asked(payload) or days)
            moment = observed_at if end is None else end if length is None else begin_of(end, length)
            return observed(platform, {f"{metric}{suffix_of(length)}": value}, observed_at=moment, author_id=account)

        return each(_each_reading(result, at), of_value, **common)

    try:
        return each(results_of(payload), of_result, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(platform, f"insights of {account}", exc) from exc


def parse_groups(payload: Any, platform: str, metric: str, *, account: str, observed_at: datetime) -> list[Observation]:
    """A breakdown's parts; each series is named by its dimensions, and a part may be missing."""
    common: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_part(at: str, part: Any) -> list[Observation]:
        group = "/".join(map(str, listing(mapping(part, "part")["dimension_values"], "dimension_values")))
        figures = {metric: figure(part["value"], f"{at}.value", as_number)}
        return observed(platform, figures, **common, content_id=group, content_type="group")

    def of_breakdown(at: str, breakdown: Any) -> list[Observation]:
        parts = mapping(breakdown, "breakdown").get("results") or []
        return each(numbered(parts, f"{at}.results"), of_part, platform=platform, **common)

    def of_result(at: str, result: Any) -> list[Observation]:
        total = mapping(mapping(result, "result").get("total_value") or {}, "total_value")
        parts = numbered(total.get("breakdowns") or [], f"{at}.total_value.breakdowns")
        return each(parts, of_breakdown, platform=platform, **common)

    try:
        return each(results_of(payload), of_result, platform=platform, **common)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(platform, f"groups of {account}", exc) from exc


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


def _each_reading(result: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    """Each figure of one result in any of its shapes: `values`, `total_value`, or both; with its place."""
    values = listing(result.get("values") or [], "values")
    yield from numbered(values, f"{at}.values")
    total = result.get("total_value")
    if not values and total is not None and "value" in mapping(total, "total_value"):
        yield f"{at}.total_value", {"value": total["value"]}


def _reading(entry: Any, at: str, name: str) -> tuple[Figure, datetime | None]:
    """Figure and end of its period, None where it has no time of its own."""
    end = mapping(entry, "value").get("end_time")
    value = figure(entry["value"], f"{at}.value", _sum if "_by_" in name else _number)
    return value, None if end is None else as_time(end)


def _number(value: object) -> float | None:
    """A number; Graph writes an empty set where it has none."""
    return None if value == {} else as_number(value)


def _sum(value: object) -> float | None:
    """The sum of the numbers by kind, as in `post_reactions_by_type_total`; an empty set is unknown."""
    return added(as_number(part) for part in value.values()) if isinstance(value, dict) else as_number(value)


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
