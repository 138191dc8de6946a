-- A further part of a run that crosses the end of a month, where the site apportions: the key of the run. Null for a whole run and for a first part.
ALTER TABLE runs ADD COLUMN part_of text COLLATE "C" GENERATED ALWAYS AS (
    CASE WHEN strpos(job_key, '#') > 0 THEN split_part(job_key, '#', 1) END) STORED;
CREATE INDEX runs_parts ON runs (org_id, part_of) WHERE part_of IS NOT NULL;
