"""Series of a batch: from natural keys to numbers, and back into the table what the batch taught."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
KEY = ("platform", "metric_type", "content_id", "author_id")
Key = tuple[str, str, str, str]
NEVER = np.iinfo(np.int64).min + 1  # before any time; one less is NumPy's missing time, which nothing is newer than
INSERT = """
INSERT INTO series (platform, metric_type, content_id, author_id)
SELECT platform, metric_type, content_id, author_id FROM jsonb_to_recordset(%s::jsonb)
    AS new (platform text, metric_type text, content_id text, author_id text)
"""
LOOK_UP = """
SELECT platform, metric_type, content_id, author_id, series_id, last_time, content_type, tags
FROM series JOIN jsonb_to_recordset(%s::jsonb)
    AS wanted (platform text, metric_type text, content_id text, author_id text)
    USING (platform, metric_type, content_id, author_id)
"""
SAVE_TIMES = """
UPDATE series AS s SET first_time = least(s.first_time, n.first), last_time = greatest(s.last_time, n.last)
FROM (SELECT id, 'epoch'::timestamptz + first * interval '1 microsecond',
             'epoch'::timestamptz + last * interval '1 microsecond'
      FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS u (id, first, last)) AS n (id, first, last)
WHERE s.series_id = n.id AND (s.first_time IS NULL OR n.first < s.first_time OR n.last > s.last_time)
"""
SAVE_DESCRIPTION = """
UPDATE series AS s SET content_type = coalesce(n.content_type, s.content_type), tags = coalesce(n.tags, s.tags)
FROM jsonb_to_recordset(%s::jsonb) AS n (series_id int, content_type text, tags jsonb) WHERE s.series_id = n.series_id
"""


@dataclass(slots=True)
class SeriesBook:
    """The series one transaction has met: their numbers, and first, last and newest stored time.

    Times are microseconds since 1970. `stored_last` is the newest in the store before this transaction; `last`
    includes it. `content_type` and `tags` are what changed against `described`, the store's.
    """

    ids: dict[Key, int] = field(default_factory=dict)
    stored_last: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    content_type: dict[int, str] = field(default_factory=dict)
    tags: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    described: dict[int, tuple[str, Any]] = field(default_factory=dict)

    def number(self, cursor: psycopg.Cursor[Any], accepted: pd.DataFrame) -> npt.NDArray[np.int32]:
        """Series number of every row (n,), making the series that are new."""
        codes, places = distinct_keys(accepted)
        columns = [accepted[name].array for name in KEY]
        texts = [np.array(column.categories, dtype=object)[column.codes[places]].tolist() for column in columns]
        keys: list[Key] = list(zip(*texts, strict=True))
        unknown = sorted({key for key in keys if key not in self.ids})
        if unknown:
            self._learn(cursor, unknown)
        return np.array([self.ids[key] for key in keys], dtype=np.int32)[codes]

    def _learn(self, cursor: psycopg.Cursor[Any], keys: list[Key]) -> None:
        self._look_up(cursor, keys)
        new = [key for key in keys if key not in self.ids]
        if new:  # only these: a conflict would burn a number of the identity column, at every poll
            cursor.execute(INSERT, _columns(new))
            self._look_up(cursor, new)

    def _look_up(self, cursor: psycopg.Cursor[Any], keys: list[Key]) -> None:
        cursor.execute(LOOK_UP, _columns(keys))
        for *key, series_id, last_time, content_type, tags in cursor.fetchall():
            self.ids[key[0], key[1], key[2], key[3]] = series_id
            self.described[series_id] = (content_type, tags)
            self.stored_last[series_id] = NEVER if last_time is None else (last_time - EPOCH) // MICROSECOND

    def stored_last_of(self, series_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
        """Newest time in the store before this transaction, per row."""
        return _lookup(self.stored_last, series_ids)

    def last_of(self, series_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
        """Newest time so far, this transaction's rows included, per row."""
        return _lookup(self.stored_last | self.last, series_ids)

    def extend(self, rows: pd.DataFrame) -> None:
        """Take in stored rows' first and last times, and what the newest row of a series says about it."""
        if rows.empty:
            return
        series_ids, times = rows["series_id"].to_numpy(), rows["at"].to_numpy().astype(np.int64)
        order = np.lexsort((times, series_ids))
        starts = np.flatnonzero(np.r_[True, np.diff(series_ids[order]) != 0])
        newest = order[np.r_[starts[1:], len(order)] - 1]
        spans = zip(series_ids[newest].tolist(), times[order[starts]].tolist(), times[newest].tolist(), strict=True)
        content_types = rows["content_type"].array
        said = np.array(content_types.categories, dtype=object)[content_types.codes[newest]].tolist()
        tags = rows["tags"].to_numpy()[newest].tolist() if "tags" in rows.columns else repeat(None)
        for (series_id, first, last), content_type, labels in zip(spans, said, tags, strict=False):
            self.first[series_id] = min(self.first.get(series_id, first), first)
            if last < self.last.get(series_id, NEVER):
                continue
            self.last[series_id] = max(last, self.stored_last[series_id])
            before = self.described[series_id]
            if content_type and content_type != before[0]:
                self.content_type[series_id] = content_type
            if isinstance(labels, dict) and labels and labels != before[1]:
                self.tags[series_id] = labels
            self.described[series_id] = (content_type or before[0], labels or before[1])

    def save(self, cursor: psycopg.Cursor[Any]) -> None:
        """Write times, and content types and tags that changed, back."""
        ids = sorted(self.last)
        if ids:
            cursor.execute(
                SAVE_TIMES, [_literal(ids), _literal(self.first[i] for i in ids), _literal(self.last[i] for i in ids)]
            )
        changed = sorted({*self.content_type, *self.tags})
        if changed:
            rows = [
                {"series_id": i, "content_type": self.content_type.get(i), "tags": self.tags.get(i)} for i in changed
            ]
            cursor.execute(SAVE_DESCRIPTION, [json.dumps(rows, default=str)])


def _literal(numbers: Iterable[int]) -> str:
    """An array as text; psycopg would dump thousands of numbers one by one."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _columns(keys: list[Key]) -> list[str]:
    """One parameter for all keys: thousands of texts in an array are escaped one by one."""
    return [json.dumps([dict(zip(KEY, key, strict=True)) for key in keys])]


def distinct_keys(accepted: pd.DataFrame) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Number the distinct natural keys: code of every row (n,), and the first row of each code."""
    combined = np.zeros(len(accepted), dtype=np.int64)
    for name in KEY:
        column = accepted[name].array
        combined = combined * len(column.categories) + column.codes
    codes, uniques = pd.factorize(combined)
    first = np.zeros(len(uniques), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first


def _lookup(of: dict[int, int], series_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
    ids, inverse = np.unique(series_ids, return_inverse=True)
    return np.array([of[i] for i in ids.tolist()], dtype=np.int64).view("datetime64[us]")[inverse]
