"""The web app over HTTP: health, metrics that Prometheus can read, published reports, and nothing beside them."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import URL

from analytics.alerts import events
from analytics.alerts.incidents import Incident
from analytics.model import Observation, SeriesKey
from analytics.settings import Settings
from analytics.store import Collection, open_store
from analytics.web.app import create_app


@pytest.fixture
def settings(tmp_path: Path, database_url: URL) -> Settings:
    address = SecretStr(database_url.render_as_string(hide_password=False))
    (tmp_path / "params").mkdir()
    folders = {"home": tmp_path, "params_dir": tmp_path / "params", "output_dir": tmp_path / "output"}
    return Settings(**folders, database_url=address, _env_file=None)


class Asker:
    """Asks an application without a socket."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Asker:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return Asker(create_app(settings))


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_says_nothing_about_the_rest(tmp_path):
    """A supervisor that restarts the process when the database is away would help nobody."""
    away = Settings(
        home=tmp_path,
        params_dir=tmp_path,
        output_dir=tmp_path,
        _env_file=None,
        database_url="postgresql://x@127.0.0.1:1/x",
    )

    client = Asker(create_app(away))

    assert client.get("/healthz").json()["status"] == "healthy"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unhealthy")
    assert ready.json()["checks"][0]["name"] == "database"


def test_ready_names_every_part(client):
    """The specification's shape: service, status, checks, timestamp."""
    body = client.get("/readyz").json()

    assert body.keys() == {"service", "status", "timestamp", "checks"}
    assert {check["name"]: check["status"] for check in body["checks"]}["database"] == "healthy"


def test_metrics_follow_what_was_collected(client, settings):
    """Counted from the records, so that runs in other processes are seen; each once."""
    now = datetime.now(UTC)
    with open_store(settings) as store:
        reading = Observation("github", "stars", 5.0, now - timedelta(seconds=90), author_id="acme")
        store.write([reading], Collection("github", "api", "acme", started_at=now - timedelta(seconds=2)))
        store.record_failure(Collection("github", "api", "acme", started_at=now), "github GET /repos: answered 401")
        store.write([], Collection("blog", "feed", started_at=now))
        ill = Incident(now, SeriesKey("github", "stars"), "statistical", "high", is_open=True, key="k")
        events.save(store, [ill], now=now)

    found = samples(client.get("/metrics").text)

    assert found["ingestion_success_rate", "github"] == 0.5
    assert found["ingestion_errors_total", "github", "401"] == 1
    assert found["ingestion_rows_total", "github", "written"] == 1
    assert found["ingestion_latency_ms_count", "api", "github"] == 2
    assert found["api_sync_duration_seconds_count", "github"] == 2
    assert found["feed_poll_duration_seconds_count", "blog"] == 1
    assert found["anomalies_open", "github", "high"] == 1
    assert found["store_up",] == 1


def test_what_is_late_is_told_from_what_is_dated_back_and_from_what_is_collected_no_more(client, settings):
    """A reading of a post is dated by the post; a daily platform is not late after an hour."""
    now = datetime.now(UTC)
    entry = "{adapter: github, display_name: G, schedule: '0 8 * * *', accounts: [{id: acme}, {id: dead}]}"
    (settings.params_dir / "platforms.yaml").write_text(f"platforms: {{blog: {entry}, new: {entry}}}")
    with open_store(settings) as store:
        for platform, age in (("blog", timedelta(days=2)), ("removed", timedelta(0))):
            old = Observation(platform, "views", 5.0, now - age, author_id="acme")
            store.write([old], Collection(platform, "feed", "acme", started_at=now - timedelta(minutes=4)))

    found = samples(client.get("/metrics").text)

    assert 172800 <= found["data_freshness_seconds", "blog"] < 172900
    assert 240 <= found["collection_age_seconds", "blog"] < 300
    assert found["collection_interval_seconds", "blog"] == 86400
    assert {name[1] for name in found if name[0].startswith(("data_", "collection_"))} == {"blog"}


