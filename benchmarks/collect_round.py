"""One collection round of every simulated platform × 5 accounts × 200 contents: seconds, memory, where time goes.

    python benchmarks/collect_round.py [--accounts 5] [--contents 200]

The simulator runs in a process of its own on the same machine, the store is an embedded PostgreSQL in a
temporary folder. Measured: asking and parsing alone (threads as in production), then the whole round with
landing and store, then the same round again (every point already there). The peer downloads the same GET
calls one after another with plain httpx, and neither parses nor stores anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx

from analytics.jobs.collecting import collect as job
from analytics.params.files import Params
from analytics.settings import Settings
from analytics.simulator import platforms
from analytics.store import open_store

NOW = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)
BRANDS = ("acme", "globex", "initech", "umbrella", "hooli", "soylent", "wonka", "stark", "wayne", "tyrell")


def accounts_of(name: str, count: int) -> list[str]:
    """The platform's example account under other names, or other numbers."""
    example = platforms.load(name).account
    if "acme" in example:
        return [example.replace("acme", brand) for brand in BRANDS[:count]]
    return [str(int(example) + i) for i in range(count)]


def params_of(count: int) -> Params:
    entries = {
        name: {
            "adapter": name,
            "display_name": name,
            "accounts": [{"id": account, "credential": "BENCHMARK_TOKEN"} for account in accounts_of(name, count)],
        }
        for name in platforms.names()
    }
    return Params.model_validate({"platforms": entries})


def fetched(params: Params, url: str, contents: int) -> tuple[float, list[job.Harvest]]:
    started = time.perf_counter()
    with ThreadPoolExecutor(job.THREADS) as pool:
        asked = [
            pool.submit(
                job.fetch_account,
                name,
                entry,
                account,
                observed_at=NOW,
                base_url=job.address_of(url, name),
                contents=contents,
            )
            for name, entry in params.platforms.items()
            for account in entry.accounts
        ]
        harvests = [future.result() for future in asked]
    return time.perf_counter() - started, harvests


def peer(url: str, harvests: list[job.Harvest]) -> tuple[float, int]:
    calls = [page.call for harvest in harvests for page in harvest.pages if page.call.startswith("GET ")]
    started = time.perf_counter()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {os.environ['BENCHMARK_TOKEN']}"}) as client:
        for call in calls:
            client.get(call.split(" ", 1)[1])
    return time.perf_counter() - started, len(calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=5, choices=range(1, len(BRANDS) + 1))
    parser.add_argument("--contents", type=int, default=200)
    options = parser.parse_args()
    os.environ["BENCHMARK_TOKEN"] = "user-token-of-the-owner"  # noqa: S105 the simulator takes any
    command = [Path(sys.executable).with_name("analytics"), "simulator", "run", "--port", "0", "--no-limits"]
    simulator = subprocess.Popen(
        [*command, "--now", NOW.isoformat()],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    )
    try:
        url = simulator.stdout.readline().strip().rpartition("/")[0]
        print(json.dumps(measured(url, options.accounts, options.contents)))
    finally:
        simulator.terminate()
        simulator.wait(20)


def measured(url: str, accounts: int, contents: int) -> dict[str, object]:
    params = params_of(accounts)
    fetched(params, url, contents)  # the simulator works its history out on the first call: not the collector's time
    asking_s, harvests = fetched(params, url, contents)
    peer_s, peer_calls = peer(url, harvests)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "data", _env_file=None)
        with open_store(settings) as store:
            rounds, processor_s = [], []
            for _ in range(2):
                began = time.process_time()
                rounds.append(job.collect(settings, store, base_url=url, at=NOW, params=params, contents=contents))
                processor_s.append(time.process_time() - began)
        _stop_server(settings)
    first, again = rounds
    return {
        "platforms": len(params.platforms),
        "accounts": len(first.harvests),
        "failed": len(first.failed),
        "calls": sum(len(harvest.pages) for harvest in first.harvests),
        "readings": sum(len(harvest.observations) for harvest in first.harvests),
        "written": first.written,
        "round_s": round(first.seconds, 2),
        "round_again_s": round(again.seconds, 2),
        "round_processor_s": round(processor_s[0], 2),
        "asking_and_parsing_s": round(asking_s, 2),
        "landing_and_store_s": round(first.seconds - asking_s, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peer_plain_download_s": round(peer_s, 2),
        "peer_calls": peer_calls,
    }


def _stop_server(settings: Settings) -> None:
    from analytics.store.server.supervisor import EmbeddedServer

    EmbeddedServer(settings.server_dir).stop()


if __name__ == "__main__":
    main()
