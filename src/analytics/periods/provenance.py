"""Where a report's figures come from: the query or command that gives them again, data, parameters, definitions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from analytics.model import Month
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import listed

MOST_DEFINITIONS = 8
QUERIES = {
    "readings": "SELECT time, value FROM platform_metrics WHERE {readings} ORDER BY time",
    "sum": "SELECT sum(value) FROM platform_metrics WHERE {readings}",
    "mean": "SELECT avg(value) FROM platform_metrics WHERE {readings}",
    "last": "SELECT value FROM platform_metrics WHERE {readings} ORDER BY time DESC LIMIT 1",
    "increase": "SELECT sum(value - before) FROM (SELECT time, value, lag(value) OVER (ORDER BY time) AS before FROM "
    "platform_metrics WHERE {with_earlier}) readings WHERE time >= {start}",
}


def provenance_of(
    data: TrafficData, query: str, items: Sequence[SeriesMonth] | None = None, *, of_one: SeriesMonth | None = None
) -> dict[str, Any]:
    """What gives the figures again, the data they are of, definitions and newest reading.

    Args:
        query: in words, or as SQL.
        items: the series they are of; all of the report's where not given.
        of_one: the one series they are of, which may be judged in a way of its own.
    """
    shown = [of_one] if of_one else list(data.items if items is None else items)
    watch = of_one.series.watch if of_one else data.watch
    definitions = list(dict.fromkeys(found.definition_id for item in shown for found in item.meanings))
    newest = max(item.newest for item in shown).astimezone(data.zone)
    return {
        "query": query,
        "command": command(data, shown),
        "snapshot": data.snapshot,
        "parameters": say(
            "month {period}, {timezone}, {algorithm} over {days} days",
            period=data.month,
            timezone=data.timezone,
            algorithm=watch.algorithm,
            days=watch.window_days,
        ),
        "definition": listed(definitions, limit=MOST_DEFINITIONS),
        "freshness": say("newest reading {when}", when=formats.moment(newest)),
    }


def command(data: TrafficData, items: Sequence[SeriesMonth], *, of_contents: bool = False) -> str:
    """What to type to compute the figures of these series anew: every table of theirs, in a JSON file.

    `of_contents` names no metrics: contents are measured by metrics of their own.
    """
    keys = [item.series.key for item in items]
    words = ["analytics", "report", "traffic", *_period(data, "--month")]
    for option, names in (
        ("--platforms", [key.platform for key in keys]),
        ("--metrics", [key.metric_type for key in keys]),
        ("--accounts", [key.author_id for key in keys]),
    ):
        if not (of_contents and option == "--metrics"):
            words += [option, ",".join(dict.fromkeys(names))]
    watch = data.watch
    words += ["--timezone", data.timezone, "--algorithm", watch.algorithm, "--window-days", str(watch.window_days)]
    other = items[0].year_before.other
    compared = ["--compare", str(other)] if other != data.month.year_before() and isinstance(other, Month) else []
    return shlex.join([*words, *compared, "--formats", "json", "--no-publish"])


def _period(data: TrafficData, option: str) -> list[str]:
    if isinstance(data.month, Month):
        return [option, str(data.month)]
    first, last = str(data.month).split("--")
    return ["--from", first, "--to", last]


def readings_sql(item: SeriesMonth, data: TrafficData) -> str:
    """SQL that gives a series' readings of the period, for `analytics db psql`."""
    start, end = _bounds(item, data)
    return QUERIES["readings"].format(readings=_where(item, start, end))


def figure_sql(item: SeriesMonth, data: TrafficData) -> str:
    """SQL that gives a series' figure of the period from its readings, where they are still in the database.

    A counter that was started anew loses here what the report makes good.
    """
    start, end = _bounds(item, data)
    return QUERIES[item.facts.aggregation].format(
        readings=_where(item, start, end),
        with_earlier=_where(item, f"{start} - interval '30 days'", end),
        start=start,
    )


def _bounds(item: SeriesMonth, data: TrafficData) -> tuple[str, str]:
    """Where the period begins and ends; of readings that stand for days, in the zone whose days they are."""
    zone = item.series.day_zone or data.timezone
    dates = [at.astimezone(data.zone).date() for at in data.month.bounds(data.timezone)]
    first, end = (f"timestamptz {_quoted(f'{day:%Y-%m-%d} 00:00 {zone}')}" for day in dates)
    return first, end


def _where(item: SeriesMonth, start: str, end: str) -> str:
    key = item.series.key
    account = f"author_id = {_quoted(key.author_id)}" if key.author_id else "author_id IS NULL"
    return (
        f"platform = {_quoted(key.platform)} AND metric_type = {_quoted(key.metric_type)} AND {account} "
        f"AND content_id IS NULL AND time >= {start} AND time < {end}"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
