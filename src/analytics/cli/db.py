"""`analytics db …`: the database, embedded or elsewhere."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from analytics.cli.screen import Console

if TYPE_CHECKING:
    from sqlalchemy import URL

    from analytics.settings import Settings
    from analytics.store.server.supervisor import EmbeddedServer, ServerStatus

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)

NOT_RUNNING = 3  # exit status of `status`, as service managers use it

START_EXAMPLES = """[bold]Examples[/]

  analytics db start              as every other command does by itself
  analytics db start --tcp        a port too, for Grafana or DBeaver
  analytics db start --tcp --port 6000
  analytics db start --no-tcp     close that port again
"""
STATUS_EXAMPLES = """[bold]Examples[/]

  analytics db status
  analytics db status --json | jq -r .state

[bold]Exit status[/]

  0 running, 3 not running, 1 the database elsewhere does not answer
"""
URL_EXAMPLES = """[bold]Examples[/]

  psql "$(analytics db url)"
  pg_dump --format=custom --file=traffic.dump "$(analytics db url)"
  analytics db url --tcp
"""
PSQL_EXAMPLES = """[bold]Examples[/]

  analytics db psql
  analytics db psql -c "SELECT platform, count(*) FROM series GROUP BY 1"
  analytics db psql --csv -f question.sql > answer.csv
"""


@app.command(epilog=START_EXAMPLES)
def start(
    tcp: Annotated[
        bool | None, typer.Option("--tcp/--no-tcp", help="Listen on 127.0.0.1 too; without either: as before.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1024, max=65535, help="Port for --tcp.", show_default="the last one, or 54320")
    ] = None,
) -> None:
    """Start the embedded database server, or find it running.

    It goes on until `analytics db stop`. With `--tcp` it also listens on 127.0.0.1, for one role with a password that
    may read and write every table.
    """
    settings = _settings()
    if _is_elsewhere(settings, "started"):
        return
    server = _server(settings)
    server.start(tcp=_door(tcp, port))
    _show(server.status())
    if tcp or port:
        _say("For other programs, password included; again with `analytics db url --tcp`:")
        _echo(server.tcp_url())


@app.command()
def stop() -> None:
    """Stop the embedded database server.

    Its sessions are ended; what they committed is kept.
    """
    settings = _settings()
    if not _is_elsewhere(settings, "stopped"):
        _say("stopped" if _server(settings).stop() else "was not running")


@app.command(epilog=STATUS_EXAMPLES)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show whether the database runs, which version, where, and how big it is."""
    from analytics.store.server.client import server_version
    from analytics.store.server.supervisor import parse_database_url

    settings = _settings()
    if settings.database_url is None:
        found = _server(settings).status()
        _show_json(found) if as_json else _show(found)
        raise typer.Exit(0 if found.state == "running" else NOT_RUNNING)
    url = parse_database_url(settings.database_url.get_secret_value())
    version = server_version(url)
    if as_json:
        typer.echo(json.dumps({"state": "running", "url": url.render_as_string(), "version": version}))
    else:
        _rows({"state": "running", "PostgreSQL": version, "URL": url.render_as_string()})


@app.command(epilog=URL_EXAMPLES)
def url(
    tcp: Annotated[bool, typer.Option("--tcp", help="The port on 127.0.0.1, with its password.")] = False,
) -> None:
    """Print the URL of the database.

    The embedded server is started if need be.

    The password of ANALYTICS_DATABASE_URL is never printed; that of `--tcp` is, because nobody else knows it.
    """
    from analytics.errors import InputError
    from analytics.store.server.supervisor import database_url

    settings = _settings()
    where = database_url(settings)
    if settings.database_url is not None:
        if tcp:
            raise InputError("--tcp is for the embedded server, and ANALYTICS_DATABASE_URL names another")
        typer.echo(where.set(drivername="postgresql").render_as_string())
    else:
        _echo(_server(settings).tcp_url() if tcp else where)


@app.command(
    epilog=PSQL_EXAMPLES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="",
)
def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="Anything psql takes.", metavar="[ARGS]...")] = None,
) -> None:
    """Open the SQL prompt in the database, or run SQL.

    The embedded server is started if need be.
    """
    from analytics.store.server.client import psql_command
    from analytics.store.server.supervisor import database_url

    command, environment = psql_command(database_url(_settings()), arguments or [])
    sys.stdout.flush()
    os.execve(command[0], command, {**os.environ, **environment})  # noqa: S606 - no shell, and it is a program of ours


def _settings() -> Settings:
    from analytics.settings import load_settings

    return load_settings()


def _server(settings: Settings) -> EmbeddedServer:
    from analytics.store.server.supervisor import EmbeddedServer

    return EmbeddedServer(settings.server_dir)


def _is_elsewhere(settings: Settings, done: str) -> bool:
    from analytics.store.server.supervisor import parse_database_url

    if settings.database_url is None:
        return False
    parse_database_url(settings.database_url.get_secret_value())
    _say(f"ANALYTICS_DATABASE_URL names a database elsewhere: nothing to be {done} here")
    return True


def _door(tcp: bool | None, port: int | None) -> bool | int | None:
    from analytics.errors import InputError

    if tcp is False and port is not None:
        raise InputError("--port is for --tcp, not for --no-tcp")
    return tcp if port is None else port


def _show(found: ServerStatus) -> None:
    rows = {"state": found.state, "folder": str(found.data_dir), "size": f"{found.data_bytes / 1e6:.0f} MB"}
    if found.cluster.parent != found.data_dir:
        rows["files"] = f"{found.cluster} (the server's account cannot pass through to the folder)"
    if found.state == "running":
        rows |= {"PostgreSQL": str(found.version), "process": str(found.pid), "socket": str(found.socket_dir)}
        rows["TCP"] = f"127.0.0.1:{found.tcp_port}" if found.tcp_port else "no"
        rows["sessions"] = str(found.sessions)
    _rows(rows)


def _show_json(found: ServerStatus) -> None:
    from dataclasses import asdict

    typer.echo(json.dumps(asdict(found), default=str))


def _rows(rows: dict[str, str]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)


def _say(text: str) -> None:
    Console(highlight=False, markup=False, soft_wrap=True).print(text)


def _echo(url: URL) -> None:
    from analytics.store.server.client import libpq_url

    typer.echo(libpq_url(url))
