"""Size and speed at rest: bytes a point in every tier, and the questions reports and pages ask, at their size.

    python benchmarks/store_queries.py [--days 30] [--series 8685] [--url postgresql://…]

Fills a store as live polls do (every series every five minutes, each round a batch of its own) and rolls up.
P95 of 50 runs a question, series and windows drawn anew each run. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))
from store_ingest import rows
from store_server import database, memory_mb, server

from analytics.store import Collection, Store
from analytics.store.archive import Archive
from analytics.store.engine import make_engine
from analytics.store.migrate import upgrade
from analytics.store.tiers import raw_table

FIRST = date(2026, 10, 1)
POLLS_A_DAY = 288
LATEST = """
SELECT DISTINCT ON (series_id) series_id, time, value FROM points
WHERE time >= :since AND time < :end ORDER BY series_id, time DESC
"""
PLATFORM_BY_HOUR = """
SELECT bucket, metric_type, sum(last_value) FROM metric_hourly JOIN series USING (series_id)
WHERE platform = 'youtube' AND metric_type = :metric AND bucket >= :start AND bucket < :end
GROUP BY bucket, metric_type ORDER BY bucket
"""
TOP_CONTENTS = """
SELECT content_id, max(last_value) - min(first_value) AS growth FROM metric_daily JOIN series USING (series_id)
WHERE metric_type = :metric AND bucket >= :week AND bucket < :end
GROUP BY content_id ORDER BY growth DESC LIMIT 20
"""
SIZES = """
SELECT sum(pg_relation_size(i.inhrelid)), sum(pg_indexes_size(i.inhrelid)), sum(pg_total_relation_size(i.inhrelid))
FROM pg_inherits i WHERE i.inhparent = to_regclass('points')
"""


def fill(store: Store, days: int, series: int, polls: int) -> float:
    """Days of live polls, `polls` rounds a batch; returns the seconds spent in the write path."""
    spent = 0.0
    for frame in rows(
        days * POLLS_A_DAY * series, series=series, start=FIRST.isoformat(), polls=polls, with_tags=False
    ):
        started = time.perf_counter()
        store.write(frame, Collection("youtube", "api", "acme"), now=datetime(2026, 12, 31, tzinfo=UTC))
        spent += time.perf_counter() - started
    return spent


def p95_ms(question: Callable[[], object], runs: int) -> dict[str, float]:
    spent = []
    for _ in range(runs):
        started = time.perf_counter()
        question()
        spent.append((time.perf_counter() - started) * 1000)
    return {"p50": round(float(np.percentile(spent, 50)), 1), "p95": round(float(np.percentile(spent, 95)), 1)}


def questions(store: Store, days: int, series: int) -> dict[str, Callable[[], object]]:
    random = np.random.default_rng(3)
    start = datetime.combine(FIRST, datetime.min.time(), UTC)
    end = start + timedelta(days=days)

    def ask(query: str) -> object:
        values = {
            "start": start,
            "end": end,
            "week": end - timedelta(days=7),
            "since": end - timedelta(hours=1),
            "metric": f"metric{random.integers(9)}",
        }
        with store.engine.connect() as connection:
            return connection.execute(sa.text(query), values).all()

    return {
        "one_series_all_days_raw": lambda: store.read_series([int(random.integers(1, series))], start, end),
        "one_series_all_days_hours": lambda: store.read_buckets([int(random.integers(1, series))], start, end),
        "latest_of_all_series": lambda: ask(LATEST),
        "platform_metric_by_hour_all_days": lambda: ask(PLATFORM_BY_HOUR),
        "top_contents_7_days": lambda: ask(TOP_CONTENTS),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--series", type=int, default=8_685)
    parser.add_argument("--rounds-per-batch", type=int, default=1, help="1: as live; more: as a backfill, quicker")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--url")
    options = parser.parse_args()
    points = options.days * POLLS_A_DAY * options.series
    with server(options.url) as url, database(url) as mine, tempfile.TemporaryDirectory() as folder:
        engine = make_engine(mine, statement_timeout_s=3600)
        upgrade(engine)
        store = Store(engine)
        ingest_s = fill(store, options.days, options.series, options.rounds_per_batch)
        ingest_peak_mb = memory_mb(resource.getrusage(resource.RUSAGE_SELF))
        started = time.perf_counter()
        rolled = store.roll_up(now=datetime(2026, 12, 31, tzinfo=UTC))
        rollup_s = time.perf_counter() - started
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
            heap, index, total = connection.execute(sa.text(SIZES)).one()
            entry = Archive(folder).write("youtube", FIRST, "raw", raw_table(connection, "youtube", FIRST))
        result = {
            "points": points,
            "ingest_us_per_point": round(ingest_s / points * 1e6, 2),
            "ingest_s": round(ingest_s, 1),
            "ingest_peak_mb": ingest_peak_mb,
            "rollup_s_per_hour_bucket": round(rollup_s / max(rolled.hours, 1), 3),
            "hot_bytes_per_point": {
                "heap": round(float(heap) / points, 1),
                "index": round(float(index) / points, 1),
                "together": round(float(total) / points, 1),
            },
            "parquet_bytes_per_point": round(entry.bytes / entry.rows, 2),
            "ms": {
                name: p95_ms(ask, options.runs) for name, ask in questions(store, options.days, options.series).items()
            },
            "client_peak_mb": memory_mb(resource.getrusage(resource.RUSAGE_SELF)),
        }
        engine.dispose()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
