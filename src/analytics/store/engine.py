"""Connections: one pool a process, UTC sessions, a time limit on every statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from analytics.errors import StoreError

if TYPE_CHECKING:
    import psycopg

    from analytics.settings import Settings


def make_engine(url: sa.URL | str, *, pool_size: int = 5, statement_timeout_s: float = 300.0) -> sa.Engine:
    """An engine over psycopg for `url`; sessions run in UTC, without just-in-time compilation.

    Raises:
        StoreError: the URL is not one of a PostgreSQL server.
    """
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as exc:
        raise StoreError("the database URL cannot be read; expected postgresql://user@host/database") from exc
    if address.get_backend_name() not in {"postgresql", "postgres"}:
        raise StoreError(f"{address.get_backend_name()}: not a PostgreSQL URL")
    engine = sa.create_engine(
        address.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
    )
    timeout_ms = int(statement_timeout_s * 1000)

    @sa.event.listens_for(engine, "connect")
    def _session(connection: Any, _record: Any) -> None:
        connection.execute(f"SET statement_timeout = {timeout_ms}")
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET jit = off")  # its start-up costs more than these queries take
        connection.commit()

    return engine


def driver_cursor(connection: sa.Connection) -> psycopg.Cursor[Any]:
    """A cursor of psycopg itself in the connection's transaction: for COPY, which SQLAlchemy does not know."""
    cursor: psycopg.Cursor[Any] = connection.connection.cursor()  # type: ignore[assignment]
    return cursor


def engine_for(settings: Settings) -> sa.Engine:
    """The engine of an installation; starts the embedded server where no URL is set."""
    from analytics.store.server.supervisor import database_url

    return make_engine(
        database_url(settings),
        pool_size=settings.database_pool_size,
        statement_timeout_s=settings.statement_timeout_s,
    )
