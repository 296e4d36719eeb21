"""`analytics credentials …`: keys of platforms, encrypted in the store."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.cli.screen import harmless

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)

SET_EXAMPLES = """[bold]Examples[/]

  analytics credentials set GITHUB_TOKEN           asks for it, shows nothing
  analytics credentials set GITHUB_TOKEN < token   from a file
"""
ROTATE_EXAMPLES = """[bold]Examples[/]

  NEW=$(analytics credentials new-key)
  echo "$NEW" | analytics credentials rotate
"""


@app.command(name="new-key")
def new_key() -> None:
    """Print a new key for ANALYTICS_SECRET_KEY; it is stored nowhere."""
    from analytics.store import vault

    typer.echo(vault.new_key())


@app.command(name="set", epilog=SET_EXAMPLES)
def set_(name: Annotated[str, typer.Argument(help="Name the params call it by, for example GITHUB_TOKEN.")]) -> None:
    """Store a credential, encrypted with ANALYTICS_SECRET_KEY."""
    from pydantic import SecretStr

    from analytics.errors import InputError
    from analytics.params.fields import NOT_A_VARIABLE, is_variable
    from analytics.settings import load_settings
    from analytics.store import open_store, vault

    if not is_variable(name):
        raise InputError(f"credential: {NOT_A_VARIABLE}; the key itself is asked for, and shown nowhere")
    settings = load_settings()
    key = vault.Key(settings.secret_key)
    secret = _secret("Credential")
    if not secret:
        raise InputError(f"credential {name}: is empty")
    with open_store(settings) as store, store.begin() as connection:
        vault.put(connection, key, name, SecretStr(secret))
    typer.echo(f"{harmless(name)} is stored, encrypted with key {key.key_id}")


@app.command(name="list")
def list_() -> None:
    """Names of the stored credentials and the id of the key each is encrypted with."""
    from analytics.settings import load_settings
    from analytics.store import open_store, vault

    with open_store(load_settings()) as store, store.begin() as connection:
        found = vault.names(connection)
    for name, key_id in found.items():
        typer.echo(f"{harmless(name)}  key {key_id}")
    if not found:
        typer.echo("No credentials in the store.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of the credential.")]) -> None:
    """Delete a credential."""
    from analytics.errors import InputError
    from analytics.params.fields import is_variable
    from analytics.settings import load_settings
    from analytics.store import open_store, vault

    with open_store(load_settings()) as store, store.begin() as connection:
        if not vault.remove(connection, name):
            shown = name if is_variable(name) else "of that name"
            raise InputError(f"credential {shown}: not in the store; `analytics credentials list` shows those that are")
    typer.echo(f"{harmless(name)} is removed")


@app.command(epilog=ROTATE_EXAMPLES)
def rotate() -> None:
    """Encrypt every credential with a new key, read from standard input; then set ANALYTICS_SECRET_KEY to it."""
    from pydantic import SecretStr

    from analytics.settings import load_settings
    from analytics.store import open_store, vault

    settings = load_settings()
    old = vault.Key(settings.secret_key)
    new = vault.Key(SecretStr(_secret("New key")))
    with open_store(settings) as store, store.begin() as connection:
        count = vault.rotate(connection, old, new)
    typer.echo(f"{count} credentials are now encrypted with key {new.key_id}; set ANALYTICS_SECRET_KEY to it")


def _secret(prompt: str) -> str:
    """A line from a pipe, or typed without being shown."""
    import sys

    return str(typer.prompt(prompt, hide_input=True)) if sys.stdin.isatty() else sys.stdin.readline().strip()
