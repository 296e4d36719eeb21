"""Ingest: the whole write path beside a bare COPY of the same rows and beside `pandas.to_sql`, in one run.

    python benchmarks/store_ingest.py [--rows 1000000] [--url postgresql://…]

Needs a server it may make databases on; without a URL it starts an embedded one in a temporary folder.
The last line is one JSON object. Ratios are to the bare COPY of ready text into a table without indexes.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

sys.path.insert(0, str(Path(__file__).parent))
from store_server import database, memory_mb, server

from analytics.store import Collection, Store
from analytics.store.engine import make_engine
from analytics.store.migrate import upgrade

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SERIES = 8_685
CHUNK = 250_000
COLUMNS = ("time", "platform", "metric_type", "value", "content_id", "content_type", "author_id", "tags")
WIDE = """
CREATE TABLE {name} (time timestamptz NOT NULL, platform text NOT NULL, metric_type text NOT NULL,
    value double precision NOT NULL, content_id text NOT NULL, content_type text, author_id text NOT NULL,
    tags jsonb {key})
"""


def rows(
    count: int, *, series: int = SERIES, start: str = "2026-10-01", polls: int | None = None, with_tags: bool = True
) -> Iterator[pd.DataFrame]:
    """Five-minute polls of all series, round after round, as a backfill of live data comes."""
    number = np.arange(series)
    content = pd.Categorical.from_codes(number % 965, categories=pd.Index([f"content{i:04d}" for i in range(965)]))
    metric = pd.Categorical.from_codes(number // 965 % 9, categories=pd.Index([f"metric{i}" for i in range(9)]))
    accounts = number // SERIES  # beyond the usual number of series the same ones come again, for further accounts
    account = pd.Categorical.from_codes(
        accounts, categories=pd.Index([f"acme{i or ''}" for i in range(accounts.max() + 1)])
    )
    tags = np.array([{"topic": f"topic {i % 17}", "language": "en", "campaign": i % 5} for i in range(series)])
    random = np.random.default_rng(1)
    level = random.integers(0, 1_000_000, series).astype(float)
    polls = polls or max(CHUNK // series, 1)
    done = 0
    while done < count:
        level_now = level + np.cumsum(random.poisson(3, (polls, series)), axis=0)
        level = level_now[-1]
        times = pd.date_range(start, periods=polls, freq="5min", tz="UTC").as_unit("us")
        start = str(times[-1] + pd.Timedelta("5min"))
        frame = pd.DataFrame(
            {
                "platform": pd.Categorical.from_codes(
                    np.zeros(polls * series, np.int8), categories=pd.Index(["youtube"])
                ),
                "metric_type": metric.take(np.tile(number, polls)),
                "content_id": content.take(np.tile(number, polls)),
                "author_id": account.take(np.tile(number, polls)),
                "content_type": pd.Categorical.from_codes(
                    np.zeros(polls * series, np.int8), categories=pd.Index(["video"])
                ),
                "tags": np.tile(tags, polls),
                "time": np.repeat(times, series),
                "value": level_now.ravel(),
            }
        )
        frame = frame.iloc[: count - done] if with_tags else frame.iloc[: count - done].drop(columns="tags")
        done += len(frame)
        yield frame


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def as_text(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame[list(COLUMNS)].assign(tags=frame["tags"].map(json.dumps)), preserve_index=False)
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False))
    return sink.getvalue()


def copy_text(connection: psycopg.Connection, text: bytes) -> None:
    statement = f"COPY bare ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for start in range(0, len(text), 1 << 20):
            copy.write(text[start : start + (1 << 20)])
    connection.commit()


def one_round(url: sa.URL, frames: list[pd.DataFrame], part: pd.DataFrame, text: bytes) -> dict[str, float]:
    """Seconds of each way, one after the other in a database of their own."""
    here = Collection("youtube", "import", "acme", "benchmark")
    key = ", PRIMARY KEY (platform, metric_type, content_id, author_id, time)"
    part = part.astype(dict.fromkeys(("platform", "metric_type", "content_id", "content_type", "author_id"), "str"))
    with database(url) as mine:
        engine = make_engine(mine)
        upgrade(engine)
        store = Store(engine)
        with engine.begin() as connection:
            connection.execute(sa.text(WIDE.format(name="bare", key="")))
            connection.execute(sa.text(WIDE.format(name="keyed", key=key)))
        raw = engine.raw_connection()
        seconds = {
            "bare_copy": timed(lambda: copy_text(raw.driver_connection, text)),
            "whole_path_backfill": timed(lambda: store.write(frames, here, now=NOW)),
            "whole_path_replay": timed(lambda: store.write(frames, here, now=NOW)),
            "to_sql": timed(
                lambda: part.to_sql("keyed", engine, if_exists="append", index=False, dtype={"tags": JSONB})
            ),
        }
        with engine.begin() as connection:  # every other series is to be inserted among the others
            connection.execute(sa.text("DELETE FROM points WHERE series_id % 2 = 0"))
        seconds["whole_path_half_new"] = timed(lambda: store.write(frames, here, now=NOW))
        raw.close()
        engine.dispose()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--to-sql-rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url")
    options = parser.parse_args()
    frames = list(rows(options.rows))
    whole = pd.concat(frames, ignore_index=True)
    text = as_text(whole)
    best: dict[str, float] = {}
    with server(options.url) as url:
        for _ in range(options.rounds):
            seconds = one_round(url, frames, whole.head(options.to_sql_rows), text)
            per_row = {
                name: spent / (options.to_sql_rows if name == "to_sql" else options.rows) * 1e6
                for name, spent in seconds.items()
            }
            best = {name: min(best.get(name, np.inf), value) for name, value in per_row.items()}
    limit = best["bare_copy"]
    result = {
        "rows": options.rows,
        "us_per_row": {name: round(value, 2) for name, value in best.items()},
        "ratio_to_bare_copy": {name: round(value / limit, 2) for name, value in best.items()},
        "times_faster_than_to_sql": round(best["to_sql"] / best["whole_path_backfill"], 1),
        "text_bytes_per_row": round(len(text) / options.rows, 1),
        "client_peak_mb": memory_mb(resource.getrusage(resource.RUSAGE_SELF)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