def test_a_restart_counts_nothing_again(settings):
    """A counter that began with the last hour's sum made `increase()` count that hour twice."""
    from analytics.store import Store
    from analytics.store.engine import engine_for
    from analytics.web.metrics import Metrics

    with open_store(settings) as store:
        store.record_failure(Collection("github", "api", started_at=datetime.now(UTC)), "timed out")
        restarted = Metrics(settings, lambda: Store(engine_for(settings)))
        store.record_failure(Collection("github", "api", started_at=datetime.now(UTC)), "timed out")

    restarted.read(datetime.now(UTC))

    assert samples(restarted.text().decode())["ingestion_errors_total", "github", "timeout"] == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("youtube UC429: no quota left", "quota"),  # an account's number is no status
        ("medium @timeless GET /feed: answered 503: later", "503"),
        ("medium @timeless GET /feed: no document", "other"),
        ("github GET /repos: ReadTimeout: The read operation timed out", "timeout"),
        ("github GET /repos: no whole answer in 120 s", "timeout"),
        ("postmark: no JSON: Expecting property name", "malformed"),
        ("no views (answered 403: not allowed)", "403"),
    ],
)
def test_an_errors_type_is_read_off_what_went_wrong(error, said):
    from analytics.web.metrics import error_type

    assert error_type(error) == said


RUNS = [
    {"id": "1", "flow_id": "r", "state_type": "FAILED", "start_time": "x", "run_count": 1, "total_run_time": 40,
     "estimated_start_time_delta": 2, "parameters": {"name": "weekly"}},
    {"id": "2", "flow_id": "r", "state_type": "CANCELLED", "start_time": "x", "run_count": 0, "total_run_time": 0,
     "estimated_start_time_delta": 900, "parameters": {}},
]  # fmt: skip


