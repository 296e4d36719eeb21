"""A reading says which meaning of its metric was in force: `platform_metrics.definition_id`."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# a subquery in the list of columns costs nothing where the column is not asked for
VIEW = """
CREATE OR REPLACE VIEW platform_metrics AS
SELECT p.time,
       s.platform,
       s.metric_type,
       p.value,
       nullif(s.content_id, '')   AS content_id,
       nullif(s.content_type, '') AS content_type,
       nullif(s.author_id, '')    AS author_id,
       s.tags,
       jsonb_build_object('collection_id', p.collection_id, 'method', c.method, 'source', c.source,
                          'api_version', c.api_version, 'rate_limit_remaining', c.rate_limit_remaining) AS metadata,
       c.started_at               AS created_at,
       coalesce(p.quality, 1)::double precision AS quality_score,
       f.faults                   AS validation_errors,
       (SELECT d.platform || '.' || d.metric_type
               || CASE WHEN d.valid_from > '0001-01-01' THEN '@' || d.valid_from::text ELSE '' END
        FROM metric_definitions d
        WHERE d.platform = s.platform AND d.metric_type = s.metric_type AND d.is_active
              AND d.valid_from <= (p.time AT TIME ZONE 'UTC')::date
        ORDER BY d.valid_from DESC LIMIT 1) AS definition_id
FROM points p
JOIN series s ON s.series_id = p.series_id
LEFT JOIN collections c ON c.collection_id = p.collection_id
LEFT JOIN point_faults f ON f.series_id = p.series_id AND f.time = p.time;
"""


def upgrade() -> None:
    """Add the column to the view."""
    op.execute(VIEW)


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError("restore a backup instead of downgrading")
