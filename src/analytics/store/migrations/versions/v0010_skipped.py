"""Rounds the budget left out are neither good nor failed; the last good round of an account is found at once."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE collections DROP CONSTRAINT collections_outcome_check;
ALTER TABLE collections ADD CONSTRAINT collections_outcome_check
    CHECK (outcome IN ('running', 'ok', 'partial', 'failed', 'skipped'));
UPDATE collections SET outcome = 'skipped' WHERE outcome = 'failed' AND error = 'budget: left out of this round';
CREATE INDEX collections_good ON collections (platform, account, started_at) WHERE outcome IN ('ok', 'partial');
"""
DOWN = """
DROP INDEX collections_good;
UPDATE collections SET outcome = 'failed' WHERE outcome = 'skipped';
ALTER TABLE collections DROP CONSTRAINT collections_outcome_check;
ALTER TABLE collections ADD CONSTRAINT collections_outcome_check
    CHECK (outcome IN ('running', 'ok', 'partial', 'failed'));
"""


def upgrade() -> None:
    """Let rounds be skipped, and call those so that were."""
    op.execute(UP)


def downgrade() -> None:
    """Call them failed again."""
    op.execute(DOWN)
