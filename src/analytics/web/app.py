"""The web app: published reports, `/healthz`, `/readyz`, `/metrics`. Reads only."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from analytics import __version__
from analytics.settings import Settings, load_settings

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for one installation."""
    chosen = settings or load_settings()
    app = FastAPI(title="Analytics", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Alive: the process answers. Says nothing about the rest."""
        return {"status": "healthy", "version": __version__}

    reports = chosen.output_dir.resolve() / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    app.mount("/reports", StaticFiles(directory=reports, html=True), name="reports")
    return app
