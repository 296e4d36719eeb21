"""The store as the rest of the product sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd
import psycopg
import sqlalchemy as sa

from analytics.errors import StoreError, ValueRefused
from analytics.ingest.check import Checked, observations_to_frame
from analytics.ingest.contract import Definitions
from analytics.ingest.landing import Landing
from analytics.model import MetricDefinition, Observation
from analytics.store import corrections, deletion, future, lifecycle, quarantine, reading
from analytics.store.archive import Archive, archive_of
from analytics.store.deletion import Deletion
from analytics.store.engine import driver_cursor, engine_for
from analytics.store.given import Given
from analytics.store.migrate import upgrade
from analytics.store.partitions import ensure_days
from analytics.store.records import Collection, WriteResult
from analytics.store.rollup import RolledUp, roll_up
from analytics.store.sync import Change, define, load_definitions, sync
from analytics.store.writing import CollectionWriter, Progress

if TYPE_CHECKING:
    from analytics.params.files import Params
    from analytics.settings import Settings

Frames = pd.DataFrame | Iterable[pd.DataFrame] | Iterable[Observation]
OBSERVATIONS_PER_CHUNK = 50_000
_OF_THE_VALUES = (psycopg.DataError, psycopg.IntegrityError)
SNAPSHOT = """
SELECT count(*), coalesce(sum(rows_written), 0), coalesce(sum(rows_corrected), 0),
       coalesce(bit_xor(('x' || left(md5(concat_ws('/', fingerprint, rows_written, rows_corrected)), 16))::bit(64)),
                0::bit(64))::bigint
