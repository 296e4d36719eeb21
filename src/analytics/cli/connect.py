"""`analytics connect`: sign in to a platform in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """[bold]Examples[/]

  analytics connect youtube
  analytics connect x --client-id abc123 --name X_USER_TOKEN
  analytics connect linkedin --no-browser
  analytics connect linkedin --pkce
"""


def connect(
    platform: Annotated[str, typer.Argument(help="youtube, linkedin, instagram, facebook, x, reddit or producthunt.")],
    client_id: Annotated[str | None, typer.Option(help="Id of the app you created.", show_default="asked for")] = None,
    name: Annotated[
        str | None, typer.Option(help="What params call the credential.", show_default="<PLATFORM>_TOKEN")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the loopback redirect; 0: any free one.")] = 8765,
    pkce: Annotated[
        bool | None, typer.Option("--pkce/--no-pkce", help="Bind the code to us by PKCE.", show_default="by vendor")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the address; without: only show it.")] = True,
    timeout: Annotated[int, typer.Option(min=10, max=3600, help="Seconds to wait for the browser.")] = 300,
) -> None:
    """Sign in to a platform and keep the tokens, encrypted; says what to create at the vendor first."""
    import webbrowser

    from analytics.adapters.oauth import PATH, App, not_granted, sign_in
    from analytics.adapters.signin_vendors import vendor_of, with_pkce
    from analytics.cli.screen import Console
    from analytics.errors import InputError
    from analytics.jobs.collecting.signin import keep
    from analytics.params.fields import NOT_A_VARIABLE, is_variable
    from analytics.settings import load_settings
    from analytics.store import open_store, vault

    vendor, settings = with_pkce(vendor_of(platform), pkce), load_settings()
    vault.Key(settings.secret_key)  # refused now rather than after signing in
    credential = name or f"{vendor.platform.upper()}_TOKEN"
    if not is_variable(credential):
        raise InputError(f"--name: {NOT_A_VARIABLE}")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    redirect_uri = f"http://{vendor.redirect_host}:{port or '<port>'}{PATH}"
    console.print(f"{vendor.platform}: create this at the vendor first, once\n")
    console.print(vendor.words.format(redirect_uri=redirect_uri))
    console.print(f"\nScopes asked for: {vendor.separator.join(vendor.scopes)}\n")
    if not vendor.pkce:
        console.print(f"Without PKCE. {vendor.pkce_words}".rstrip() + "\n")
    identity = (client_id or str(typer.prompt("Client id"))).strip()
    secret = ""
    if vendor.takes_secret:
        words = "Client secret (empty if it has none)"
        secret = str(typer.prompt(words, default="", hide_input=True, show_default=False))
    if not identity:
        raise InputError("client id: is empty")

    def show(url: str) -> None:
        console.print(f"\nOpen this in a browser and agree:\n{url}\n")
        if browser:
            webbrowser.open(url)

    with open_store(settings) as store:
        grant = sign_in(vendor, App(identity, secret.strip()), port=port, show=show, timeout_s=timeout)
        keep(settings, store, credential, grant)
    ends = f"until {grant.token.expires_at:%Y-%m-%d %H:%M} UTC" if grant.token.expires_at else "without an end"
    renewed = ", renewed by itself" if grant.token.refresh_token or vendor.prolong_grant else ""
    if missing := not_granted(vendor, grant.token):
        console.print(
            f"{vendor.platform} did not grant: {', '.join(missing)}. Figures that need it will be refused; "
            "sign in again and agree to everything, or check the app's permissions."
        )
    console.print(f"Signed in {ends}{renewed}. In params: credential: {credential}")


connect.__doc__ = f"{connect.__doc__}\n\n{EXAMPLES}"