def test_runs_are_timed_once_they_began_and_failed_reports_are_counted(settings):
    """Prefect dates the start of a run that was cancelled before it began; the store knows no failed report."""
    from analytics.store import Store
    from analytics.store.engine import engine_for
    from analytics.web.metrics import Metrics

    answers = {"/flow_runs/filter": RUNS, "/flow_runs/count": 0, "/flows/filter": [{"id": "r", "name": "report"}]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(True)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(answers[self.path.removeprefix("/api")])

        def _answer(self, body: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        metrics = Metrics(settings, lambda: Store(engine_for(settings)), f"http://127.0.0.1:{server.server_port}/api")
        found = samples(metrics.text().decode())
        server.shutdown()

    assert found["task_execution_duration_seconds_count", "report"] == 1
    assert found["scheduled_task_accuracy_seconds_sum", "report"] == 2
    assert found["report_generations_total", "weekly", "failed"] == 1


def test_what_the_budget_left_out_is_no_failure(client, settings):
    """A governor that saves quota showed as a platform that brings nothing."""
    now = datetime.now(UTC)
    with open_store(settings) as store:
        out, less = "budget: left out of this round", "budget: contents left out of this round"
        reading = Observation("github", "stars", 5.0, now, author_id="acme")
        store.write([reading], Collection("github", "api", "acme", started_at=now, error=less))
        store.write([], Collection("github", "api", "acme", started_at=now, error=out, is_skipped=True))

    found = samples(client.get("/metrics").text)

    assert found["ingestion_success_rate", "github"] == 1
    assert not [name for name in found if name[0] == "ingestion_errors_total"]


def test_a_second_look_counts_only_what_is_new(settings):
    """A counter that counted the overlap again would invent traffic."""
    from analytics.store import Store
    from analytics.store.engine import engine_for
    from analytics.web.metrics import Metrics

    now = datetime.now(UTC)
    metrics = Metrics(settings, lambda: Store(engine_for(settings)))
    with open_store(settings) as store:
        for _ in range(2):
            store.record_failure(Collection("github", "api", started_at=now), "timed out")
            metrics.read(now)
        metrics.read(now)

    found = samples(metrics.text().decode())

    assert found["ingestion_errors_total", "github", "timeout"] == 2


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_silent_database_is_unhealthy_within_seconds(client, settings, silent):
    """`analytics health` waited for as long as it was silent."""
    away = settings.model_copy(update={"database_url": SecretStr(f"postgresql://x@127.0.0.1:{silent}/x")})

    started = time.perf_counter()
    ready = Asker(create_app(away)).get("/readyz").json()

    assert ready["status"] == "unhealthy"
    assert time.perf_counter() - started < 8


def test_a_part_that_hangs_holds_up_no_scrape(settings, silent, monkeypatch):
    """Prometheus gives up after ten seconds, and then knows nothing of the rest either."""
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{silent}/api")
    client = Asker(create_app(settings))

    started = time.perf_counter()
    client.get("/metrics")
    seconds = time.perf_counter() - started
    deadline = time.monotonic() + 30
    while (found := samples(client.get("/metrics").text)).get(("health_status", "schedules")) != 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)

    assert seconds < 5
    assert found["store_up",] == 1


def test_a_plain_shell_finds_the_server_that_is_up_for_this_home(client, settings, monkeypatch):
    """Without the variable of `analytics up` nothing looked at the schedules, and all was green."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    (settings.home / "prefect").mkdir()
    lock = settings.home / "prefect" / "up.lock"
    lock.write_text(json.dumps({"pid": os.getpid(), "port": free, "web_port": 8600}))
    nobody = client.get("/readyz").json()["checks"]

    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        up = {check["name"]: check for check in client.get("/readyz").json()["checks"]}

    assert "schedules" not in {check["name"] for check in nobody}
    assert up["schedules"]["status"] == "unhealthy"
    assert f"127.0.0.1:{free}" in up["schedules"]["said"]


def test_a_database_that_is_away_is_a_figure_not_an_error(settings):
    """Prometheus must hear of the outage instead of a failed scrape."""
    away = settings.model_copy(update={"database_url": SecretStr("postgresql://x@127.0.0.1:1/x")})
    client = Asker(create_app(away))

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert samples(answer.text)["store_up",] == 0


def test_what_is_published_is_served_and_nothing_that_is_not(settings, client):
    """The gallery from the start, a report as soon as it is published, also under the links of old; no failed work."""
    folder = settings.output_dir / "reports" / "traffic" / "2026-10"
    folder.mkdir(parents=True)
    for name in ("traffic-2026-10.failed.ipynb", "traffic-2026-10.html"):
        (folder / name).write_text("unpublished", "utf-8")
    empty = client.get("/").text
    unpublished = [client.get(f"/reports/traffic/2026-10/{path.name}").status_code for path in folder.iterdir()]
    published = settings.output_dir / "site" / "traffic" / "2026-10" / "traffic-2026-10.html"
    published.parent.mkdir(parents=True)
    published.write_text("the report", "utf-8")

    assert "Nothing is published yet" in empty
    assert unpublished == [404, 404]
    assert client.get("/traffic/2026-10/traffic-2026-10.html").text == "the report"
    assert client.get("/reports/traffic/2026-10/traffic-2026-10.html").text == "the report"


@pytest.mark.parametrize("path", ["/reports/../params/x", "/reports/%2e%2e/secret.txt", "/openapi.json", "/docs"])
def test_nothing_else_is_served(settings, client, path):
    """Neither files beside the reports nor a description of the application."""
    (settings.output_dir / "secret.txt").write_text("secret", "utf-8")

    answer = client.get(path)

    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_answers_carry_the_headers_of_a_careful_site(client):
    """Reports hold other people's text."""
    headers = client.get("/").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8600", 200),
        ("[::1]:8600", 200),
        ("192.168.1.7", 200),
        ("localhost:8600", 200),
        ("REPORTS.example.com", 200),
        ("reports.example.com.:443", 200),
        ("hooks.acme.example", 200),
        ("evil.example", 400),
        ("evil.example:8600", 400),
        ("127.0.0.1.evil.example", 400),
        ("localhost.evil.example", 400),
        ("reports.example.com.evil.example", 400),
        ("localhost@evil.example", 400),
        ("", 400),
    ],
)
def test_only_own_names_are_answered(settings, host, status):
    """A foreign page whose name was made to lead here (DNS rebinding) could read every report."""
    own = {"public_url": "https://reports.example.com", "allowed_hosts": "stats.example, *.acme.example"}
    client = Asker(create_app(settings.model_copy(update=own)))

    answers = [client.get(path, Host=host) for path in ("/healthz", "/metrics", "/")]

    assert [answer.status_code for answer in answers] == [status] * 3
    if status == 400:
        assert "ANALYTICS_ALLOWED_HOSTS" in answers[0].json()["error"]
        assert answers[0].headers["x-content-type-options"] == "nosniff"