FROM collections WHERE rows_written + rows_corrected > 0
"""


class Store:
    """One database: write batches, read series, look after what could not be stored."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        definitions: Definitions | None = None,
        archive: Archive | None = None,
        landing: Landing | None = None,
    ) -> None:
        self.engine = engine
        self.archive = archive
        self.landing = landing
        self.definitions = definitions
        self.given = Given()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def write(
        self, frames: Frames, collection: Collection, *, progress: Progress | None = None, now: datetime | None = None
    ) -> WriteResult:
        """Store a batch in one transaction: all of it, or on any error nothing.

        Args:
            frames: a frame, an iterable of frames, or observations; columns platform, metric_type, time (aware),
                value, and where they apply content_id, content_type, author_id, tags.
            collection: where the rows came from.
            progress: called with the number of rows of each frame once it is written.
            now: the instant "the future" is measured from; None: the clock.
        Returns:
            What became of the rows. The same batch a second time is all duplicates.
        Raises:
            InputError: a column is missing, or the reader of the frames refused its file.
            StoreError: the database refused; nothing of the batch is stored.
        """
        return self.write_all([(frames, collection)], progress=progress, now=now)[0]

    def write_all(
        self,
        batches: Iterable[tuple[Frames, Collection]],
        *,
        progress: Progress | None = None,
        now: datetime | None = None,
    ) -> list[WriteResult]:
        """Store several collections in one transaction: an error in the last leaves nothing of the first."""
        now = now or datetime.now(UTC)
        results = []
        with self._transaction() as cursor:
            for frames, collection in batches:
                writer = CollectionWriter(cursor, collection, self._ensure_days, now, self.definitions)
                writer.begin()
                for frame, checked in _ahead(_as_frames(frames), writer.check):
                    writer.add(checked, len(frame))
                    if progress is not None:
                        progress(len(frame))
                results.append(writer.finish())
        return results

    def record_failure(self, collection: Collection, error: str) -> int:
        """Note a fetch that brought nothing, so that an outage is told from silence; return its collection_id."""
        with self._transaction() as cursor:
            cursor.execute(
                "INSERT INTO collections (platform, account, method, source, api_version, rate_limit_remaining,"
                " started_at, finished_at, outcome, error)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp(), 'failed', %s) RETURNING collection_id",
                [
                    collection.platform,
                    collection.account,
                    collection.method,
                    collection.source,
                    collection.api_version,
                    collection.rate_limit_remaining,
                    collection.started_at or datetime.now(UTC),
                    error[:2000],
                ],
            )
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def series(
        self,
        platforms: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
        accounts: Sequence[str] | None = None,
        content_ids: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Series that hold points: series_id, natural key, content_type, tags, first_time and last_time (UTC)."""
        with self._connection() as connection:
            found = reading.select_series(connection, platforms, metrics, accounts, content_ids)
        self.given.called(found)
        return found

    def read_series(
        self, series_ids: Sequence[int], start: datetime, end: datetime, *, thinned: bool = False
    ) -> pd.DataFrame:
        """Readings of series in [start, end) from every tier that has them; sorted by series and time.

        Args:
            series_ids: numbers as `series` gives them.
            start: aware; the first instant.
            end: aware; the first instant no longer meant.
            thinned: where raw readings are no longer kept, give the last one of each hour (warm) or day (cold).
                Right for levels and counters, wrong for sums; off, such a stretch is left empty.
        Returns:
            series_id, time (UTC), value, quality (0 to 1), tier (hot, archive, warm, cold), resolution_s (0: every
            reading; else the seconds one stands for).
        Raises:
            InputError: an end of the period has no time zone.
        """
        with self._connection() as connection:
            return self.given.add(
                reading.read_readings(connection, self.archive, series_ids, start, end, thinned=thinned)
            )

    def read_buckets(
        self,
        series_ids: Sequence[int],
        start: datetime,
        end: datetime,
        *,
        unit: Literal["hour", "day"] = "hour",
        timezone: str = "UTC",
    ) -> pd.DataFrame:
        """Hours or days of series in [start, end) from every tier; columns as `buckets.read_buckets` says."""
        from analytics.store.buckets import read_buckets

        with self._connection() as connection:
            return self.given.add(
                read_buckets(connection, self.archive, series_ids, start, end, unit=unit, timezone=timezone)
            )

    def roll_up(self, *, now: datetime | None = None, progress: Callable[[float], None] | None = None) -> RolledUp:
        """Work off the log of dirty hours into hourly, daily, weekly and monthly rollups."""
        with self._refusals():
            return roll_up(self.engine, now=now or datetime.now(UTC), progress=progress)

    def lifecycle_plan(self, params: Params, *, now: datetime | None = None) -> list[lifecycle.Step]:
        """What `lifecycle_run` would do now; nothing is changed."""
        with self._connection() as connection:
            today = (now or datetime.now(UTC)).astimezone(UTC).date()
            return lifecycle.plan(connection, lifecycle.keeps_of(params), today)

    def lifecycle_run(
        self, params: Params, *, now: datetime | None = None, progress: Callable[[float], None] | None = None
    ) -> list[lifecycle.Step]:
        """Roll up, then move each platform's days down the tiers as its policy says; return what was done."""
        if self.archive is None:
            raise StoreError("the lifecycle needs an archive, and this store was opened without one")
        keeps = lifecycle.keeps_of(params)
        with self._refusals():
            self._fulfil(self.archive, now)
            return lifecycle.run(self.engine, self.archive, keeps, now=now or datetime.now(UTC), progress=progress)

    def sync(self, params: Params, definitions: Iterable[MetricDefinition] = ()) -> list[Change]:
        """Bring platforms, accounts, baselines, definitions and alert rules to what params say; say what changed."""
        with self.begin() as connection:
            return sync(connection, params, definitions)

    def define(self, definitions: Iterable[MetricDefinition]) -> int:
        """Make sure these meanings are known to readings, and to the check; others stay. Return how many were new."""
        with self.begin() as connection:
            changed = define(connection, definitions)
            self.definitions = load_definitions(connection) or None
        return changed

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A connection in a transaction, for the functions of `journal` and `vault`."""
        with self._refusals(), self.engine.begin() as connection:
            yield connection

    def snapshot_id(self) -> str:
        """Name of all points: changes when, and only when, points were added or corrected; `given` names those read.

        The same inputs give the same name in any database.
        """
        with self._connection() as connection:
            collections, written, corrected, mixed = connection.execute(sa.text(SNAPSHOT)).one()
        return f"{collections}-{written}-{corrected}-{mixed % 2**64:016x}"

    def set_future_aside(self, *, now: datetime | None = None) -> int:
        """Move readings dated after now to quarantine, stored while a clock was wrong; return how many."""
        with self._transaction() as cursor:
            return future.set_aside(cursor, now or datetime.now(UTC))

    def quarantine_list(
        self, *, platform: str | None = None, include_replayed: bool = False, limit: int | None = None
    ) -> pd.DataFrame:
        """Rows kept out, newest first: quarantine_id, quarantined_at, platform, metric_type, source, reason, raw."""
        with self._connection() as connection:
            return quarantine.select(connection, platform, include_replayed, limit)

    def quarantine_replay(self, ids: Sequence[int] | None = None, *, now: datetime | None = None) -> WriteResult:
        """Offer quarantined rows to the write path again, in one collection; those stored are marked replayed.

        Args:
            ids: which rows; None: all that wait.
            now: the instant "the future" is measured from; None: the clock.
        """
        waiting = self.quarantine_list()
        if ids is not None:
            waiting = waiting[waiting["quarantine_id"].isin(list(ids))]
        with self._refusals():
            return quarantine.replay(self.engine, waiting, now=now or datetime.now(UTC), definitions=self.definitions)

    def quarantine_correct(self, ids: Sequence[int] | None = None, *, now: datetime | None = None) -> WriteResult:
        """Merge readings of days whose raw readings have left into those days' rollups, each at most once.

        For someone who knows they are new: whether a rollup holds a reading already cannot be told any more.
        """
        with self._refusals():
            return corrections.correct(
                self.engine, self.archive, ids, now=now or datetime.now(UTC), definitions=self.definitions
            )

    def delete(self, request: Deletion, *, now: datetime | None = None) -> list[int]:
        """Delete an account's or a content's readings from every tier; also finishes requests left unfinished."""
        if self.archive is None:
            raise StoreError("deleting needs the archive, and this store was opened without one")
        with self.begin() as connection:
            deletion.request(connection, request)
        with self._refusals():
            return self._fulfil(self.archive, now)

    def _fulfil(self, archive: Archive, now: datetime | None) -> list[int]:
        return deletion.fulfil(self.engine, archive, self.landing, now=now or datetime.now(UTC))

    def _ensure_days(self, days: Iterable[Any]) -> int:
        return ensure_days(self.engine, days)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, psycopg.Error) as exc:
            kind = ValueRefused if isinstance(_cause(exc), _OF_THE_VALUES) else StoreError
            raise kind(_said(exc)) from exc
        except UnicodeError as exc:  # half a surrogate pair: the driver cannot write it
            raise ValueRefused(f"the database refused: {exc}") from exc

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with self._refusals(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """A psycopg cursor inside one transaction."""
        with self._refusals(), self.engine.begin() as connection, driver_cursor(connection) as cursor:
            yield cursor


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The installation's store, its schema brought forward; closed at the end.

    Raises:
        StoreError: the database cannot be reached, or has a newer schema than this program knows.
    """
    landing = Landing(settings.landing_dir)
    with Store(engine_for(settings), archive=archive_of(settings), landing=landing) as store:
        with store._refusals():
            upgrade(store.engine)
        with store._connection() as connection:
            store.definitions = load_definitions(connection) or None
        yield store


def _as_frames(frames: Frames) -> Iterator[pd.DataFrame]:
    if isinstance(frames, pd.DataFrame):
        yield frames
        return
    waiting: list[Observation] = []
    for item in frames:
        if isinstance(item, pd.DataFrame):
            yield item
            continue
        waiting.append(item)
        if len(waiting) == OBSERVATIONS_PER_CHUNK:
            yield observations_to_frame(waiting)
            waiting = []
    if waiting:
        yield observations_to_frame(waiting)


def _ahead(
    frames: Iterator[pd.DataFrame], check: Callable[[pd.DataFrame], Checked]
) -> Iterator[tuple[pd.DataFrame, Checked]]:
    """Each frame with its check, made in a thread while the database is busy with the frame before."""

    def following() -> tuple[pd.DataFrame, Checked] | None:
        frame = next(frames, None)
        return None if frame is None else (frame, check(frame))

    with ThreadPoolExecutor(1, thread_name_prefix="check") as pool:
        waiting = pool.submit(following)
        while (done := waiting.result()) is not None:
            waiting = pool.submit(following)
            yield done


def _said(exc: Exception) -> str:
    """What the server said, on one line, without the statement."""
    return "the database refused: " + " ".join(str(_cause(exc)).split())


def _cause(exc: Exception) -> BaseException:
    """The driver's own error."""
    return exc.orig if isinstance(exc, sa.exc.DBAPIError) and exc.orig is not None else exc
