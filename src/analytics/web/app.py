"""The web app: published reports, `/healthz`, `/readyz`, `/metrics`. Reads only."""

from __future__ import annotations

import importlib
import importlib.util
import os

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics import __version__
from analytics.jobs.reporting.published import site_brand, site_dir
from analytics.params.files import load_params
from analytics.reports.publishing.site import refresh
from analytics.settings import Settings, load_settings
from analytics.web.hosts import OwnHostsOnly, own_names

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}
ROUTERS = ("analytics.web.webhooks",)  # each has `router(settings)`; one that is not there is not served


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for one installation."""
    chosen = settings or load_settings()
    app = FastAPI(title="Analytics", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OwnHostsOnly, names=own_names(chosen))
    app.add_middleware(_WithHeaders)
    _add_operations(app, chosen)
    for name in ROUTERS:
        if importlib.util.find_spec(name):
            app.include_router(importlib.import_module(name).router(chosen))
    site = site_dir(chosen)
    if not (site / "index.html").exists():
        site.mkdir(parents=True, exist_ok=True)
        refresh(site, site_brand(load_params(chosen.params_dir)))
    # links of old led to output/reports, which holds work that is unpublished or has failed: now to what is published
    app.mount("/reports", StaticFiles(directory=site), name="reports")
    app.mount("/", StaticFiles(directory=site, html=True), name="site")
    return app


def _add_operations(app: FastAPI, settings: Settings) -> None:
    from analytics.jobs.watching.health import health, hurried
    from analytics.store import Store
    from analytics.store.engine import engine_for
    from analytics.web.metrics import Metrics

    def open_store() -> Store:
        return Store(engine_for(hurried(settings, statement_timeout_s=30)))

    metrics = Metrics(settings, open_store, os.environ.get("PREFECT_API_URL"))

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Alive: the process answers. Says nothing about the rest."""
        return {"status": "healthy", "version": __version__}

    @app.get("/readyz")
    def readyz() -> Response:
        """Every part and its state; 503 if one is unhealthy."""
        found = health(settings)
        checks = [
            {"name": c.name, "status": c.status, "said": c.said, "seconds": round(c.seconds, 4)} for c in found.checks
        ]
        body = {"service": "analytics", "status": found.status, "timestamp": found.at.isoformat(), "checks": checks}
        return JSONResponse(body, 503 if found.status == "unhealthy" else 200, {"Cache-Control": "no-store"})

    @app.get("/metrics")
    def prometheus() -> Response:
        """Prometheus' text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


class _WithHeaders:
    """Adds `HEADERS` to every answer; in plain ASGI, as a function middleware takes two milliseconds a call."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
