"""One statement, asked as it is written: for rooms that read or note something of their own and speak no SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa


def rows(connection: sa.Connection, statement: str, **values: object) -> list[Mapping[str, Any]]:
    """The rows a statement gives, by column name; `:name` in it stands for a value, always sent apart from the text."""
    return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]


def changed(connection: sa.Connection, statement: str, **values: object) -> int:
    """How many rows a statement changed."""
    return int(connection.execute(sa.text(statement), values).rowcount)
