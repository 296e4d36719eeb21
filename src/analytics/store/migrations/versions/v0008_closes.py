"""The figures of a period as they stood when it was closed."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE closed_figures (
    period      text NOT NULL,
    timezone    text NOT NULL,
    platform    text NOT NULL,
    metric_type text NOT NULL,
    author_id   text NOT NULL DEFAULT '',
    total       double precision,
    per_day     double precision,
    snapshot    text NOT NULL,
    closed_by   text NOT NULL,
    closed_at   timestamptz NOT NULL,
    PRIMARY KEY (period, timezone, platform, metric_type, author_id)
);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: what was closed would be forgotten; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
