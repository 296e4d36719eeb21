"""What vendors send by themselves: bodies as they came, events once each, and running totals."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE webhook_inbox (
    inbox_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider     text NOT NULL,
    account      text NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    content_type text NOT NULL DEFAULT '',
    body         bytea NOT NULL,
    body_hash    text NOT NULL,
    replay_key   text,  -- what a sender uses once: the same with another body is a replay
    processed_at timestamptz,
    error        text,
    CONSTRAINT webhook_inbox_once UNIQUE (provider, account, body_hash),
    CONSTRAINT webhook_inbox_replay UNIQUE (provider, replay_key)
);
CREATE INDEX webhook_inbox_waiting ON webhook_inbox (inbox_id) WHERE processed_at IS NULL;

CREATE TABLE webhook_events (
    platform  text NOT NULL,
    account   text NOT NULL,
    event_key text NOT NULL,  -- a hash: no address is kept
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (platform, account, event_key)
);

CREATE TABLE webhook_totals (
    platform    text NOT NULL,
    account     text NOT NULL,
    metric_type text NOT NULL,
    content_id  text NOT NULL DEFAULT '',
    total       bigint NOT NULL,
    PRIMARY KEY (platform, account, metric_type, content_id)
);
"""


def upgrade() -> None:
    """Make the three tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a way back would drop what was collected; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
