"""Why an hour, day, week or month in the log of what is dirty could not be rolled up."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.execute("ALTER TABLE rollup_dirty ADD COLUMN error text; ALTER TABLE aggregate_dirty ADD COLUMN error text")


def downgrade() -> None:
    """Forget the reasons."""
    op.execute("ALTER TABLE rollup_dirty DROP COLUMN error; ALTER TABLE aggregate_dirty DROP COLUMN error")
