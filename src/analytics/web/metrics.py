"""Prometheus metrics, read from the store and from Prefect when they are asked for.

Runs are short-lived processes, so nothing can be counted inside them: their records are. Counters and histograms grow
by the records that ended since the last look, and begin anew with this process, as Prometheus expects.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from analytics.errors import AnalyticsError, ParamsError
from analytics.jobs.collecting.collectors import interval_of, rounds
from analytics.jobs.watching.health import HTTP_TIMEOUT_S, ORDER, freshness
from analytics.jobs.watching.health import health as look
from analytics.params.files import load_params
from analytics.store import asking

if TYPE_CHECKING:
    from analytics.params.files import Params
    from analytics.settings import Settings
    from analytics.store import Store

BUDGET_S = 3.0  # for one scrape; Prometheus gives up after ten seconds
SHORTEST_S = 10.0  # between two looks at the store; scrapes in between get the same figures
LAP = timedelta(minutes=2)  # a transaction may commit a little after the time it was dated
PREFECT_PAGE = 200
LATENCY_MS = (50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000)
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
DELIVERY_S = (1, 5, 10, 30, 60, 300, 900, 3600)
STATUSES = ("sent", "failed", "suppressed")

ENDED = """
SELECT collection_id AS id, platform, method, outcome, error, started_at, finished_at,
       rows_written, rows_duplicate, rows_corrected, rows_late, rows_quarantined
