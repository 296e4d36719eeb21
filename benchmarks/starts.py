"""From `analytics up` to every part up, and to every part healthy: fresh homes, then one that exists.

python benchmarks/starts.py [--fresh 3] [--existing 3]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
PATIENCE_S = 400.0


def start(home: Path) -> dict[str, Any]:
    """Bring it up, wait until all is healthy, and take it down again."""
    log = home / "up.log"
    said = {"ANALYTICS_HOME": str(home / "data"), "ANALYTICS_OUTPUT_DIR": str(home / "output")}
    load, began = os.getloadavg()[0], time.monotonic()
    with log.open("w") as out:
        command = [str(Path(sys.executable).parent / "analytics"), "up", "--port", "0", "--web-port", "0"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | said, stdout=out, stderr=subprocess.STDOUT)
    try:
        while "All up" not in (text := log.read_text()):
            if process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                raise SystemExit(text)
            time.sleep(0.05)
        up_s = time.monotonic() - began
        address = next(word for word in text.split() if word.endswith("/readyz"))
        while state(address) != "healthy" and time.monotonic() - began < PATIENCE_S:
            time.sleep(0.1)
        return {"up_s": round(up_s, 1), "all_green_s": round(time.monotonic() - began, 1), "load": round(load, 1)}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def state(address: str) -> str:
    """What the web app says of the whole."""
    with suppress(URLError, OSError, ValueError), urlopen(address, timeout=30) as answer:  # noqa: S310 - on loopback
        return str(json.load(answer)["status"])
    return ""


def main() -> None:
    """Measure and print one JSON object for each start."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fresh", type=int, default=3)
    parser.add_argument("--existing", type=int, default=3)
    options = parser.parse_args()
    for number in range(options.fresh + (options.existing > 0)):
        home = Path(tempfile.mkdtemp(prefix="starts-", dir="/tmp"))
        home.chmod(0o755)
        try:
            made = start(home)
            if number < options.fresh:
                print(json.dumps({"home": "fresh", **made}), flush=True)
            for _ in range(options.existing if number == options.fresh else 0):
                print(json.dumps({"home": "existing", **start(home)}), flush=True)
        finally:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
