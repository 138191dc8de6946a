-- Records that are no run, of files and of live sources alike: kept with their reason until somebody has them read again or puts them aside.
CREATE TABLE quarantine (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    -- A line of a file …
    import_id uuid REFERENCES import_jobs (id),
    line bigint CHECK (line >= 1),
    -- … or a record of a live source, which comes again with every poll: it is kept once, by its text, and counted.
    read_id uuid,
    digest text CHECK (length(digest) = 64),
    -- NULL: a line that names none.
    cluster text COLLATE "C",
    source text NOT NULL,
    code text NOT NULL,
    field text,
    reason text NOT NULL,
    -- The columns that pricing needs; never a job's name or command line.
    text text NOT NULL CHECK (length(text) <= 2048),
    -- How the text is to be read: sacct's columns between '|', or slurmrestd's data version.
    format text NOT NULL CHECK (format IN ('sacct', 'slurmdb')),
    layout text,
    -- False where the text was cut or altered when it was kept: what is left of it is never believed.
    is_whole boolean NOT NULL,
    times bigint NOT NULL DEFAULT 1 CHECK (times >= 1),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'dismissed')),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    tried_at timestamptz,
    -- The run that it turned out to be.
    job_key text COLLATE "C",
    resolved_at timestamptz,
    resolved_by text,
    dismissed_because text CHECK (length(dismissed_because) BETWEEN 1 AND 500),
    UNIQUE (import_id, line),
    UNIQUE (org_id, cluster, digest),
    CHECK ((import_id IS NULL) = (line IS NULL) AND (read_id IS NULL) = (digest IS NULL) AND (import_id IS NULL) <> (read_id IS NULL)),
    CHECK (read_id IS NULL OR cluster IS NOT NULL),
    CHECK (layout IS NOT NULL OR NOT is_whole),
    CHECK ((tries = 0) = (tried_at IS NULL)),
    CHECK ((state = 'open') = (resolved_at IS NULL) AND (state = 'open') = (resolved_by IS NULL)),
    CHECK ((state = 'dismissed') = (dismissed_because IS NOT NULL)),
    CHECK (state = 'retried' OR job_key IS NULL)
);
CREATE INDEX quarantine_newest ON quarantine (org_id, first_seen_at, id);
CREATE INDEX quarantine_open ON quarantine (org_id, cluster, code) WHERE state = 'open';
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE quarantine FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quarantine USING (org_id = current_org() OR is_worker());
-- Whose row an id names, for a transaction that asks that alone.
CREATE POLICY whose ON quarantine FOR SELECT USING (current_org() IS NULL AND id = asked_id());

-- What was kept before. The guards stand aside for it: an owner who is no superuser would see no row.
ALTER TABLE import_jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE import_quarantine NO FORCE ROW LEVEL SECURITY;
ALTER TABLE read_quarantine NO FORCE ROW LEVEL SECURITY;
ALTER TABLE quarantine NO FORCE ROW LEVEL SECURITY;

-- Which columns a file had was written down only where the request named them. When it came is in the id of the import.
INSERT INTO quarantine (
    id, org_id, import_id, line, cluster, source, code, field, reason, text, format, layout, is_whole, first_seen_at, last_seen_at)
SELECT
    gen_random_uuid(), org_id, import_id, line, cluster, 'import', code, field, reason, text, 'sacct', layout,
    layout IS NOT NULL AND code IN ('bad_field', 'contradiction', 'changed_after_final') AND right(text, 1) <> '…' AND position(U&'\FFFD' IN text) = 0, at, at
FROM (
    SELECT q.*, j.cluster, to_timestamp(('x' || substr(replace(q.import_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) AS at,
        CASE WHEN lower(j.fields) = 'xdmod' THEN 'JobID|JobIDRaw|Cluster|Partition|QOS|Account|-|-|User|-|Submit|-|Start|End|Elapsed|-|State|-|-|-|-|-|AllocTRES|-|-|JobName'
            ELSE regexp_replace(replace(j.fields, ',', '|'), '%[^|]*', '', 'g') END AS layout
    FROM import_quarantine q JOIN import_jobs j ON j.id = q.import_id) AS kept;

-- In which data version a record was told is not known: it is, when the record comes again. One of each text goes by the text.
INSERT INTO quarantine (
    id, org_id, read_id, digest, cluster, source, code, field, reason, text, format, is_whole, times, first_seen_at, last_seen_at)
SELECT
    gen_random_uuid(), org_id, read_id,
    CASE WHEN row_number() OVER (PARTITION BY org_id, cluster, text ORDER BY last_seen_at DESC, digest) = 1
        THEN encode(sha256(convert_to(text, 'UTF8')), 'hex') ELSE digest END,
    cluster, source, code, field, reason, text, CASE WHEN left(text, 1) = '{' THEN 'slurmdb' ELSE 'sacct' END, false, times, first_seen_at, last_seen_at
FROM read_quarantine;

DROP TABLE import_quarantine;
DROP TABLE read_quarantine;
ALTER TABLE import_jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE quarantine FORCE ROW LEVEL SECURITY;

-- Reads that have not reached their end.
CREATE INDEX reads_unfinished ON reads (org_id, cluster, id) WHERE position_at < to_at;