FROM collections WHERE finished_at >= :since ORDER BY finished_at
"""
REPORTS = """
SELECT report_id AS id, report_type, status, generation_time_ms, completed_at AS finished_at
FROM reports WHERE completed_at >= :since
"""
TOLD = """
SELECT h.alert_id AS id, h.channel, h.status, h.triggered_at AS finished_at, e.created_at AS found_at
FROM alert_history h LEFT JOIN anomaly_events e USING (anomaly_id)
WHERE h.triggered_at >= :since AND h.error IS DISTINCT FROM 'sending'
"""
SUCCESS = """
SELECT platform, avg((outcome IN ('ok', 'partial'))::int) FROM collections
WHERE started_at >= :since AND outcome NOT IN ('running', 'skipped') GROUP BY platform
"""
OPEN = "SELECT platform, severity, count(*) FROM anomaly_events WHERE resolved_at IS NULL GROUP BY platform, severity"
WAITING = "SELECT platform, count(*) FROM quarantine WHERE replayed_at IS NULL GROUP BY platform"
SIZE = "SELECT pg_database_size(current_database())"


class Metrics:
    """The metrics of one installation; `text` is what `/metrics` answers."""

    def __init__(self, settings: Settings, open_store: Callable[[], Store], prefect_url: str | None = None) -> None:
        self.settings = settings
        self.prefect_url = prefect_url
        self._open_store = open_store
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._reading: Future[None] | None = None
        self._looked = 0.0
        self._flows: dict[str, str] = {}
        self._began = datetime.now(UTC)
        self._seen: dict[str, tuple[datetime, set[Any]]] = {}
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._define()

    def _define(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

        by = ("platform", "method")
        self.latency = histogram(
            "ingestion_latency_ms", "Asking, reading and storing one round.", *by, buckets=LATENCY_MS
        )
        self.feeds = histogram("feed_poll_duration_seconds", "One poll of a feed.", "platform")
        self.syncs = histogram("api_sync_duration_seconds", "One round over a platform's API.", "platform")
        self.webhooks = histogram("webhook_processing_latency_seconds", "Webhook received to stored.", "platform")
        self.errors = counter(
            "ingestion_errors", "Rounds that brought less than asked, by what went wrong.", "platform", "type"
        )
        self.rows = counter("ingestion_rows", "Rows by what became of them.", "platform", "result")
        self.success = gauge(
            "ingestion_success_rate", "Share of the last day's rounds that brought something.", "platform"
        )
        self.fresh = gauge("data_freshness_seconds", "Age of the newest reading, which may be dated back.", "platform")
        self.collected = gauge(
            "collection_age_seconds",
            "Since the last round that brought something, else since the first.",
            "platform",
        )
        self.interval = gauge("collection_interval_seconds", "From one poll of the schedule to the next.", "platform")
        self.quarantine = gauge("quarantine_rows", "Rows that wait for somebody to look.", "platform")
        self.open = gauge("anomalies_open", "Episodes that have not ended.", "platform", "severity")
        self.size = gauge("database_size_bytes", "The store, with indexes.")
        self.report_s = histogram("report_generation_duration_seconds", "Notebook and exports of one report.", "report")
        self.reports = counter("report_generations", "Reports by how they ended.", "report", "status")
        self.told = counter("alerts", "Messages by what became of them.", "channel", "status")
        self.told_s = histogram(
            "alert_delivery_latency_seconds", "Detected to delivered.", "channel", buckets=DELIVERY_S
        )
        self.checks_s = gauge("health_check_duration_seconds", "The last look at each part.", "check")
        self.health = gauge("health_status", "0 healthy, 1 degraded, 2 unhealthy.", "check")
        self.task_s = histogram("task_execution_duration_seconds", "Run time of flow runs.", "flow")
        self.tasks = counter("task_runs", "Flow runs by their final state.", "flow", "state")
        self.task_success = gauge("task_success_rate", "Share of the last hour's ended flow runs that completed.")
        self.queue = gauge("task_queue_depth", "Flow runs that are due and have not begun.")
        self.accuracy = histogram(
            "scheduled_task_accuracy_seconds", "Begun this long after the scheduled time.", "flow"
        )
        self.collected_s = gauge("metrics_collection_latency_seconds", "Reading all of the above.")
        self.up = gauge("store_up", "1 if the database answers.")
        # a counter that is not there before its first event does not increase with it: a first failure would be silent
        with suppress(ParamsError):
            for channel, status in product(load_params(self.settings.params_dir).alerts.channels, STATUSES):
                self.told.labels(channel, status)

    def text(self, now: datetime | None = None) -> bytes:
        """The exposition, read anew if the last look was some seconds ago.

        A part that hangs holds up no scrape: Prometheus would give up, and know nothing at all. What is read meanwhile
        comes with the next one.
        """
        with self._lock:
            if self._reading is None and time.monotonic() - self._looked > SHORTEST_S:
                self._reading = self._reader.submit(self.read, now or datetime.now(UTC))
            reading = self._reading
        if reading is not None:
            try:
                reading.result(timeout=BUDGET_S)
            except TimeoutError:
                return generate_latest(self.registry)
            finally:
                if reading.done():
                    with self._lock:
                        self._looked, self._reading = time.monotonic(), None
        return generate_latest(self.registry)

    def read(self, now: datetime) -> None:
        """Look at store, health and Prefect; one that is away leaves its figures as they were and says so."""
        started = time.perf_counter()
        found = look(self.settings, at=now, prefect_url=self.prefect_url)
        for check in found.checks:
            self.health.labels(check.name).set(ORDER.index(check.status))
            self.checks_s.labels(check.name).set(check.seconds)
        well = next(check.status == "healthy" for check in found.checks if check.name == "database")
        try:
            if well:
                with self._open_store() as store:
                    self._read_store(store, now)
        except AnalyticsError:
            well = False
        self.up.set(well)
        if self.prefect_url:
            self._read_prefect(self.prefect_url, now)
        self.collected_s.set(time.perf_counter() - started)

    def _read_store(self, store: Store, now: datetime) -> None:
        for gauge, query in ((self.success, SUCCESS), (self.quarantine, WAITING), (self.open, OPEN)):
            found = self._rows(store, query, since=now - timedelta(days=1))
            gauge.clear()  # a scrape may come at any moment
            for *labels, value in found:
                gauge.labels(*(str(label) for label in labels)).set(float(value))
        with suppress(ParamsError):  # the check of the collectors says so
            self._read_platforms(store, load_params(self.settings.params_dir), now)
        self.size.set(float(self._rows(store, SIZE)[0][0]))
        for row in self._new(store, "collections", ENDED, now):
            self._count_collection(row)
        for row in self._new(store, "reports", REPORTS, now):
            self.reports.labels(row["report_type"], row["status"]).inc()
            if row["generation_time_ms"] is not None:
                self.report_s.labels(row["report_type"]).observe(row["generation_time_ms"] / 1000)
        for row in self._new(store, "alerts", TOLD, now):
            self.told.labels(row["channel"], row["status"]).inc()
            if row["status"] == "sent" and row["found_at"]:
                waited = (row["finished_at"] - row["found_at"]).total_seconds()
                self.told_s.labels(row["channel"]).observe(max(0.0, waited))

    def _read_platforms(self, store: Store, params: Params, now: datetime) -> None:
        """What is collected now: a platform that params no longer name has no figures."""
        newest = freshness(store, now)
        good: dict[str, datetime] = {}
        for one in rounds(store, params, now):
            if at := one.good_at or one.first_at:
                good[one.platform] = max(at, good.get(one.platform, at))
        for gauge in (self.fresh, self.collected, self.interval):
            gauge.clear()
        for name, platform in params.platforms.items():
            if name in newest:
                self.fresh.labels(name).set(newest[name])
            if name in good:
                self.collected.labels(name).set((now - good[name]).total_seconds())
                self.interval.labels(name).set(interval_of(platform.schedule, now).total_seconds())

    def _count_collection(self, row: Any) -> None:
        platform, method = row["platform"], row["method"]
        seconds = (row["finished_at"] - row["started_at"]).total_seconds()
        self.latency.labels(platform, method).observe(seconds * 1000)
        kinds = {"api": self.syncs, "feed": self.feeds, "webhook": self.webhooks}
        if method in kinds:
            kinds[method].labels(platform).observe(seconds)
        if row["outcome"] in ("failed", "partial") and not is_economy(row["error"]):
            self.errors.labels(platform, error_type(row["error"])).inc()
        for result in ("written", "duplicate", "corrected", "late", "quarantined"):
            self.rows.labels(platform, result).inc(row[f"rows_{result}"])

    def _read_prefect(self, url: str, now: datetime) -> None:
        import httpx

        since, seen = self._cursor("runs")
        ended = {
            "flow_runs": {"end_time": {"after_": since.isoformat()}},
            "limit": PREFECT_PAGE,
            "sort": "END_TIME_DESC",
        }
        late = {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}
        hour = {"end_time": {"after_": (now - timedelta(hours=1)).isoformat()}}
        good = {"flow_runs": {**hour, "state": {"type": {"any_": ["COMPLETED"]}}}}
        bad = {"flow_runs": {**hour, "state": {"type": {"any_": ["FAILED", "CRASHED"]}}}}
        try:
            with httpx.Client(base_url=url, timeout=HTTP_TIMEOUT_S) as client:
                runs, waiting, well, ill, flows = (
                    client.post(path, json=body).raise_for_status().json()
                    for path, body in (
                        ("/flow_runs/filter", ended),
                        ("/flow_runs/count", late),
                        ("/flow_runs/count", good),
                        ("/flow_runs/count", bad),
                        ("/flows/filter", {"limit": PREFECT_PAGE}),
                    )
                )
        except (httpx.HTTPError, ValueError):
            return
        self._flows = {flow["id"]: flow["name"] for flow in flows}
        self.queue.set(waiting)
        self.task_success.set(well / (well + ill) if well + ill else 1.0)
        for run in runs:
            if run["id"] not in seen:
                self._count_run(run)
        self._seen["runs"] = (now, {run["id"] for run in runs})

    def _count_run(self, run: dict[str, Any]) -> None:
        flow = self._flows.get(run["flow_id"], "other")
        self.tasks.labels(flow, str(run["state_type"]).lower()).inc()
        if flow == "report" and run["state_type"] in ("FAILED", "CRASHED"):  # of those made the store has a record
            self.reports.labels(str(run.get("parameters", {}).get("name", "traffic")), "failed").inc()
        if run.get("start_time") and run.get("run_count"):  # one that was cancelled before it began has a start too
            self.task_s.labels(flow).observe(float(run.get("total_run_time") or 0))
            self.accuracy.labels(flow).observe(max(0.0, float(run.get("estimated_start_time_delta") or 0)))

    def _cursor(self, name: str) -> tuple[datetime, set[Any]]:
        """Since when, and what was counted of it; at first since this process began: what was before is counted."""
        if name not in self._seen:
            return self._began, set()
        last, seen = self._seen[name]
        return max(self._began, last - LAP), seen

    def _new(self, store: Store, name: str, query: str, now: datetime) -> list[Any]:
        """Records that ended since the last look, each counted once."""
        since, seen = self._cursor(name)
        with store.begin() as connection:
            rows = asking.rows(connection, query, since=since)
        self._seen[name] = (now, {row["id"] for row in rows})
        return [row for row in rows if row["id"] not in seen]

    @staticmethod
    def _rows(store: Store, query: str, **values: object) -> list[Any]:
        with store.begin() as connection:
            return [tuple(row.values()) for row in asking.rows(connection, query, **values)]


def is_economy(error: str | None) -> bool:
    """Whether a round lacks only what the budget left out.

    >>> is_economy("budget: contents left out of this round"), is_economy("timed out; budget: contents left out")
    (True, False)
    """
    return (error or "").startswith("budget:") and ";" not in (error or "")


def error_type(error: str | None) -> str:
    """A label with few values out of a message.

    >>> error_type("github GET /repos/time: answered 401: no"), error_type("x GET /429: ReadTimeout"), error_type(None)
    ('401', 'timeout', 'other')
    """
    text = (error or "").lower()
    if status := re.search(r"\banswered ([45]\d\d)\b", text):
        return status.group(1)
    problem = text.partition(": ")[2] or text  # before it stand platform, account and call
    if re.search(r"time(d )?-?out|no whole answer", problem):
        return "timeout"
    words = (
        ("quota", "quota"),
        ("transport", "connect"),
        ("malformed", "expected"),
        ("malformed", "json"),
        ("withheld", "withheld"),
    )
    return next((name for name, word in words if word in problem), "other")
