"""`analytics lab`: JupyterLab on the notebooks, with this environment's own kernel."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def lab(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab on `notebooks/`, bound to this machine only, with the database started."""
    from analytics.settings import load_settings, project_root
    from analytics.store.server import database_url

    database_url(load_settings())
    options = [
        f"--ServerApp.root_dir={project_root() / 'notebooks'}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--KernelSpecManager.ensure_native_kernel=True",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    if not browser:
        options.append("--no-browser")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])  # noqa: S606 no shell, own interpreter
