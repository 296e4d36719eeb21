"""Whether a period's figures are settled and closed, and what has changed since they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from analytics.model import SeriesKey
from analytics.periods.figures import TrafficData
from analytics.periods.standing import SAME, Numbers, _key, figures_of
from analytics.reports.document.display import Column
from analytics.store.closes import ClosedFigure
from analytics.wording.language import mark, say

NUMBERS = (mark("total"), mark("per day"))  # of a figure, as `figures_of` gives them


def restated_rows(data: TrafficData, closed: Sequence[ClosedFigure]) -> pd.DataFrame:
    """One row a number that is no longer what it was at the close: then, now, and the difference.

    What was closed and is not there any more, as after a deletion, is listed too; what was never closed is not.
    """
    items = {_key(item): item for item in data.items}
    rows = []
    for figure in closed:
        item = items.get(_key(figure))
        name = item.full_name if item else _called(figure, data)
        now = figures_of(item) if item else (None, None)
        rows += [{"series": name, **row} for row in _changed((figure.total, figure.per_day), now)]
    return pd.DataFrame(rows, columns=["series", "number", "then", "now", "difference", "change"])


def _called(figure: ClosedFigure, data: TrafficData) -> str:
    """A series that is not in the report any more, as its title would be."""
    key = SeriesKey(figure.platform, figure.metric_type, author_id=figure.author_id)
    return data.named(key)


def _changed(before: Numbers, now: Numbers) -> Iterator[dict[str, object]]:
    for number, one, other in zip(NUMBERS, before, now, strict=True):
        if not _same(one, other):
            difference = None if one is None or other is None else other - one
            change = difference / abs(one) if difference is not None and one else None
            yield {"number": say(number), "then": one, "now": other, "difference": difference, "change": change}


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(abs(one), abs(other), 1.0)


RESTATED_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("number", "Number"),
    Column("then", "At the close", "number"),
    Column("now", "Now", "number"),
    Column("difference", "Difference", "difference"),
    Column("change", "Change", "change"),
)
