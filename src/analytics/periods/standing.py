"""How firm a period's figures are: provisional, settled or closed, and what closing kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.store.closes import ClosedFigure

SAME = 1e-9  # relative difference below which two sums are the same number


Key = tuple[str, str, str]


Numbers = tuple[float | None, float | None]


@dataclass(frozen=True)
class Standing:
    """How firm a report's figures are.

    `settles_at` is when the last source no longer restates the period, of those that have not settled if there are
    any; `slowest` names it and `newest` is its newest reading. `closed` are the report's figures at the close,
    `figures` how many it has in all; `elsewhere` were closed for days of another time zone.
    """

    settles_at: datetime
    slowest: str
    newest: datetime
    is_settled: bool
    closed: tuple[ClosedFigure, ...] = ()
    figures: int = 0
    elsewhere: tuple[ClosedFigure, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether every figure was closed."""
        return bool(self.closed) and len(self.closed) == self.figures

    @property
    def closed_at(self) -> datetime | None:
        """When the last of all its figures was closed; None while any is open."""
        return max(figure.closed_at for figure in self.closed) if self.is_closed else None

    @property
    def word(self) -> str:
        """`provisional`, `settled` or `closed`."""
        return "closed" if self.is_closed else "settled" if self.is_settled else "provisional"


def standing(data: TrafficData, series: pd.DataFrame, kept: Sequence[ClosedFigure] = ()) -> Standing:
    """How firm the figures are, judged by how far each series reaches: the same data give the same answer.

    A series that its platform restates has settled when its own readings reach that far, less one of its own steps; one
    that nobody restates when any of its platform's do.

    Args:
        series: rows of `Store.series()` with the newest reading of each, also beyond the period.
        kept: figures of the period, and of those asked for, that were closed.
    """
    end = data.month.bounds(data.timezone)[1]
    own = dict(zip(series["series_id"], series["last_time"], strict=True))
    ours = series.groupby("platform")["last_time"].max()
    judged = []
    for item in data.items:
        waits = item.series.definition.settles_after
        newest = own[item.series.series_id] if waits else ours[item.series.key.platform]
        reaches = newest.to_pydatetime() + timedelta(seconds=item.series.amounts.step_s)
        judged.append((reaches >= end + waits, end + waits, newest.to_pydatetime(), item.full_name))
    open_ones = [one for one in judged if not one[0]]
    _, settles_at, newest, slowest = max(open_ones or judged, key=lambda one: one[1])
    closed = tuple(figure for figure in kept if figure.timezone == data.timezone)
    figures = {_key(item) for item in data.items} | {_key(figure) for figure in closed}
    elsewhere = tuple(figure for figure in kept if figure.timezone != data.timezone)
    return Standing(settles_at, slowest, newest, not open_ones, closed, len(figures), elsewhere)


def _key(of: SeriesMonth | ClosedFigure) -> Key:
    key = of if isinstance(of, ClosedFigure) else of.series.key
    return key.platform, key.metric_type, key.author_id


def figures_of(item: SeriesMonth) -> Numbers:
    """A series' total and amount a day, None where unknown."""
    total, per_day = item.facts.total, item.facts.per_day
    return (None if math.isnan(total) else total), (None if math.isnan(per_day) else per_day)
