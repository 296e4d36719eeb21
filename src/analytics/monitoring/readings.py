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

if TYPE_CHECKING:
    from analytics.store import Store

ENOUGH_HISTORY = timedelta(days=14)  # two of each weekday
LEAST_RECEIVED = 0.8  # of an hour's or day's readings, for their sum to say anything
NOON = pd.Timedelta(hours=12)  # of a UTC day: the same date in all but the farthest zones
UNITS: dict[int, Literal["hour", "day"]] = {3600: "hour", 86_400: "day"}
NAMES = {3600: "hour", 86_400: "UTC day"}


@dataclass(frozen=True)
class Readings:
    """What the store still has of a series.

    Attributes:
        frame: time (aware UTC) and value, by time: readings as they came, or one an hour or day: of a count in
            intervals the sum (raised by what is missing of it, at most a fifth), of a counter or level the last.
        resolution_s: 0 for readings as they came, else 3600 or 86,400.
    """

    frame: pd.DataFrame
    resolution_s: int = 0

    @property
    def warning(self) -> str:
        """What was lost, in a sentence without its full stop; '' for nothing."""
        if not self.resolution_s:
            return ""
        return f"readings this old are kept by the {NAMES[self.resolution_s]} only"


def readings_of(
    store: Store, series_id: int, definition: MetricDefinition, since: datetime, start: datetime, end: datetime
) -> Readings:
    """Readings in [start, end) and the history from `since` on, at the resolution the period is kept at.

    Args:
        definition: says whether values add up over time.
        since: where the history begins; `start` itself for none.
    """
    frame = store.read_series([series_id], since, end, thinned=True)
    kept_at = frame["resolution_s"].to_numpy()
    if not kept_at.any():
        return Readings(frame[["time", "value"]])
    times = frame["time"]
    resolution = int(kept_at[(times >= start).to_numpy()].max(initial=0))
    coarser = times[kept_at > resolution]
    if len(coarser) and start - coarser.max().to_pydatetime() < ENOUGH_HISTORY:
        resolution = int(kept_at.max())
        coarser = coarser.iloc[:0]
    first = max(since, coarser.max().to_pydatetime() + timedelta(microseconds=1)) if len(coarser) else since
    if not resolution:
        return Readings(frame.loc[(times >= first).to_numpy(), ["time", "value"]].reset_index(drop=True))
    buckets = store.read_buckets([series_id], first, end, unit=UNITS[resolution])
    is_sum = definition.data_type != "counter" and definition.aggregation == "sum"
    return Readings(_summed(buckets, resolution) if is_sum else _last(buckets, resolution), resolution)


def _last(buckets: pd.DataFrame, resolution: int) -> pd.DataFrame:
    time = buckets["bucket"] + NOON if resolution == 86_400 else buckets["last_time"]
    return pd.DataFrame({"time": time, "value": buckets["last_value"]})


def _summed(buckets: pd.DataFrame, resolution: int) -> pd.DataFrame:
    """Sums of buckets that have most of their readings, each raised by what is missing."""
    received = buckets["n"].to_numpy(float)
    due = float(np.median(received)) if received.size else 0.0
    share = np.divide(received, due, out=np.zeros_like(received), where=due > 0)
    value = buckets["sum_value"].to_numpy(float) / np.clip(share, LEAST_RECEIVED, 1.0)
    time = buckets["bucket"] + NOON if resolution == 86_400 else buckets["bucket"]
    found = pd.DataFrame({"time": time, "value": value})
    return found.iloc[np.flatnonzero(share >= LEAST_RECEIVED)].reset_index(drop=True)
