"""`analytics web`: the web app alone, without schedules: webhooks, the reports' site, health, metrics."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """[bold]Examples[/]

  analytics web
  analytics web --port 8080 --host 0.0.0.0
"""


def web(
    host: Annotated[str, typer.Option(help="Address to listen on; the default is reached from this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8600,
) -> None:
    """Serve webhooks, published reports, /healthz, /readyz and /metrics until Ctrl-C; part of `analytics up`."""
    import uvicorn

    from analytics.web.app import create_app

    uvicorn.run(create_app(), host=host, port=port, access_log=False)


web.__doc__ = f"{web.__doc__}\n\n{EXAMPLES}"
