"""X API v2, posts and users: https://docs.x.com/x-api"""

from __future__ import annotations

from analytics.model import MetricDefinition

NAME = "twitter"

DEFINITIONS = (
    MetricDefinition(
        NAME,
        "mentions",
        "Mentions",
        "mentions",
        "gauge",
        "sum",
        "Posts that mention the account, per 5-minute interval that begins at the reading's time.",
    ),
)
