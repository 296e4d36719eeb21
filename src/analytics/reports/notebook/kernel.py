"""The kernel a report runs in: this environment's own Python, whatever kernel specs a user has installed.

It talks over sockets in a private folder instead of loopback TCP, which any account of the machine could
connect to, and reads no IPython profile, so that one analyst's start-up files change no report.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

LONGEST = 75  # of the folder for temporary files; ours and the sockets' own names add 30


class OwnPython(AsyncKernelManager):
    """A kernel manager that always starts `sys.executable -m ipykernel_launcher`, with `environment` on top of ours."""

    environment: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.folder = _folder()
        (self.folder / "ipython").mkdir()
        if os.name == "posix":
            self.transport = "ipc"
            self.connection_file = str(self.folder / "k.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec, made here and looked up nowhere."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv += [f"--ipython-dir={self.folder / 'ipython'}", "--IPKernelApp.log_level=CRITICAL"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python", env=dict(self.environment))

    async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]  # declared unawaited
        """Remove the sockets' folder with the kernel."""
        await super().cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(self.folder, ignore_errors=True)


def _folder() -> Path:
    """A private folder whose sockets have names short enough: the system allows some 100 characters for all of it."""
    is_long = os.name == "posix" and len(tempfile.gettempdir()) > LONGEST
    folder = tempfile.mkdtemp(prefix="kernel-", dir="/tmp" if is_long else None)  # noqa: S108 ours alone, mode 700
    return Path(folder)


def own_python(environment: Mapping[str, str]) -> type[OwnPython]:
    """That kernel manager with variables of its own, so that a report reads the installation it was asked of."""
    return type("OwnPython", (OwnPython,), {"environment": dict(environment)})
