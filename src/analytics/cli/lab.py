"""`analytics lab`: JupyterLab on the notebooks, with this environment's own kernel."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

# nothing is fetched and nothing asked: the machine may have no network
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def lab(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab on `notebooks/`, bound to this machine only, with the database started."""
    from analytics.settings import environment_of, load_settings, project_root
    from analytics.store.server.supervisor import database_url

    settings = load_settings()
    database_url(settings)
    os.environ.update(environment_of(settings))  # a kernel's working folder is the notebook's
    overrides = settings.home.resolve() / "lab" / "overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(QUIET))
    options = [
        f"--ServerApp.root_dir={project_root() / 'notebooks'}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--LabApp.app_settings_dir={overrides.parent}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--KernelSpecManager.ensure_native_kernel=True",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    if not browser:
        options.append("--no-browser")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])  # noqa: S606 no shell, own interpreter
