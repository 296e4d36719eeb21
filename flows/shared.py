"""What every flow needs: which failures are worth another try, and how results show in the UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State

from analytics.errors import ServerError, StoreError, TransientSourceError
from analytics.settings import Settings, load_settings

# A run that waits holds a place that others need: some seconds, then it is left to the next run.
RETRIES: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [3, 10], "retry_jitter_factor": 0.5}
# For runs with places of their own.
PATIENT: dict[str, Any] = {"retries": 3, "retry_delay_seconds": [10, 30, 90], "retry_jitter_factor": 0.5}


def is_transient(_task: object, _run: object, state: State[Any]) -> bool:
    """Whether a failed task may succeed when it is tried again: a platform's hiccup, or the database away."""
    try:
        state.result()
    except (TransientSourceError, ServerError, StoreError):
        return True
    except Exception:  # noqa: BLE001 - any other failure stays a failure
        return False
    return False


def is_ours(_task: object, _run: object, state: State[Any]) -> bool:
    """Whether the fault is the database's, which is back within seconds; a platform may take longer."""
    try:
        state.result()
    except (ServerError, StoreError):
        return True
    except Exception:  # noqa: BLE001
        return False
    return False


def settings() -> Settings:
    """This installation's settings."""
    return load_settings()


def slug(*parts: str) -> str:
    """A stable key for an artifact.

    >>> slug("report", "traffic", "2026-10"), slug("collect", "product_hunt")
    ('report-traffic-2026-10', 'collect-product-hunt')
    """
    text = "-".join(parts).lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text).strip("-")


def show_table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """A table in the UI, with its history under the same key; nothing for no rows."""
    if rows:
        create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def show_text(key: str, markdown: str, description: str) -> None:
    """A text in the UI."""
    create_markdown_artifact(key=key, markdown=markdown, description=description)


def show_links(key: str, links: Mapping[str, str], description: str) -> None:
    """Links on one card, the one a reader wants first: a run's page shows several cards in no order."""
    markdown = "\n".join(f"- [{text}]({address})" for text, address in links.items())
    create_markdown_artifact(key=key, markdown=markdown, description=description)


def address_of(path: Path, output_dir: Path, public_url: str | None) -> str:
    """Where a reader opens a published file; the web app has the site at its root.

    >>> address_of(Path("/o/site/traffic/2026-10/v1/r.html"), Path("/o"), "http://127.0.0.1:8600")
    'http://127.0.0.1:8600/traffic/2026-10/v1/r.html'
    >>> address_of(Path("/o/a b.html"), Path("/o"), None)
    'file:///o/a%20b.html'
    """
    if not public_url:
        return path.resolve().as_uri()
    below = path.resolve().relative_to(output_dir.resolve()).as_posix().removeprefix("site/")
    return f"{public_url.rstrip('/')}/{quote(below)}"
