-- Every run that a source reported, once: its latest facts.
-- Wide columns first, and text compared byte by byte: this table is what an import spends its time on.
CREATE TABLE runs (
    org_id uuid NOT NULL,
    -- The import whose facts these are, and the message (at most 500 runs) that tells them.
    import_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    raw_job_id bigint NOT NULL,
    submitted_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    charged_seconds bigint NOT NULL,
    cpus bigint NOT NULL,
    memory_mib bigint NOT NULL,
    nodes bigint NOT NULL,
    gpus bigint NOT NULL,
    billing bigint,
    revision integer NOT NULL,
    job_key text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    qos text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    gpus_by_type text COLLATE "C",
    other_tres text COLLATE "C",
    PRIMARY KEY (org_id, job_key),
    CHECK (revision >= 1),
    CHECK (charged_seconds >= 0 AND cpus >= 0 AND memory_mib >= 0 AND nodes >= 0 AND gpus >= 0 AND (billing IS NULL OR billing >= 0)),
    CHECK (started_at IS NOT NULL OR charged_seconds = 0)
);
CREATE INDEX runs_of_batch ON runs (batch_id);
ALTER TABLE runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE runs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON runs USING (org_id = current_org());

-- The ledger of imports. Counters and the checkpoint move in the transaction that stores what they count.
CREATE TABLE import_jobs (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'dead_letter')),
    stage text NOT NULL CHECK (stage IN ('receiving', 'waiting', 'importing', 'done')),
    requested_by text NOT NULL,
    idempotency_key text,
    request_hash text,
    file_name text NOT NULL,
    format text NOT NULL CHECK (format = 'sacct'),
    fields text,
    cluster text,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    bytes_received bigint NOT NULL DEFAULT 0 CHECK (bytes_received BETWEEN 0 AND size_bytes),
    bytes_processed bigint NOT NULL DEFAULT 0 CHECK (bytes_processed BETWEEN 0 AND bytes_received),
    -- Lines of the file before the checkpoint, its header with them.
    lines_processed bigint NOT NULL DEFAULT 0,
    lines bigint NOT NULL DEFAULT 0,
    runs bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    known bigint NOT NULL DEFAULT 0,
    steps bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    cpu_core_seconds numeric NOT NULL DEFAULT 0 CHECK (cpu_core_seconds >= 0),
    gpu_seconds numeric NOT NULL DEFAULT 0 CHECK (gpu_seconds >= 0),
    -- Claims since the last checkpoint: what fails again and again without getting further is given up.
    attempts integer NOT NULL DEFAULT 0,
    lease_owner uuid,
    leased_until timestamptz,
    error_code text,
    error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (org_id, idempotency_key),
    CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'dead_letter')) = (finished_at IS NOT NULL)),
    CHECK ((status = 'running') = (lease_owner IS NOT NULL AND leased_until IS NOT NULL)),
    -- Nothing is lost: every line is a run, a step or in quarantine, and every run is new, newer or known.
    CHECK (lines = runs + steps + quarantined AND runs = stored + updated + known)
);
CREATE INDEX import_jobs_open ON import_jobs (created_at) WHERE status IN ('queued', 'running');
CREATE INDEX import_jobs_of_org ON import_jobs (org_id, id);
ALTER TABLE import_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_jobs USING (org_id = current_org() OR is_worker());

-- Lines that are no run: with the reason, and the columns that pricing needs; never a job's name or command line.
CREATE TABLE import_quarantine (
    org_id uuid NOT NULL,
    import_id uuid NOT NULL REFERENCES import_jobs (id),
    line bigint NOT NULL CHECK (line >= 1),
    code text NOT NULL,
    field text,
    reason text NOT NULL,
    text text NOT NULL CHECK (length(text) <= 2048),
    PRIMARY KEY (import_id, line)
);
ALTER TABLE import_quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_quarantine FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_quarantine USING (org_id = current_org());
