"""Webhooks under load on loopback: signed bodies at a steady rate, answered once committed, then how soon queryable.

python benchmarks/webhooks.py [seconds] [rate]
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

KEY = ec.generate_private_key(ec.SECP256R1())
SERVE = """
import uvicorn, sys
from analytics.web.app import create_app
options = {"log_level": "warning", "access_log": False, "timeout_keep_alive": 60}
uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), **options)
"""


def signed() -> tuple[bytes, dict[str, str]]:
    """A body of five events, and its headers."""
    now = int(time.time())
    events = [
        {
            "event": "open",
            "email": f"{secrets.token_hex(4)}@x.com",
            "timestamp": now,
            "sg_event_id": secrets.token_hex(12),
        }
        for _ in range(5)
    ]
    body = json.dumps(events).encode() + b"\r\n"
    signature = KEY.sign(str(now).encode() + body, ec.ECDSA(SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(now),
        "Content-Type": "application/json",
    }


async def load(port: int, calls: list[bytes], rate: float) -> list[tuple[float, int]]:
    """Send at a steady rate, whatever the answers take; seconds and status of each.

    Over bare sockets: an HTTP library in this process would cost more than the server's answer.
    """
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    results: list[tuple[float, int]] = []

    async def one(call: bytes) -> None:
        started = time.perf_counter()
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(call)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        results.append((time.perf_counter() - started, int(head.split(b" ")[1])))
        idle.append((reader, writer))

    async with asyncio.TaskGroup() as group:
        begun = time.perf_counter()
        for number, call in enumerate(calls):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            group.create_task(one(call))
    return results


def written(body: bytes, headers: dict[str, str]) -> bytes:
    """A call as it goes over the wire."""
    lines = ["POST /webhooks/sendgrid/acme HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def total_opens(environment: dict[str, str]) -> float:
    """The newest total in the store."""
    os.environ.update(environment)
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store:
        known = store.series(metrics=["opens"])
        now = datetime.now(UTC)
        read = store.read_series([int(i) for i in known["series_id"]], now - timedelta(days=1), now + timedelta(days=1))
        return float(read["value"].max()) if len(read) else 0.0


def cpu_of(process: int) -> float:
    """Seconds of processor time a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(seconds: float = 20, rate: float = 200) -> None:
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    home = Path(tempfile.mkdtemp())
    home.chmod(0o755)
    environment = {
        "ANALYTICS_HOME": str(home / "data"),
        "ANALYTICS_OUTPUT_DIR": str(home / "output"),
        "SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(public).decode(),
    }
    port = 8000 + secrets.randbelow(1000)
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=os.environ | environment)
    try:
        url = f"http://127.0.0.1:{port}/webhooks/sendgrid/acme"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                body, headers = signed()
                if httpx.post(url, content=body, headers=headers, timeout=100).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.3)
        time.sleep(3)
        before = total_opens(environment)
        calls = [written(*signed()) for _ in range(int(seconds * rate))]
        cpu_s = -cpu_of(server.pid)
        results = asyncio.run(load(port, calls, rate))
        cpu_s += cpu_of(server.pid)
        ended = time.perf_counter()
        wanted = before + 5 * len(results)
        while total_opens(environment) < wanted and time.perf_counter() - ended < 60:
            time.sleep(0.1)
        queryable_s = time.perf_counter() - ended
    finally:
        server.terminate()
        server.wait(20)
        subprocess.run(
            [sys.executable, "-c", "from analytics.cli import main; main(['db', 'stop'])"],
            env=os.environ | environment,
            check=False,
        )
    times = sorted(spent for spent, _ in results)
    good = sum(status == 200 for _, status in results)
    p50, p95, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.95, 0.99))
    print(
        f"{len(results)} bodies of 5 events at {rate:.0f}/s: {good} kept; mean {statistics.mean(times) * 1000:.1f} ms"
    )
    print(f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms; last event queryable after {queryable_s:.2f} s")
    print(
        f"server {cpu_s / len(results) * 1000:.2f} ms of processor time a body; load average {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
