"""The contents that brought an account most in the period: posts, videos and repositories by what they gained in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.definitions import definition_for
from analytics.errors import InputError
from analytics.model import Aggregation, SeriesKey
from analytics.monitoring.breakouts import Known, breakouts
from analytics.periods.evidence import names_of
from analytics.reports.document.display import Column
from analytics.wording import formats
from analytics.wording.language import say
from analytics.wording.sentences import metric_name

if TYPE_CHECKING:
    from analytics.periods.figures import TrafficData
    from analytics.store import Store

MOST = 5
BEFORE = timedelta(days=2)  # how long before the period a reading may be for an increase to begin with it
COLUMNS = ["platform", "title", "metric", "increase", "published_at", "usual"]
SHOWN = ["content_id", "metric_type", "increase"]
CONTENTS = """
SELECT platform, content_id, title, url, published_at FROM contents
WHERE (platform, author_id) IN
  (SELECT * FROM unnest(CAST(:platforms AS text[]), CAST(:accounts AS text[])))
"""
Told = Mapping[tuple[str, str], Mapping[str, Any]]


def top_contents(store: Store, data: TrafficData, definitions: Known, *, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """Per platform the contents that gained most: platform, title, metric, increase, published_at, usual.

    `published_at` is the local day; `usual` says of a content that broke out how far it was above its account's
    earlier ones at the same age.

    The metric is the platform's widest of `metrics` (none: of all): the one that grew most in all. Of counts an
    interval the gain is their sum. Of counters it is the increase: of a content published in the period from nothing,
    else from the last reading before the period, or the first within where there is none in the two days before.
    """
    from analytics.store.asking import rows

    start, end = data.month.bounds(data.timezone)
    with store.begin() as connection:
        told = {(r["platform"], r["content_id"]): r for r in rows(connection, CONTENTS, **names_of(data.accounts))}
    frame = _gains(store, data, definitions, metrics, told)
    grew = frame[frame["increase"] > 0]
    widest = grew.groupby(["platform", "metric_type"])["increase"].sum().reset_index()
    widest = widest.sort_values("increase", kind="stable").groupby("platform").tail(1)
    frame = frame.merge(widest[["platform", "metric_type"]], on=["platform", "metric_type"])
    frame = _from_before(store, frame, start)
    viral = {
        (entry.key.platform, entry.key.content_id): say(
            "{times} × at {age}",
            times=formats.number(entry.ratio, decimals=1),
            age=formats.duration(entry.age.total_seconds()),
        )
        for entry in breakouts(store, definitions, start, end, accounts=data.accounts)
    }
    found = []
    for name in data.platforms:
        part = frame[(frame["platform"] == name) & (frame["increase"] > 0)]
        part = part.sort_values(["increase", "content_id"], ascending=[False, True])
        for content_id, metric, increase in part.head(MOST)[SHOWN].to_numpy(object).tolist():
            about = told.get((name, content_id), {})
            published_at = about.get("published_at")
            found.append(
                {
                    "platform": name,
                    "title": str(about.get("title") or content_id),
                    "metric": metric_name(definition_for(SeriesKey(name, str(metric)), definitions, end)),
                    "increase": float(increase),
                    "published_at": published_at and published_at.astimezone(data.zone).date(),
                    "usual": viral.get((name, content_id), ""),
                }
            )
    return pd.DataFrame(found, columns=COLUMNS)


def _gains(store: Store, data: TrafficData, definitions: Known, metrics: Sequence[str], told: Told) -> pd.DataFrame:
    """Series of the accounts' contents read in the period: platform, metric_type, content_id, first, increase.

    `first` is the reading an increase began with where one before the period would be better, else NaN.
    """
    start, end = data.month.bounds(data.timezone)
    known = store.series(platforms=list(data.platforms), metrics=list(metrics) or None)
    ours = [place in data.accounts for place in zip(known["platform"], known["author_id"], strict=True)]
    known = known[
        np.array(ours, bool) & (known["content_id"] != "") & (known["last_time"] >= start) & (known["first_time"] < end)
    ]
    days = _days(store, known["series_id"].tolist(), data)
    grown = days.groupby("series_id").agg(
        first=("first_value", "first"), last=("last_value", "last"), total=("sum_value", "sum")
    )
    frame = known.merge(grown, left_on="series_id", right_index=True)
    kinds: list[Aggregation] = []
    new: list[bool] = []
    for platform, metric, content_id in frame[["platform", "metric_type", "content_id"]].to_numpy(object).tolist():
        kinds.append(definition_for(SeriesKey(platform, metric), definitions, end).aggregation)
        new.append(_is_within(told.get((platform, content_id), {}).get("published_at"), start, end))
    kind, is_new = pd.Series(kinds, index=frame.index, dtype=str), pd.Series(new, index=frame.index, dtype=bool)
    grows = kind.isin(["increase", "last"])
    increase = (frame["last"] - frame["first"].mask(grows & is_new, 0.0)).mask(kind == "sum", frame["total"])
    first = frame["first"].where(grows & ~is_new & (frame["first_time"] < start))
    return frame.assign(first=first, increase=increase)[
        ["series_id", "platform", "metric_type", "content_id", "first", "increase"]
    ]


def _is_within(at: datetime | None, start: datetime, end: datetime) -> bool:
    return at is not None and start <= at < end


def _days(store: Store, ids: Sequence[int], data: TrafficData) -> pd.DataFrame:
    """Days of the period; of a zone that cannot be cut out of what is still kept, UTC ones."""
    start, end = data.month.bounds(data.timezone)
    try:
        return store.read_buckets(ids, start, end, unit="day", timezone=data.timezone)
    except InputError:
        return store.read_buckets(ids, start, end, unit="day")


def _from_before(store: Store, frame: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """The same with increases that begin with the last reading before `start`, where there is one."""
    asked = frame[frame["first"].notna()]
    readings = store.read_series(asked["series_id"].tolist(), start - BEFORE, start, thinned=True)
    before = frame["series_id"].map(readings.groupby("series_id")["value"].last())
    return frame.assign(increase=frame["increase"] + (frame["first"] - before).fillna(0.0))


TOP_COLUMNS = (
    Column("title", "Content", wide=True),
    Column("metric", "Measured by"),
    Column("increase", "Increase", "compact"),
    Column("published_at", "Published", "date"),
    Column("usual", "Against earlier ones"),
)
