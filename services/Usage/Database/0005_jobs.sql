-- The ledger of all long work: what was asked for, how far it is and how it ended. What a type of work counts besides stands in a
-- table of its own, under the same id and written in the same transactions.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('import', 'poll', 'month', 'backfill', 'reconcile', 'export')),
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'dead_letter', 'cancelled')),
    stage text NOT NULL CHECK (stage IN ('receiving', 'waiting', 'importing', 'reading', 'comparing', 'writing', 'done')),
    -- The file or the cluster that it is about.
    subject text NOT NULL,
    requested_by text NOT NULL,
    idempotency_key text,
    request_hash text,
    request jsonb,
    result jsonb,
    -- Of the stage that is going on: bytes, seconds or rows, as the type counts; total is NULL while it is not known.
    done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total bigint CHECK (total >= 0),
    -- Beginnings since it last got further: what fails again and again is given up.
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at timestamptz NOT NULL,
    lease_owner uuid,
    leased_until timestamptz,
    -- Development alone: the stage that is to fail, until somebody requeues the job.
    fail_at_stage text,
    error_code text,
    error text,
    -- The request that asked for it: the worker's trace goes on from it.
    trace_parent text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (org_id, idempotency_key),
    CHECK (request_hash IS NULL OR idempotency_key IS NOT NULL),
    CHECK ((status IN ('succeeded', 'failed', 'dead_letter', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'dead_letter', 'cancelled')) = (stage = 'done')),
    CHECK ((lease_owner IS NULL) = (leased_until IS NULL)),
    -- What reads a cluster works under the lease of the cluster.
    CHECK ((lease_owner IS NOT NULL) = (status = 'running' AND type NOT IN ('poll', 'month', 'backfill')))
);
CREATE INDEX jobs_open ON jobs (type, created_at) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_of_org ON jobs (org_id, id);
-- Two replicas cannot begin the same poll.
CREATE UNIQUE INDEX jobs_one_poll ON jobs (org_id, subject, type) WHERE type IN ('poll', 'month') AND status IN ('queued', 'running');

-- Every transition of every job, whatever caused it.
CREATE TABLE job_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid NOT NULL,
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at timestamptz NOT NULL,
    status text NOT NULL,
    stage text NOT NULL,
    attempts integer NOT NULL,
    error_code text,
    error text
);
CREATE INDEX job_events_of_job ON job_events (job_id, id);

CREATE FUNCTION note_job_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_events (org_id, job_id, at, status, stage, attempts, error_code, error)
    VALUES (NEW.org_id, NEW.id, clock_timestamp(), NEW.status, NEW.stage, NEW.attempts, NEW.error_code, NEW.error);
    RETURN NULL;
END
$$;

-- What was in the two ledgers before. Their guard stands aside for it: an owner who is no superuser would see no row.
ALTER TABLE import_jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reads NO FORCE ROW LEVEL SECURITY;
INSERT INTO jobs (
    id, org_id, type, status, stage, subject, requested_by, idempotency_key, request_hash, done, total, attempts, due_at, lease_owner, leased_until,
    error_code, error, trace_parent, created_at, started_at, finished_at)
SELECT
    id, org_id, 'import', status, stage, file_name, requested_by, idempotency_key, request_hash,
    CASE stage WHEN 'receiving' THEN bytes_received ELSE bytes_processed END, size_bytes, attempts, created_at, lease_owner, leased_until,
    error_code, error, trace_parent, created_at, started_at, finished_at
FROM import_jobs;
INSERT INTO jobs (
    id, org_id, type, status, stage, subject, requested_by, idempotency_key, done, total, attempts, due_at, error_code, error,
    created_at, started_at, finished_at)
SELECT
    id, org_id, kind, status, CASE status WHEN 'queued' THEN 'waiting' WHEN 'running' THEN 'reading' ELSE 'done' END, cluster, requested_by,
    CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE jobs.org_id = reads.org_id AND jobs.idempotency_key = reads.idempotency_key) THEN NULL ELSE idempotency_key END,
    extract(epoch FROM position_at - from_at)::bigint, extract(epoch FROM to_at - from_at)::bigint, attempts, created_at,
    CASE status WHEN 'dead_letter' THEN 'attempts_exhausted' END, error, created_at, started_at, finished_at
FROM reads;
INSERT INTO job_events (org_id, job_id, at, status, stage, attempts, error_code, error)
SELECT org_id, id, coalesce(finished_at, started_at, created_at), status, stage, attempts, error_code, error FROM jobs;

ALTER TABLE import_jobs
    DROP COLUMN status, DROP COLUMN stage, DROP COLUMN requested_by, DROP COLUMN idempotency_key, DROP COLUMN request_hash, DROP COLUMN file_name,
    DROP COLUMN attempts, DROP COLUMN lease_owner, DROP COLUMN leased_until, DROP COLUMN error_code, DROP COLUMN error, DROP COLUMN trace_parent,
    DROP COLUMN created_at, DROP COLUMN started_at, DROP COLUMN finished_at,
    ADD FOREIGN KEY (id) REFERENCES jobs (id);
ALTER TABLE reads
    DROP COLUMN kind, DROP COLUMN status, DROP COLUMN requested_by, DROP COLUMN idempotency_key, DROP COLUMN attempts, DROP COLUMN error,
    DROP COLUMN created_at, DROP COLUMN started_at, DROP COLUMN finished_at,
    ADD FOREIGN KEY (id) REFERENCES jobs (id) ON DELETE CASCADE;
ALTER TABLE import_jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE reads FORCE ROW LEVEL SECURITY;

CREATE TRIGGER job_created AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION note_job_event();
-- A worker that takes over from another one leaves its mark, too.
CREATE TRIGGER job_changed AFTER UPDATE OF status, stage, lease_owner ON jobs FOR EACH ROW
    WHEN (OLD.status <> NEW.status OR OLD.stage <> NEW.stage OR (NEW.lease_owner IS NOT NULL AND OLD.lease_owner IS DISTINCT FROM NEW.lease_owner))
    EXECUTE FUNCTION note_job_event();

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON jobs USING (org_id = current_org() OR is_worker());
-- Whose row an id names, for a transaction that asks that alone.
CREATE POLICY whose ON jobs FOR SELECT USING (current_org() IS NULL AND id = asked_id());
ALTER TABLE job_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON job_events USING (org_id = current_org() OR is_worker());

-- Both halves of a job, to read. Whoever asks sees what the policies of the tables show him.
CREATE VIEW imports WITH (security_invoker = true) AS
SELECT jobs.*, format, fields, cluster, size_bytes, bytes_received, bytes_processed, lines_processed, lines, runs, stored, updated, known, steps,
    quarantined, cpu_core_seconds, gpu_seconds
FROM jobs JOIN import_jobs USING (id);
CREATE VIEW cluster_reads WITH (security_invoker = true) AS
SELECT jobs.*, cluster, from_at, to_at, position_at, window_seconds, source, records, runs, stored, updated, corrected, known, quarantined
FROM jobs JOIN reads USING (id);
