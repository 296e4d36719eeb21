"""A series' readings for a period and the history before it, from every tier, at one resolution.

Raw readings leave the store after some weeks (`policy` in params), hours after some months; days stay. What is judged
or added up must be of one kind: the coarsest that the period itself is kept at. History that is kept coarser still is
left out where two weeks before the period remain without it; else all becomes as coarse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from analytics.model import MetricDefinition
from analytics.monitoring import days

if TYPE_CHECKING:
    from analytics.store import Store

ENOUGH_HISTORY = timedelta(days=14)  # two of each weekday
LEAST_RECEIVED = 0.8  # of an hour's or day's readings, for their sum to say anything
DAY_S = 86_400  # such buckets are UTC days
UNITS: dict[int, Literal["hour", "day"]] = {3600: "hour", DAY_S: "day"}
NAMES = {3600: "hour", DAY_S: "UTC day"}


@dataclass(frozen=True)
class Readings:
    """What the store still has of a series.

    Attributes:
        frame: time (aware UTC) and value, by time: readings as they came, or one an hour or day: of a count in
            intervals the sum (raised by what is missing of it, at most a fifth), of a counter or level the last.
            Readings that stand for a calendar day lie at that date's midnight in the zone asked for.
        day_zone: whose calendar days the readings stand for; '' for instants.
        resolution_s: 0 for readings as they came, else 3600 or 86,400.
    """

    frame: pd.DataFrame
    resolution_s: int = 0
    day_zone: str = ""

    @property
    def warning(self) -> str:
        """What was lost, in a sentence without its full stop; '' for nothing."""
        if not self.resolution_s:
            return ""
        return f"readings this old are kept by the {NAMES[self.resolution_s]} only"


def readings_of(
    store: Store,
    series_id: int,
    definition: MetricDefinition,
    since: datetime,
    start: datetime,
    end: datetime,
    *,
    timezone: str,
) -> Readings:
    """Readings in [start, end) and the history from `since` on, at the resolution the period is kept at.

    Args:
        definition: says whether values add up over time.
        since: where the history begins; `start` itself for none.
        timezone: whose days the period is made of; readings that stand for a day keep their date in it.
    """
    margin = days.FARTHEST
    found = _stored(store, series_id, definition, since - margin, start, end + margin)
    frame, zone = found.frame, found.day_zone
    if zone:
        frame = frame.assign(time=days.moved(frame["time"], zone, timezone))
    inside = (frame["time"] >= since) & (frame["time"] < end)
    return Readings(frame[inside.to_numpy()].reset_index(drop=True), found.resolution_s, zone)


def _stored(
    store: Store, series_id: int, definition: MetricDefinition, since: datetime, start: datetime, end: datetime
) -> Readings:
    """The same as it is stored, at its own instants."""
    frame = store.read_series([series_id], since, end, thinned=True)
    kept_at = frame["resolution_s"].to_numpy()
    if not kept_at.any():
        return Readings(frame[["time", "value"]], 0, days.day_zone_of(frame["time"]))
    times = frame["time"]
    resolution = int(kept_at[(times >= start).to_numpy()].max(initial=0))
    coarser = times[kept_at > resolution]
    if len(coarser) and start - coarser.max().to_pydatetime() < ENOUGH_HISTORY:
        resolution = int(kept_at.max())
        coarser = coarser.iloc[:0]
    first = max(since, coarser.max().to_pydatetime() + timedelta(microseconds=1)) if len(coarser) else since
    if not resolution:
        recent = frame.loc[(times >= first).to_numpy(), ["time", "value"]].reset_index(drop=True)
        return Readings(recent, 0, days.day_zone_of(recent["time"]))
    buckets = store.read_buckets([series_id], first, end, unit=UNITS[resolution])
    is_sum = definition.data_type != "counter" and definition.aggregation == "sum"
    found = _summed(buckets) if is_sum else _last(buckets, resolution)
    return Readings(found, resolution, "UTC" if resolution == DAY_S else "")


def _last(buckets: pd.DataFrame, resolution: int) -> pd.DataFrame:
    time = buckets["bucket"] if resolution == DAY_S else buckets["last_time"]
    return pd.DataFrame({"time": time, "value": buckets["last_value"]})


def _summed(buckets: pd.DataFrame) -> pd.DataFrame:
    """Sums of buckets that have most of their readings, each raised by what is missing."""
    received = buckets["n"].to_numpy(float)
    due = float(np.median(received)) if received.size else 0.0
    share = np.divide(received, due, out=np.zeros_like(received), where=due > 0)
    value = buckets["sum_value"].to_numpy(float) / np.clip(share, LEAST_RECEIVED, 1.0)
    found = pd.DataFrame({"time": buckets["bucket"], "value": value})
    return found.iloc[np.flatnonzero(share >= LEAST_RECEIVED)].reset_index(drop=True)
