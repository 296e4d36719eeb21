"""Contents that break out: each account's posts as stored, judged against its earlier ones at the same age.

A post's count at 1, 3, 6 … 168 hours is read from the hours around that age, so that months of contents cost a few
index lookups each. Contents whose hours have left for the archive (90 days by default) are not compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics import anomalies
from analytics.anomalies import Event
from analytics.anomalies.viral import AGES
from analytics.definitions import definition_for
from analytics.model import MetricDefinition, SeriesKey
from analytics.store.asking import rows

if TYPE_CHECKING:
    from analytics.store import Store

BEFORE = timedelta(days=90)  # how old the posts are that a new one is compared with
OLDEST = max(AGES)
AT_AGES = """
SELECT s.platform, s.metric_type, s.author_id, s.content_id, c.title, c.published_at,
    before.last_time AS time_before, before.last_value AS value_before, after.last_time, after.last_value
FROM series s
JOIN contents c ON c.platform = s.platform AND c.content_id = s.content_id
CROSS JOIN unnest(CAST(:ages AS interval[])) AS at(age)
LEFT JOIN LATERAL (
    SELECT h.last_time, h.last_value FROM metric_hourly h
    WHERE h.series_id = s.series_id AND h.bucket >= c.published_at - interval '1 hour'
      AND h.bucket < date_trunc('hour', c.published_at + at.age, 'UTC')
    ORDER BY h.bucket DESC LIMIT 1
) before ON true
JOIN LATERAL (
    SELECT h.last_time, h.last_value FROM metric_hourly h
    WHERE h.series_id = s.series_id AND h.bucket >= date_trunc('hour', c.published_at + at.age, 'UTC')
      AND h.last_time >= c.published_at + at.age AND h.last_time <= :until
    ORDER BY h.bucket LIMIT 1
) after ON true
WHERE s.content_id <> '' AND c.published_at >= :oldest AND c.published_at < :until
  AND (CAST(:platforms AS text[]) IS NULL OR s.platform = ANY(:platforms))
  AND (CAST(:authors AS text[]) IS NULL OR (s.platform, s.author_id) IN
    (SELECT * FROM unnest(CAST(:places AS text[]), CAST(:authors AS text[]))))
  AND EXISTS (
    SELECT FROM contents young WHERE young.platform = s.platform AND young.author_id = c.author_id
      AND young.published_at >= :young AND young.published_at < :until
  )
ORDER BY s.platform, s.author_id, s.metric_type, s.content_id, after.last_time
"""
Known = Mapping[tuple[str, str], tuple[MetricDefinition, ...]]


@dataclass(frozen=True)
class Breakout:
    """A post that had far more than its account's earlier ones at the same age; `event` says when and how far."""

    key: SeriesKey
    title: str
    event: Event

    @property
    def ratio(self) -> float:
        """Its count over the median of the earlier posts' at that age; above 1."""
        return 1 + self.event.relative_deviation

    @property
    def age(self) -> timedelta:
        """How old it was when it was told."""
        return timedelta(seconds=float(self.event.details["age_s"]))


def breakouts(
    store: Store,
    known: Known,
    since: datetime,
    until: datetime,
    *,
    platforms: Sequence[str] | None = None,
    accounts: Sequence[tuple[str, str]] | None = None,
) -> list[Breakout]:
    """Contents told as breaking out in [since, until), by time; each by its account's widest counter.

    Args:
        known: dated meanings by platform and metric; only counters are compared.
        platforms: None for all.
        accounts: platform and account of each that is meant; None for all.
    """
    with store.begin() as connection:
        found = rows(
            connection,
            AT_AGES,
            ages=list(AGES),
            oldest=since - OLDEST - BEFORE,
            young=since - OLDEST,
            until=until,
            platforms=None if platforms is None else list(platforms),
            places=None if accounts is None else [platform for platform, _ in accounts],
            authors=None if accounts is None else [account for _, account in accounts],
        )
    if not found:
        return []
    frame = pd.DataFrame(found)
    told = []
    for (platform, author), account in frame.groupby(["platform", "author_id"], sort=True):
        metric = _widest(account, str(platform), known, until)
        if metric is None:
            continue
        part = account[account["metric_type"] == metric]
        titles = dict(zip(part["content_id"], part["title"], strict=True))
        for event in anomalies.detect_breakouts(_readings(part)):
            if since <= event.confirmed_at < until:
                content = str(event.details["content_id"])
                key = SeriesKey(str(platform), metric, content, str(author))
                told.append(Breakout(key, str(titles.get(content) or content), event))
    return sorted(told, key=lambda entry: (entry.event.confirmed_at, str(entry.key)))


def _widest(account: pd.DataFrame, platform: str, known: Known, at: datetime) -> str | None:
    """The counter with the largest counts in all; None where no metric of the account is one."""
    totals = account.groupby("metric_type")["last_value"].sum().sort_values(ascending=False, kind="stable")
    for metric in map(str, totals.index):
        if definition_for(SeriesKey(platform, metric), known, at).data_type == "counter":
            return metric
    return None


def _readings(part: pd.DataFrame) -> pd.DataFrame:
    """Both readings around each age, once each, as `detect_breakouts` takes them."""
    names: dict[str, Any] = {"time_before": "observed_at", "value_before": "value"}
    columns = ["content_id", "published_at", "observed_at", "value"]
    before = part.drop(columns=["last_time", "last_value"]).rename(columns=names)[columns]
    after = part.rename(columns={"last_time": "observed_at", "last_value": "value"})[columns]
    both = pd.concat([before.dropna(subset=["observed_at"]), after], ignore_index=True)
    both["observed_at"] = pd.to_datetime(both["observed_at"], utc=True)
    both["published_at"] = pd.to_datetime(both["published_at"], utc=True)
    # a count of the hour before publication says nothing about the post's age
    both = both[both["observed_at"] >= both["published_at"]]
    return both.drop_duplicates(["content_id", "observed_at"], ignore_index=True)
