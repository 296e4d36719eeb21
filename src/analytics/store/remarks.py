"""What people said about a stretch of time: notes on it, and whether an incident was real. Nothing is ever changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from analytics.errors import InputError
from analytics.model import SeriesKey
from analytics.store.tables_config import annotations_table as table

Kind = Literal["note", "acknowledged", "snoozed", "muted", "unmuted", "confirmed", "rejected"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing somebody said.

    `series` names what it is about; '' in a part of the name means any. `start` and `end` are aware; `incident` is the
    incident's key, or '' for a remark on the time itself.
    """

    series: SeriesKey
    start: datetime
    end: datetime
    kind: Kind
    note: str
    said_by: str
    said_at: datetime
    incident: str = ""

    def is_about(self, series: SeriesKey) -> bool:
        """Whether it concerns a series.

        >>> from datetime import UTC
        >>> at = datetime(2026, 11, 20, tzinfo=UTC)
        >>> said = Annotation(SeriesKey("github", ""), at, at, "note", "release", "ana", at)
        >>> said.is_about(SeriesKey("github", "stars", "", "acme")), said.is_about(SeriesKey("reddit", "karma"))
        (True, False)
        """
        return all(mine in ("", theirs) for mine, theirs in zip(_parts(self.series), _parts(series), strict=True))


def add(connection: sa.Connection, said: Iterable[Annotation]) -> int:
    """Keep what was said; return how many rows.

    Raises:
        InputError: an end before its start, or nobody who said it.
    """
    rows = []
    for entry in said:
        if entry.end < entry.start:
            raise InputError(f"annotation: {entry.end.isoformat()} is before {entry.start.isoformat()}")
        if not entry.said_by.strip():
            raise InputError("annotation: who says so? give a name")
        platform, metric, content, author = _parts(entry.series)
        rows.append(
            {
                "platform": platform,
                "metric_type": metric,
                "content_id": content,
                "author_id": author,
                "start_at": entry.start,
                "end_at": entry.end,
                "incident": entry.incident,
                "kind": entry.kind,
                "note": entry.note,
                "said_by": entry.said_by,
                "said_at": entry.said_at,
            }
        )
    if rows:
        connection.execute(sa.insert(table), rows)
    return len(rows)


def select(
    connection: sa.Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    kinds: Sequence[Kind] | None = None,
) -> list[Annotation]:
    """What was said about times that overlap [start, end), oldest saying first; None: no bound."""
    a = table.c
    query = sa.select(table).order_by(a.said_at, a.annotation_id)
    if start is not None:
        query = query.where(a.end_at >= start)
    if end is not None:
        query = query.where(a.start_at < end)
    if kinds is not None:
        query = query.where(a.kind.in_(list(kinds)))
    return [
        Annotation(
            SeriesKey(row.platform, row.metric_type, row.content_id, row.author_id),
            row.start_at,
            row.end_at,
            row.kind,
            row.note,
            row.said_by,
            row.said_at,
            row.incident,
        )
        for row in connection.execute(query)
    ]


def _parts(key: SeriesKey) -> tuple[str, str, str, str]:
    return key.platform, key.metric_type, key.content_id, key.author_id
