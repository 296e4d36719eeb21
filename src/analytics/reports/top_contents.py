"""The contents that brought a platform most in the period: posts, videos and repositories by their own increase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analytics.breakouts import Known, breakouts
from analytics.model import SeriesKey
from analytics.monitoring import definition_for
from analytics.reports import formats
from analytics.reports.display import Column
from analytics.reports.language import say
from analytics.reports.wording import metric_name

if TYPE_CHECKING:
    from analytics.reports.traffic_data import TrafficData
    from analytics.store import Store

MOST = 5
COLUMNS = ["platform", "title", "metric", "increase", "published_at", "usual"]
SHOWN = ["content_id", "metric_type", "increase"]
CONTENTS = """
SELECT platform, content_id, title, url, published_at FROM contents WHERE platform = ANY(:platforms)
"""


def top_contents(store: Store, data: TrafficData, definitions: Known) -> pd.DataFrame:
    """Per platform the contents whose first counter grew most: platform, title, metric, increase, published_at, usual.

    `usual` says of a content that broke out how far it was above its account's earlier ones at the same age.

    The metric is the platform's widest: the one that grew most in all. Of counters the increase within the period, from
    the last reading before it where there is one; of counts an interval the sum.
    """
    from analytics.store.asking import rows

    start, end = data.month.bounds(data.timezone)
    known = store.series(platforms=list(data.platforms))
    known = known[(known["content_id"] != "") & (known["last_time"] >= start) & (known["first_time"] < end)]
    if known.empty:
        return pd.DataFrame(columns=COLUMNS)
    days = store.read_buckets(known["series_id"].tolist(), start, end, unit="day", timezone=data.timezone)
    grown = days.groupby("series_id").agg(first=("first_value", "first"), last=("last_value", "last"))
    frame = known.merge((grown["last"] - grown["first"]).rename("increase"), left_on="series_id", right_index=True)
    frame = frame[frame["increase"] > 0]
    widest = frame.groupby(["platform", "metric_type"])["increase"].sum().reset_index()
    widest = widest.sort_values("increase", kind="stable").groupby("platform").tail(1)
    frame = frame.merge(widest[["platform", "metric_type"]], on=["platform", "metric_type"])
    with store.begin() as connection:
        told = {(r["platform"], r["content_id"]): r for r in rows(connection, CONTENTS, platforms=list(data.platforms))}
    viral = {
        (told.key.platform, told.key.content_id): say(
            "{times} × at {age}",
            times=formats.number(told.ratio, decimals=1),
            age=formats.duration(told.age.total_seconds()),
        )
        for told in breakouts(store, definitions, start, end, platforms=data.platforms)
    }
    found = []
    for name in data.platforms:
        part = frame[frame["platform"] == name].sort_values(["increase", "content_id"], ascending=[False, True])
        for content_id, metric, increase in part.head(MOST)[SHOWN].to_numpy(object).tolist():
            about = told.get((name, content_id), {})
            found.append(
                {
                    "platform": name,
                    "title": str(about.get("title") or content_id),
                    "metric": metric_name(definition_for(SeriesKey(name, str(metric)), definitions, end)),
                    "increase": float(increase),
                    "published_at": about.get("published_at"),
                    "usual": viral.get((name, content_id), ""),
                }
            )
    return pd.DataFrame(found, columns=COLUMNS)


TOP_COLUMNS = (
    Column("title", "Content", wide=True),
    Column("metric", "Measured by"),
    Column("increase", "Increase", "compact"),
    Column("published_at", "Published", "date"),
    Column("usual", "Against earlier ones"),
)
