"""`aggregated_metrics` made again from what is left, after readings were deleted.

Sums, means and extremes come from the daily rollups of the series that stay, in the database or in the archive. The
percentiles of a day need its raw readings and are unknown (NULL) until the next rollup, which makes those of days that
are still raw. A row that nothing is left for, or that nothing can be made from, is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc
import sqlalchemy as sa

from analytics.store.archive import Archive, Entry

FORGET = "DELETE FROM aggregated_metrics WHERE platform = :platform AND metric_type = ANY(:metrics)"
COLUMNS = "time, platform, metric_type, aggregation, avg_value, min_value, max_value, sum_value, count_value"
DAYS = f"""
INSERT INTO aggregated_metrics ({COLUMNS})
SELECT bucket, platform, metric_type, 'daily', sum(sum_value) / sum(n), min(min_value), max(max_value),
       sum(sum_value), sum(n)
FROM metric_daily JOIN series USING (series_id) WHERE platform = :platform AND metric_type = ANY(:metrics)
GROUP BY bucket, platform, metric_type
"""  # noqa: S608 our own column names
ARCHIVED = """
SELECT l.platform, l.day, l.content, l.location, l.rows, l.bytes, l.checksum FROM archive_log l
JOIN tier_days t USING (platform, day) WHERE platform = :platform AND t.tier = 'cold' AND l.content = 'daily'
"""
DAY = f"INSERT INTO aggregated_metrics ({COLUMNS}) VALUES (:time, :platform, :metric, 'daily', :avg, :min, :max, :sum, :n)"  # noqa: S608, E501
PERIODS = f"""
INSERT INTO aggregated_metrics ({COLUMNS})
SELECT date_trunc(:unit, time, 'UTC'), platform, metric_type, :aggregation, sum(sum_value) / sum(count_value),
       min(min_value), max(max_value), sum(sum_value), sum(count_value)
FROM aggregated_metrics WHERE aggregation = 'daily' AND platform = :platform AND metric_type = ANY(:metrics)
GROUP BY 1, platform, metric_type
"""  # noqa: S608 our own column names
MARK = """
INSERT INTO aggregate_dirty (aggregation, time)
SELECT aggregation, time FROM aggregated_metrics a WHERE platform = :platform AND metric_type = ANY(:metrics)
AND (aggregation <> 'daily' OR NOT EXISTS (
    SELECT 1 FROM tier_days t WHERE t.platform = a.platform AND t.day = (a.time AT TIME ZONE 'UTC')::date))
ON CONFLICT DO NOTHING
"""


def metrics_of(connection: sa.Connection, series_ids: Sequence[int]) -> list[str]:
    """Metrics the series measure."""
    query = "SELECT DISTINCT metric_type FROM series WHERE series_id = ANY(:ids) ORDER BY 1"
    return list(connection.scalars(sa.text(query), {"ids": list(series_ids)}))


def renew(connection: sa.Connection, archive: Archive, platform: str, metrics: Sequence[str]) -> None:
    """Make a platform's daily, weekly and monthly aggregates of `metrics` again, in the caller's transaction."""
    names = {"platform": platform, "metrics": list(metrics)}
    connection.execute(sa.text(FORGET), names)
    connection.execute(sa.text(DAYS), names)
    for entry in [Entry(*row) for row in connection.execute(sa.text(ARCHIVED), names)]:
        _archived_day(connection, archive, entry, metrics)
    for unit, aggregation in (("week", "weekly"), ("month", "monthly")):
        connection.execute(sa.text(PERIODS), names | {"unit": unit, "aggregation": aggregation})
    connection.execute(sa.text(MARK), names)


def _archived_day(connection: sa.Connection, archive: Archive, entry: Entry, metrics: Sequence[str]) -> None:
    table = archive.read(entry.location)
    for metric in metrics:
        rows = table.filter(pc.equal(table["metric_type"], metric))
        if not rows.num_rows:
            continue
        total, count = pc.sum(rows["sum_value"]).as_py(), pc.sum(rows["n"]).as_py()
        figures = {"avg": total / count, "sum": total, "n": count}
        figures |= {"min": pc.min(rows["min_value"]).as_py(), "max": pc.max(rows["max_value"]).as_py()}
        start = rows["bucket"][0].as_py()
        connection.execute(sa.text(DAY), {"time": start, "platform": entry.platform, "metric": metric, **figures})
