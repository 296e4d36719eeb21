"""The one write path: check, quarantine, upsert series, COPY, insert on conflict, log dirty hours; one transaction.

Within a batch the same series and instant with the same value is a duplicate, counted and stored once; with
different values nobody knows which is right, so none is stored and all go to quarantine, whatever their order.
Against the store a different value is a correction: it replaces the stored one and is kept as a restatement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from analytics.ingest.check import Checked, check, raw_json
from analytics.ingest.contract import Definitions
from analytics.store.copying import copy_in
from analytics.store.keys import SeriesBook
from analytics.store.records import Collection, WriteResult
from analytics.store.rejects import keep_out
from analytics.store.writing_sql import DIFFERENT, INSERT, LATE, LATER, OURS, RESTATE, STAGING, WITHDRAW_RESTATED

EnsureDays = Callable[[Iterable[date]], int]
Progress = Callable[[int], None]
POINT = {"series_id": "int4", "collection_id": "int4", "time": "timestamptz", "value": "float8"}
STAGED = {"series_id": "int4", "time": "timestamptz", "value": "float8", "quality": "float4"}
LIFECYCLE_LOCK = 0x6C696665  # shared by writers, exclusive for whoever drops days
PLATFORM_LOCK = 0x706C6174  # first half of the key; the second is the platform's hash

TIERED = "raw readings have left the store for"


@dataclass(slots=True)
class Tally:
    """Counts of a collection while it is written."""

    read: int = 0
    written: int = 0
    duplicate: int = 0
    corrected: int = 0
    late: int = 0
    quarantined: int = 0
    unknown: int = 0


@dataclass(slots=True)
class CollectionWriter:
    """Writes the chunks of one collection inside the caller's transaction."""

    cursor: psycopg.Cursor[Any]
    collection: Collection
    ensure_days: EnsureDays
    now: datetime
    definitions: Definitions | None = None
    refuse: Callable[[pd.DataFrame], None] | None = None
    book: SeriesBook = field(default_factory=SeriesBook)
    tally: Tally = field(default_factory=Tally)
    collection_id: int = 0
    _locked: set[str] = field(default_factory=set)
    _staging: bool = False
    _hash: int = 0
    _disputed: dict[tuple[int, np.datetime64], float] = field(default_factory=dict)

    def begin(self) -> None:
        """Take the platform's lock and open the collection's row."""
        # corrections and late rows may fall into compressed chunks; plain PostgreSQL takes this for a name of ours
        self.cursor.execute("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        self.cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LIFECYCLE_LOCK])
        self._lock(self.collection.platform)
        c = self.collection
        self.cursor.execute(
            "INSERT INTO collections (platform, account, method, source, api_version, rate_limit_remaining,"
            " started_at, outcome, error) VALUES (%s, %s, %s, %s, %s, %s, %s, 'running', %s) RETURNING collection_id",
            [
                c.platform,
                c.account,
                c.method,
                c.source,
                c.api_version,
                c.rate_limit_remaining,
                c.started_at or self.now,
                c.error,
            ],
        )
        self.collection_id = _one(self.cursor)

    def check(self, frame: pd.DataFrame) -> Checked:
        """What of one chunk may be stored; asks no database."""
        return check(frame, now=self.now, definitions=self.definitions)

    def add(self, checked: Checked, read: int) -> None:
        """Store what may be stored of one chunk of `read` rows, and keep out the rest."""
        self.tally.read += read
        self.tally.unknown += checked.unknown
        self._quarantine(checked.rejected)
        if checked.accepted.empty:
            return
        for platform in checked.accepted["platform"].cat.remove_unused_categories().cat.categories:
            self._lock(platform)
        accepted = self._without_tiered(checked.accepted)
        if accepted.empty:
            return
        rows = self._settle(accepted)
        if rows.empty:
            return
        before = self.tally.written + self.tally.corrected
        self._store(rows)
        self.book.extend(rows)
        if self.tally.written + self.tally.corrected > before:
            self._log_dirty_hours(rows)

    def finish(self) -> WriteResult:
        """Write back what was learned about the series, and close the collection's row."""
        self.book.save(self.cursor)
        counts = asdict(self.tally)
        assignments = ", ".join(f"rows_{name} = %s" for name in counts)
        self.cursor.execute(
            f"UPDATE collections SET {assignments}, outcome = %s, fingerprint = %s, finished_at = clock_timestamp()"  # noqa: S608 our own field names
            " WHERE collection_id = %s".encode(),
            [
                *counts.values(),
                self._outcome(),
                self.collection.fingerprint or f"{self._hash:016x}",
                self.collection_id,
            ],
        )
        return WriteResult(self.collection_id, **counts)

    def _outcome(self) -> str:
        t = self.tally
        if self.collection.is_skipped:
            return "skipped"
        if self.collection.error is not None and not t.written + t.duplicate + t.corrected:
            return "failed"
        return "partial" if self.collection.error is not None or t.quarantined else "ok"

    def _lock(self, platform: str) -> None:
        """One writer a platform at a time: two never wait for each other's series or points crosswise."""
        if platform not in self._locked:
            self.cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [PLATFORM_LOCK, platform])
            self._locked.add(platform)

    def _quarantine(self, rejected: pd.DataFrame) -> None:
        if rejected.empty:
            return
        self.tally.quarantined += len(rejected)
        if self.refuse is not None:
            self.refuse(rejected)
        else:
            keep_out(self.cursor, self.collection_id, self.collection.source, rejected)

    def _without_tiered(self, accepted: pd.DataFrame) -> pd.DataFrame:
        """Keep out readings of days whose raw readings have left: a part would pass for the whole there."""
        days = accepted["time"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        self.cursor.execute(
            "SELECT platform, day FROM tier_days WHERE platform = ANY(%s) AND day BETWEEN %s AND %s",
            [list(accepted["platform"].cat.categories), days.min().item(), days.max().item()],
        )
        tiered = self.cursor.fetchall()
        if not tiered:
            return accepted
        left = np.zeros(len(accepted), bool)
        for platform, tier_day in tiered:
            left |= (days == np.datetime64(tier_day)) & (accepted["platform"] == platform).to_numpy()
        self._refuse(accepted[left], [f"{TIERED} {day}" for day in days[left]])
        return accepted[~left]

    def _refuse(self, rows: pd.DataFrame, reasons: list[str]) -> None:
        columns = [c for c in rows.columns if c not in {"series_id", "at", "quality", "faults"}]
        self._quarantine(
            pd.DataFrame(
                {
                    "platform": rows["platform"].astype(str),
                    "metric_type": rows["metric_type"].astype(str),
                    "reason": reasons,
                    "raw": [raw_json(record) for record in rows[columns].astype(object).to_dict("records")],
                },
                dtype=object,
            )
        )

    def _settle(self, accepted: pd.DataFrame) -> pd.DataFrame:
        """Number the series, sort by day, series and time, and settle what the batch says twice."""
        series_ids = self.book.number(self.cursor, accepted)
        times = accepted["time"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        days = times.astype("datetime64[D]").astype(np.int64)
        place = days * 2**32 + series_ids
        if not _is_sorted(place, times):
            order = np.lexsort((times, place))
            accepted, series_ids, times, place = accepted.iloc[order], series_ids[order], times[order], place[order]
        rows = accepted.assign(series_id=series_ids, at=times)
        values = rows["value"].to_numpy()
        if self.collection.fingerprint is None:
            self._hash = (self._hash + _row_hash(rows)) % 2**64
        again = np.r_[False, (place[1:] == place[:-1]) & (times[1:] == times[:-1])]
        keep = ~again
        if again.any():
            groups = np.cumsum(~again) - 1
            starts = np.flatnonzero(~again)
            disputed = np.maximum.reduceat(values, starts) != np.minimum.reduceat(values, starts)
            disputed_rows = disputed[groups]
            self._dispute(rows[disputed_rows])
            self._take_back(rows[disputed_rows])
            self.tally.duplicate += int((again & ~disputed_rows).sum())
            keep &= ~disputed_rows
        if self._disputed:
            known = [key in self._disputed for key in zip(series_ids.tolist(), times, strict=True)]
            late_disputed = keep & np.array(known)
            self._dispute(rows[late_disputed])
            keep &= ~late_disputed
        return rows if keep.all() else rows[keep]

    def _dispute(self, rows: pd.DataFrame) -> None:
        """Keep out every reading of an instant the batch gives different values for."""
        if rows.empty:
            return
        for series_id, at, value in zip(rows["series_id"].tolist(), rows["at"].to_numpy(), rows["value"], strict=True):
            self._disputed.setdefault((series_id, at), value)
        self._refuse(rows, [f"the batch gives different values for {at}Z" for at in rows["at"].to_numpy()])

    def _store(self, rows: pd.DataFrame) -> None:
        times = rows["at"].to_numpy()
        series_ids = rows["series_id"].to_numpy()
        days = times.astype("datetime64[D]")
        self.ensure_days(days[np.r_[True, days[1:] != days[:-1]]].tolist())
        newer = times > self.book.last_of(series_ids)
        if newer.all():
            self._append(rows)
        else:
            self._merge(rows, times < self.book.stored_last_of(series_ids))
        self._store_faults(rows)

    def _append(self, rows: pd.DataFrame) -> None:
        """Every row is newer than its series' newest: nothing can conflict, so COPY goes straight in."""
        columns = [rows["series_id"].to_numpy(), np.broadcast_to(np.int32(self.collection_id), len(rows))]
        columns += [rows["at"].to_numpy(), rows["value"].to_numpy()]
        scored = rows["quality"].notna().to_numpy()
        for mask, extra in ((~scored, {}), (scored, {"quality": "float4"})):
            if mask.any():
                arrays = columns + ([rows["quality"].to_numpy()] if extra else [])
                copy_in(self.cursor, "points", POINT | extra, [array[mask] for array in arrays])
        self.tally.written += len(rows)

    def _merge(self, rows: pd.DataFrame, late: npt.NDArray[np.bool_]) -> None:
        """Rows that may be there already: insert the new, correct or count the others."""
        self._stage(rows)
        self.cursor.execute(INSERT, [self.collection_id])
        inserted = self.cursor.rowcount
        span = [f"{rows['at'].min()}Z", f"{rows['at'].max()}Z"]
        self.tally.written += inserted
        if inserted == len(rows):
            self.tally.late += int(late.sum())
            return
        if inserted and late.any():
            self.cursor.execute(LATE, [*span, self.collection_id])
            self.tally.late += _one(self.cursor)
        self.cursor.execute(DIFFERENT, span)
        different = self.cursor.fetchall()
        mine = [row for row in different if row[4] == self.collection_id]
        others = self._to_replace([row for row in different if row[4] != self.collection_id])
        if others:
            self._restate(others, span)
        self.tally.duplicate += len(rows) - inserted - len(mine) - len(others)
        for series_id, time, *_ in mine:
            self._withdraw(rows, series_id, time)

    def _to_replace(self, others: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Of the points that other collections gave another value, those that this one may correct."""
        if not others or not self.collection.replace:
            return []
        if self.collection.as_of is None:
            return others
        # a round's own answers, read again, are no later source than themselves
        same = [] if self.collection.source == "quarantine" else ["api", "feed", "replay"]
        self.cursor.execute(LATER, [sorted({row[4] for row in others}), self.collection.as_of, same])
        later = {row[0] for row in self.cursor.fetchall()}
        return [row for row in others if row[4] not in later]

    def _stage(self, rows: pd.DataFrame) -> None:
        if not self._staging:
            self.cursor.execute(STAGING)
            self._staging = True
        self.cursor.execute("TRUNCATE staging")
        copy_in(self.cursor, "staging", STAGED, [rows[c].to_numpy() for c in ("series_id", "at", "value", "quality")])
        self.cursor.execute("ANALYZE staging")

    def _restate(self, others: list[tuple[Any, ...]], span: list[str]) -> None:
        self.cursor.execute(
            RESTATE,
            {
                "ids": [row[0] for row in others],
                "times": [row[1] for row in others],
                "collection": self.collection_id,
                "start": span[0],
                "end": span[1],
            },
        )
        self.cursor.execute(
            "DELETE FROM point_faults WHERE (series_id, time) IN (SELECT * FROM unnest(%s::int[], %s::timestamptz[]))",
            [[row[0] for row in others], [row[1] for row in others]],
        )
        self.tally.corrected += len(others)

    def _take_back(self, disputed: pd.DataFrame) -> None:
        """What earlier chunks of this collection stored for instants that this one contradicts itself about."""
        if disputed.empty or not self.tally.written + self.tally.corrected:
            return
        first = disputed.drop_duplicates(["series_id", "at"])
        times = [f"{at}Z" for at in first["at"].to_numpy()]
        self.cursor.execute(
            OURS,
            {
                "ids": first["series_id"].tolist(),
                "times": times,
                "collection": self.collection_id,
                "start": min(times),
                "end": max(times),
            },
        )
        for series_id, time in self.cursor.fetchall():
            self._withdraw(first, series_id, time, dispute_row=False)

    def _withdraw(self, rows: pd.DataFrame, series_id: int, time: datetime, *, dispute_row: bool = True) -> None:
        """An earlier chunk of this collection stored another value for this instant: dispute it, and the row's."""
        at = np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")
        key = {"collection": self.collection_id, "id": series_id, "time": time}
        row = rows[(rows["series_id"] == series_id) & (rows["at"] == at)]
        stored = "SELECT value FROM points WHERE series_id = %(id)s AND time = %(time)s"
        self.cursor.execute(stored, key)
        kept = row.assign(value=_one(self.cursor))
        self._dispute(pd.concat([row, kept]) if dispute_row else kept)
        self.cursor.execute(WITHDRAW_RESTATED, key)
        if self.cursor.rowcount:
            self.tally.corrected -= 1
        else:
            self.cursor.execute("DELETE FROM points WHERE series_id = %(id)s AND time = %(time)s", key)
            self.cursor.execute("DELETE FROM point_faults WHERE series_id = %(id)s AND time = %(time)s", key)
            self.tally.written -= 1

    def _store_faults(self, rows: pd.DataFrame) -> None:
        faulty = rows[rows["quality"].notna()]
        if faulty.empty:
            return
        if not self._staging:
            self.cursor.execute(STAGING)
            self._staging = True
        self.cursor.execute("TRUNCATE staged_faults")
        with self.cursor.copy("COPY staged_faults (series_id, time, faults) FROM STDIN") as copy:
            for series_id, at, faults in zip(faulty["series_id"], faulty["at"], faulty["faults"], strict=True):
                copy.write_row((int(series_id), f"{at}Z", faults))
        self.cursor.execute(
            "INSERT INTO point_faults SELECT f.series_id, f.time, to_jsonb(string_to_array(f.faults, ' '))"
            " FROM staged_faults f JOIN points p ON p.series_id = f.series_id AND p.time = f.time"
            " WHERE p.time BETWEEN %s AND %s AND p.collection_id = %s ON CONFLICT (series_id, time) DO NOTHING",
            [f"{faulty['at'].min()}Z", f"{faulty['at'].max()}Z", self.collection_id],
        )

    def _log_dirty_hours(self, rows: pd.DataFrame) -> None:
        hours = pd.unique(rows["at"].to_numpy().astype("datetime64[h]").astype("datetime64[s]"))
        self.cursor.execute(
            "INSERT INTO rollup_dirty (bucket) SELECT unnest(%s::timestamptz[])", [[f"{hour}Z" for hour in hours]]
        )


def _is_sorted(place: npt.NDArray[np.int64], times: npt.NDArray[np.datetime64]) -> bool:
    step = np.diff(place)
    return bool(((step > 0) | ((step == 0) & (np.diff(times) >= np.timedelta64(0)))).all())


def _row_hash(rows: pd.DataFrame) -> int:
    """Sum of the rows' hashes: the same for the same rows in any order and in any split."""
    parts = [pd.util.hash_array(rows["at"].to_numpy().astype(np.int64)), pd.util.hash_array(rows["value"].to_numpy())]
    parts += [pd.util.hash_array(rows[name].array) for name in ("platform", "metric_type", "content_id", "author_id")]
    total = np.zeros(len(rows), dtype=np.uint64)
    for part in parts:
        total = total * np.uint64(1_000_003) + part
    return int(pd.util.hash_array(total).sum())


def _one(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    if row is None:
        raise psycopg.DataError("a query that answers one row answered none")
    return row[0]
