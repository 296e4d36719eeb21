"""Readings that come after their day's raw readings have left: merged into its rollups, on request and once.

They wait in quarantine, because nobody can tell any more whether the rollup holds them already. Someone who knows
they are new has them merged: counts, sums, extremes, first and last become right, the percentiles stay those of
the readings they were made from, and `late` says how many they do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from analytics.errors import StoreError
from analytics.ingest.check import check
from analytics.ingest.contract import Definitions
from analytics.store.archive import Archive
from analytics.store.engine import driver_cursor
from analytics.store.partitions import day_bounds, ensure_days
from analytics.store.quarantine import READING, select
from analytics.store.records import Collection, WriteResult
from analytics.store.tiers import entries, log_entry, tier_of_days
from analytics.store.writing import TIERED, CollectionWriter

MERGE = """
INSERT INTO {table} AS r (series_id, n, bucket, last_time, sum_value, min_value, max_value, first_value, last_value,
                          p50_value, p95_value, p99_value, late)
VALUES (:series_id, 1, date_trunc('{unit}', CAST(:time AS timestamptz), 'UTC'), :time, :value, :value, :value, :value,
        :value, :value, :value, :value, 0)
ON CONFLICT (series_id, bucket) DO UPDATE SET
    n = r.n + 1, sum_value = r.sum_value + :value, min_value = least(r.min_value, :value),
    max_value = greatest(r.max_value, :value), late = r.late + 1, last_time = greatest(r.last_time, :time),
    last_value = CASE WHEN :time > r.last_time THEN :value ELSE r.last_value END
"""


def correct(
    engine: sa.Engine,
    archive: Archive | None,
    ids: Sequence[int] | None,
    *,
    now: datetime,
    definitions: Definitions | None = None,
) -> WriteResult:
    """Merge quarantined readings of warm and cold days into their rollups; each is merged at most once.

    Args:
        ids: quarantine numbers; None: every reading that waits for this reason.
    Raises:
        StoreError: a cold day's file is in the archive, and there is none.
    """
    with engine.connect() as connection:
        waiting = select(connection, None, False, None)
    waiting = waiting[waiting["reason"].str.startswith(TIERED)]
    if ids is not None:
        waiting = waiting[waiting["quarantine_id"].isin(list(ids))]
    frame = pd.DataFrame([{name: raw.get(name) for name in READING} for raw in waiting["raw"]], columns=list(READING))
    frame = frame.astype(object).assign(quarantine_id=waiting["quarantine_id"].to_numpy())
    checked = check(frame, now=now, definitions=definitions)
    collection = Collection("", "replay", source="correction", started_at=now)
    refused = {json.loads(raw)["quarantine_id"] for raw in checked.rejected["raw"]}
    with engine.begin() as connection, driver_cursor(connection) as cursor:
        writer = CollectionWriter(cursor, collection, partial(ensure_days, engine), now)
        writer.begin()
        rows = checked.accepted.assign(series_id=writer.book.number(cursor, checked.accepted))
        writer.book.extend(rows.assign(at=rows["time"].dt.tz_localize(None).astype("datetime64[us]")))
        merged = [_merge_one(archive, connection, writer.collection_id, row) for row in rows.to_dict("records")]
        writer.tally.read = len(frame)
        writer.tally.written = writer.tally.late = sum(merged)
        writer.tally.duplicate = len(merged) - sum(merged)
        writer.tally.quarantined = len(refused)
        result = writer.finish()
        done = sorted(set(waiting["quarantine_id"].tolist()) - refused)
        connection.execute(
            sa.text("UPDATE quarantine SET replayed_at = :now, replayed_by = :by WHERE quarantine_id = ANY(:ids)"),
            {"now": now, "by": writer.collection_id, "ids": done},
        )
    return result


def _merge_one(archive: Archive | None, connection: sa.Connection, collection_id: int, row: dict[Any, Any]) -> bool:
    """Merge one reading; False if one of its series and instant was merged before."""
    time: datetime = row["time"].to_pydatetime()
    values = {"series_id": row["series_id"], "time": time, "value": row["value"], "collection": collection_id}
    new = connection.execute(
        sa.text(
            "INSERT INTO late_points (series_id, collection_id, time, value)"
            " VALUES (:series_id, :collection, :time, :value)"
            " ON CONFLICT DO NOTHING RETURNING series_id"
        ),
        values,
    ).one_or_none()
    if new is None:
        return False
    day = time.astimezone(UTC).date()
    tier = tier_of_days(connection, [row["platform"]], day, day).get((row["platform"], day))
    if tier == "cold":
        _merge_cold(archive, connection, row["platform"], day, values)
    elif tier == "warm":
        for table, unit in (("metric_hourly", "hour"), ("metric_daily", "day")):
            connection.execute(sa.text(MERGE.format(table=table, unit=unit)), values)
    else:
        raise StoreError(f"{row['platform']} {day}: nothing of this day is kept, so nothing can be corrected")
    return True


def _merge_cold(
    archive: Archive | None, connection: sa.Connection, platform: str, day: date, values: dict[str, Any]
) -> None:
    """Rewrite a cold day's file with one reading more."""
    if archive is None:
        raise StoreError(f"{platform} {day} is in the archive, and this store was opened without one")
    for entry in entries(connection, [platform], day, day, "daily"):
        frame = archive.read(entry.location).to_pandas()
        at = frame.index[frame["series_id"] == values["series_id"]]
        if at.empty:
            frame = pd.concat([frame, _new_row(connection, day, values)], ignore_index=True)
        else:
            _add(frame, at[0], values)
        schema = archive.read(entry.location).schema
        table = pa.Table.from_pandas(frame.sort_values("series_id"), schema=schema, preserve_index=False)
        log_entry(connection, archive.write(platform, day, "daily", table.replace_schema_metadata(None)))


def _add(frame: pd.DataFrame, at: Any, values: dict[str, Any]) -> None:
    value, time = values["value"], pd.Timestamp(values["time"])
    frame.loc[at, "n"] += 1
    frame.loc[at, "late"] += 1
    frame.loc[at, "sum_value"] += value
    frame.loc[at, "min_value"] = min(frame.loc[at, "min_value"], value)
    frame.loc[at, "max_value"] = max(frame.loc[at, "max_value"], value)
    if time > frame.loc[at, "last_time"]:
        frame.loc[at, "last_time"], frame.loc[at, "last_value"] = time, value


def _new_row(connection: sa.Connection, day: date, values: dict[str, Any]) -> pd.DataFrame:
    names = connection.execute(
        sa.text("SELECT metric_type, content_id, author_id FROM series WHERE series_id = :series_id"), values
    ).mappings()
    same = ("sum", "min", "max", "first", "last", "p50", "p95", "p99")
    row = {
        "series_id": values["series_id"],
        "n": 1,
        "bucket": day_bounds(day)[0],
        "last_time": values["time"],
        "late": 0,
    }
    return pd.DataFrame([row | {f"{name}_value": values["value"] for name in same} | dict(names.one())])
