"""The level of alarm of each series, as it is kept: thresholds multiplied so that alerts keep to their budget."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from analytics.anomalies import Level
from analytics.model import SeriesKey
from analytics.store.asking import changed, rows

if TYPE_CHECKING:
    from analytics.store import Store

SAVE = """
INSERT INTO alert_levels (platform, metric_type, content_id, author_id, factor, expected_per_week, budget_per_week,
    history_weeks, is_kept, chosen_at)
VALUES (:platform, :metric_type, :content_id, :author_id, :factor, :expected_per_week, :budget_per_week,
    :history_weeks, :is_kept, :chosen_at)
ON CONFLICT (platform, metric_type, content_id, author_id) DO UPDATE SET
    factor = EXCLUDED.factor, expected_per_week = EXCLUDED.expected_per_week,
    budget_per_week = EXCLUDED.budget_per_week, history_weeks = EXCLUDED.history_weeks,
    is_kept = EXCLUDED.is_kept, chosen_at = EXCLUDED.chosen_at
"""
LOAD = "SELECT * FROM alert_levels ORDER BY platform, author_id, content_id, metric_type"


def save(store: Store, levels: Mapping[SeriesKey, Level], *, at: datetime) -> None:
    """Keep what was chosen, in place of what was chosen before."""
    with store.begin() as connection:
        for key, level in levels.items():
            changed(
                connection,
                SAVE,
                platform=key.platform,
                metric_type=key.metric_type,
                content_id=key.content_id,
                author_id=key.author_id,
                factor=level.factor,
                expected_per_week=level.expected_per_week,
                budget_per_week=level.budget_per_week,
                history_weeks=level.history_weeks,
                is_kept=level.kept,
                chosen_at=at,
            )


def load(store: Store) -> dict[SeriesKey, Level]:
    """The level of every series that has one; one that has none is judged at 100 %."""
    with store.begin() as connection:
        found = rows(connection, LOAD)
    return {
        SeriesKey(row["platform"], row["metric_type"], row["content_id"], row["author_id"]): Level(
            factor=row["factor"],
            expected_per_week=row["expected_per_week"],
            budget_per_week=row["budget_per_week"],
            history_weeks=row["history_weeks"],
            kept=row["is_kept"],
        )
        for row in found
    }
