"""The write path's statements: staged rows in, what differs found, corrections logged and taken back."""

from __future__ import annotations

STAGING = """
CREATE TEMP TABLE IF NOT EXISTS staging (series_id int4, time timestamptz, value float8, quality float4) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS staged_faults (series_id int4, time timestamptz, faults text) ON COMMIT DROP;
"""
INSERT = """
INSERT INTO points (series_id, collection_id, time, value, quality)
SELECT series_id, %s, time, value, nullif(quality, 'NaN') FROM staging ON CONFLICT (series_id, time) DO NOTHING
"""
DIFFERENT = """
SELECT s.series_id, s.time, s.value, p.value, p.collection_id FROM staging s
JOIN points p ON p.series_id = s.series_id AND p.time = s.time
WHERE p.time BETWEEN %s AND %s AND p.value <> s.value ORDER BY 1, 2
"""
LATE = """
SELECT count(*) FROM staging s JOIN points p ON p.series_id = s.series_id AND p.time = s.time
JOIN series r ON r.series_id = s.series_id
WHERE p.time BETWEEN %s AND %s AND p.collection_id = %s AND s.time < r.last_time
"""
RESTATE = """
WITH changed (series_id, time, value, quality) AS (
    SELECT s.series_id, s.time, s.value, nullif(s.quality, 'NaN') FROM staging s
    JOIN unnest(%(ids)s::int[], %(times)s::timestamptz[]) AS c (series_id, time) USING (series_id, time)
), logged AS (
    INSERT INTO restatements (series_id, time, old_value, new_value, old_collection_id, new_collection_id)
    SELECT p.series_id, p.time, p.value, c.value, p.collection_id, %(collection)s
    FROM points p JOIN changed c USING (series_id, time) WHERE p.time BETWEEN %(start)s AND %(end)s
)
UPDATE points p SET value = c.value, quality = c.quality, collection_id = %(collection)s FROM changed c
WHERE p.series_id = c.series_id AND p.time = c.time AND p.time BETWEEN %(start)s AND %(end)s
"""
WITHDRAW_RESTATED = """
WITH gone AS (
    DELETE FROM restatements WHERE new_collection_id = %(collection)s AND series_id = %(id)s AND time = %(time)s
    RETURNING old_value, old_collection_id
)
UPDATE points p SET value = gone.old_value, collection_id = gone.old_collection_id FROM gone
WHERE p.series_id = %(id)s AND p.time = %(time)s
"""
OURS = """
SELECT p.series_id, p.time FROM points p
JOIN unnest(%(ids)s::int[], %(times)s::timestamptz[]) AS c (series_id, time) USING (series_id, time)
WHERE p.collection_id = %(collection)s AND p.time BETWEEN %(start)s AND %(end)s
"""
LATER = """
SELECT collection_id FROM collections
WHERE collection_id = ANY(%s) AND started_at > %s AND NOT (method = ANY(%s) AND source <> 'quarantine')
"""
