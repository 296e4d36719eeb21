"""The level of alarm chosen for each series, and what it was chosen from."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE alert_levels (
    platform          text NOT NULL,
    metric_type       text NOT NULL,
    content_id        text NOT NULL DEFAULT '',
    author_id         text NOT NULL DEFAULT '',
    factor            double precision NOT NULL CHECK (factor > 0),
    expected_per_week double precision NOT NULL,
    budget_per_week   double precision NOT NULL,
    history_weeks     double precision NOT NULL,
    is_kept           boolean NOT NULL,
    chosen_at         timestamptz NOT NULL,
    PRIMARY KEY (platform, metric_type, content_id, author_id)
);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Drop it: levels are chosen anew from history."""
    op.execute("DROP TABLE alert_levels")
