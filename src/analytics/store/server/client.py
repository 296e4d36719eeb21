"""Talking to any PostgreSQL by URL, the embedded one or another, without ever showing the password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analytics.errors import StoreError
from analytics.store.server.install import program

if TYPE_CHECKING:
    from sqlalchemy import URL

CONNECT_TIMEOUT_S = 10


def server_version(url: URL) -> str:
    """Version of the server behind a URL; `StoreError` says why it does not answer."""
    import psycopg

    try:
        with psycopg.connect("", **{"connect_timeout": CONNECT_TIMEOUT_S, **_parameters(url)}) as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
    except psycopg.Error as exc:
        reason = " ".join(str(exc).split())
        if url.password:
            reason = reason.replace(str(url.password), "***")
        raise StoreError(f"{url.render_as_string()} does not answer: {reason}") from None
    return str(row[0]) if row else ""


def psql_command(url: URL, arguments: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Command line and additional environment of `psql` for a URL; the password goes where `ps` does not show it.

    >>> from sqlalchemy import make_url
    >>> command, environment = psql_command(make_url("postgresql+psycopg://ann:secret@db/traffic"), ["-c", "TABLE t"])
    >>> command[1:], environment
    (['host=db dbname=traffic user=ann', '-c', 'TABLE t'], {'PGPASSWORD': 'secret'})
    """
    from psycopg.conninfo import make_conninfo

    parameters = _parameters(url)
    password = parameters.pop("password", None)
    command = [str(program("psql")), make_conninfo("", **parameters), *arguments]
    return command, {"PGPASSWORD": str(password)} if password else {}


def libpq_url(url: URL) -> str:
    """The URL as every PostgreSQL program reads it, password included.

    >>> from sqlalchemy import URL
    >>> libpq_url(URL.create("postgresql+psycopg", "ann", "a b+c", "db", database="x", query={"options": "-c jit=off"}))
    'postgresql://ann:a%20b+c@db/x?options=-c%20jit%3Doff'
    """
    base, mark, query = url.set(drivername="postgresql").render_as_string(hide_password=False).partition("?")
    return base.replace(" ", "%20") + mark + query.replace("+", "%20")  # libpq takes a plus sign for a plus sign


def _parameters(url: URL) -> dict[str, Any]:
    """What the SQLAlchemy engine of this URL would hand to psycopg."""
    return dict(url.get_dialect()().create_connect_args(url)[1])
