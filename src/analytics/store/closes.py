"""Closed periods: each figure as it stood when its period was closed, kept for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from analytics.store.tables_config import closed_figures as table

if TYPE_CHECKING:
    from analytics.store import Store


@dataclass(frozen=True)
class ClosedFigure:
    """One series' figures of a period at its close; None where they were unknown."""

    period: str
    timezone: str
    platform: str
    metric_type: str
    author_id: str
    total: float | None
    per_day: float | None
    snapshot: str
    closed_by: str
    closed_at: datetime


def add(store: Store, figures: Iterable[ClosedFigure]) -> int:
    """Keep figures that are not kept yet; return how many. What was closed once stays as it was."""
    from sqlalchemy.dialects.postgresql import insert

    rows = [asdict(figure) for figure in figures]
    if not rows:
        return 0
    statement = insert(table).values(rows).on_conflict_do_nothing()
    with store.begin() as connection:
        return int(connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def select(store: Store, period: str) -> list[ClosedFigure]:
    """The figures of a closed period, in every time zone it was closed for; empty while it is open."""
    query = sa.select(table).where(table.c.period == period)
    query = query.order_by(table.c.timezone, table.c.platform, table.c.metric_type, table.c.author_id)
    with store.begin() as connection:
        return [ClosedFigure(**row) for row in connection.execute(query).mappings()]


def periods(store: Store) -> list[tuple[str, str, datetime, int]]:
    """Closed periods: period, time zone, when it was closed first, and how many figures it has."""
    query = (
        sa.select(table.c.period, table.c.timezone, sa.func.min(table.c.closed_at), sa.func.count())
        .group_by(table.c.period, table.c.timezone)
        .order_by(table.c.period.desc())
    )
    with store.begin() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]
