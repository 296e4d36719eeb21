"""What people said about a stretch of time: notes, and whether an incident was real."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE annotations (
    annotation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform      text NOT NULL DEFAULT '',  -- '' in a name: any
    metric_type   text NOT NULL DEFAULT '',
    content_id    text NOT NULL DEFAULT '',
    author_id     text NOT NULL DEFAULT '',
    start_at      timestamptz NOT NULL,
    end_at        timestamptz NOT NULL,
    incident      text NOT NULL DEFAULT '',
    kind          text NOT NULL,
    note          text NOT NULL DEFAULT '',
    said_by       text NOT NULL,
    said_at       timestamptz NOT NULL,
    CONSTRAINT annotations_ordered CHECK (end_at >= start_at),
    CONSTRAINT annotations_kind CHECK (kind IN
        ('note', 'acknowledged', 'snoozed', 'muted', 'unmuted', 'confirmed', 'rejected'))
);
CREATE INDEX annotations_time ON annotations (start_at, end_at);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a way back would drop what people said; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
