"""Rows into a table by their natural key: new ones inserted, changed ones updated, the rest left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

Row = Mapping[str, Any]
BATCH = 1000


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], key: Sequence[str], *, keep: Sequence[str] = ()
) -> int:
    """Insert or update `rows`; return how many were written.

    Args:
        rows: mappings of the table's columns, all with the same names.
        key: columns of a unique constraint.
        keep: columns an update leaves as they are.
    """
    written = 0
    for start in range(0, len(rows), BATCH):
        batch = _once(rows[start : start + BATCH], key)
        statement = insert(table)
        changing = [name for name in batch[0] if name not in key and name not in keep]
        if changing:
            update = {name: statement.excluded[name] for name in changing}
            different = sa.or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in changing))
            final = statement.on_conflict_do_update(index_elements=list(key), set_=update, where=different)
        else:
            final = statement.on_conflict_do_nothing(index_elements=list(key))
        # the rows as parameters, so that the statement is compiled once for all batches: their values in it took longer
        # to compile than to send
        given = any(isinstance(value, sa.ClauseElement) for row in batch for value in row.values())
        sent = (final.values(batch),) if given else (final, batch)
        written += connection.execute(*sent, execution_options={"preserve_rowcount": True}).rowcount
    return written


def _once(rows: Sequence[Row], key: Sequence[str]) -> list[dict[str, Any]]:
    """The last row of each key: PostgreSQL refuses to update a row twice in one statement."""
    return list({tuple(row[name] for name in key): dict(row) for row in rows}.values())
