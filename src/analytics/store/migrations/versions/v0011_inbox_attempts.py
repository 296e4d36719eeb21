"""Bodies of webhooks: how often each was tried, which a person let in; a token counts once, whatever its address."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE webhook_inbox
    ADD COLUMN attempts smallint NOT NULL DEFAULT 0,
    ADD COLUMN is_approved boolean NOT NULL DEFAULT false;
ALTER TABLE webhook_inbox DROP CONSTRAINT webhook_inbox_replay;
UPDATE webhook_inbox AS late SET replay_key = NULL FROM webhook_inbox AS early
    WHERE early.replay_key = late.replay_key AND early.inbox_id < late.inbox_id;
ALTER TABLE webhook_inbox ADD CONSTRAINT webhook_inbox_replay UNIQUE (replay_key);
-- compressed bodies were kept and never counted: they are read again
UPDATE webhook_inbox SET processed_at = NULL, error = NULL
    WHERE processed_at IS NOT NULL AND substring(body FROM 1 FOR 2) = '\\x1f8b';
"""


def upgrade() -> None:
    """Add the columns, widen the constraint, and let compressed bodies be read again."""
    op.execute(UP)


def downgrade() -> None:
    """Refuse: a way back would drop what was collected; restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
