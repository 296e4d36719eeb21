"""Workers that never outlive who asked for them: one that is killed cannot tell them to stop."""

from __future__ import annotations

import os
import threading
import time

EVERY_S = 0.5


def end_with(parent: int) -> None:
    """Leave as soon as the process `parent`, which started this one, is gone; a pool's initializer.

    A pool's own workers wait for work that never comes: `concurrent.futures` for ever, `loky` for five minutes.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
