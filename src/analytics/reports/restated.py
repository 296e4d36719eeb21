"""Whether a period's figures are settled and closed, and what has changed since they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from analytics.reports.display import Column
from analytics.reports.traffic_data import SeriesMonth, TrafficData
from analytics.store.closes import ClosedFigure

SAME = 1e-9  # relative difference below which two sums are the same number


@dataclass(frozen=True)
class Standing:
    """How firm a report's figures are.

    `settles_at` is when the slowest source no longer restates the period; `slowest` names it. `closed` are the
    figures at the close, empty while the period is open.
    """

    settles_at: datetime
    slowest: str
    is_settled: bool
    closed: tuple[ClosedFigure, ...] = ()

    @property
    def word(self) -> str:
        """`provisional`, `settled` or `closed`."""
        return "closed" if self.closed else "settled" if self.is_settled else "provisional"


def standing(data: TrafficData, newest: datetime, closed: tuple[ClosedFigure, ...]) -> Standing:
    """How firm the figures are, judged by how far the data reach: the same data give the same answer.

    Args:
        newest: the newest reading of any series in the report, also beyond its period.
    """
    end = data.month.bounds(data.timezone)[1]
    slowest = max(data.items, key=lambda item: item.series.definition.settles_after)
    settles_at = end + slowest.series.definition.settles_after
    almost = timedelta(seconds=max(item.series.amounts.step_s for item in data.items))
    return Standing(settles_at, slowest.full_name, newest >= settles_at - almost, closed)


def figures_of(item: SeriesMonth) -> tuple[float | None, float | None]:
    """A series' total and amount a day, None where unknown."""
    total, per_day = item.facts.total, item.facts.per_day
    return (None if math.isnan(total) else total), (None if math.isnan(per_day) else per_day)


def restated_rows(data: TrafficData, closed: tuple[ClosedFigure, ...]) -> pd.DataFrame:
    """One row a figure that is no longer what it was at the close: then, now, and the difference."""
    then = {(c.platform, c.metric_type, c.author_id): c for c in closed}
    rows = []
    for item in data.items:
        key = item.series.key
        before = then.get((key.platform, key.metric_type, key.author_id))
        now = figures_of(item)[0]
        if before is None:
            rows.append({"series": item.full_name, "then": None, "now": now, "difference": None, "change": None})
        elif not _same(before.total, now):
            difference = None if before.total is None or now is None else now - before.total
            relative = difference / abs(before.total) if difference is not None and before.total else None
            rows.append(
                {
                    "series": item.full_name,
                    "then": before.total,
                    "now": now,
                    "difference": difference,
                    "change": relative,
                }
            )
    return pd.DataFrame(rows, columns=["series", "then", "now", "difference", "change"])


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(abs(one), abs(other), 1.0)


RESTATED_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("then", "At the close", "number"),
    Column("now", "Now", "number"),
    Column("difference", "Difference", "difference"),
    Column("change", "Change", "change"),
)
