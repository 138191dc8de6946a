-- Slurm's own identity of a run, where it gives one: a site that upgrades Slurm is billed nothing twice.
ALTER TABLE runs ADD COLUMN sluid text COLLATE "C";
CREATE UNIQUE INDEX runs_by_sluid ON runs (org_id, cluster, sluid) WHERE sluid IS NOT NULL;

-- Facts of an ended run that no longer hold: what they were, what changed, when that was learnt, and from which source.
CREATE TABLE run_versions (
    org_id uuid NOT NULL,
    job_key text COLLATE "C" NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    replaced_at timestamptz NOT NULL,
    replaced_by_source text NOT NULL,
    replaced_by_read uuid NOT NULL,
    changed text[] NOT NULL CHECK (cardinality(changed) > 0),
    submitted_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz NOT NULL,
    charged_seconds bigint NOT NULL,
    cpus bigint NOT NULL,
    memory_mib bigint NOT NULL,
    nodes bigint NOT NULL,
    gpus bigint NOT NULL,
    billing bigint,
    username text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    qos text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    gpus_by_type text COLLATE "C",
    other_tres text COLLATE "C",
    PRIMARY KEY (org_id, job_key, revision)
);
ALTER TABLE run_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE run_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON run_versions USING (org_id = current_org());

-- Clusters that are polled: how far, by which source, and who does it.
CREATE TABLE clusters (
    org_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- What slurmdbd held of the time before it was read once. Never a reason not to look there again.
    read_until timestamptz NOT NULL,
    month_read_at timestamptz,
    poll_due_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error text,
    active_source text,
    active_since timestamptz,
    active_reason text,
    lease_owner uuid,
    leased_until timestamptz,
    PRIMARY KEY (org_id, name),
    CHECK ((lease_owner IS NULL) = (leased_until IS NULL)),
    CHECK ((active_source IS NULL) = (active_since IS NULL AND active_reason IS NULL))
);
ALTER TABLE clusters ENABLE ROW LEVEL SECURITY;
ALTER TABLE clusters FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON clusters USING (org_id = current_org());

-- How each source of a cluster is.
CREATE TABLE source_states (
    org_id uuid NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    source text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('slurmrestd', 'sacct', 'directory')),
    preference integer NOT NULL CHECK (preference >= 1),
    version text,
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error text,
    PRIMARY KEY (org_id, cluster, source)
);
ALTER TABLE source_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE source_states FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON source_states USING (org_id = current_org());

-- Reading a span of time from a cluster, window by window: a poll, the open month again, or years of the past. What lies before
-- position_at is stored; counters move in the transactions that store what they count.
CREATE TABLE reads (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('poll', 'month', 'backfill')),
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'dead_letter')),
    requested_by text NOT NULL,
    idempotency_key text,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    position_at timestamptz NOT NULL,
    window_seconds integer NOT NULL CHECK (window_seconds > 0),
    source text,
    records bigint NOT NULL DEFAULT 0,
    runs bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    corrected bigint NOT NULL DEFAULT 0,
    known bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (org_id, idempotency_key),
    CHECK (from_at < to_at AND position_at BETWEEN from_at AND to_at),
    CHECK ((status IN ('succeeded', 'dead_letter')) = (finished_at IS NOT NULL)),
    CHECK (status <> 'succeeded' OR position_at = to_at),
    CHECK (records = runs + quarantined AND runs = stored + updated + corrected + known)
);
-- Two replicas cannot begin the same poll.
CREATE UNIQUE INDEX reads_one_poll ON reads (org_id, cluster, kind) WHERE kind <> 'backfill' AND status IN ('queued', 'running');
CREATE INDEX reads_open ON reads (org_id, cluster, created_at) WHERE status IN ('queued', 'running');
CREATE INDEX reads_of_org ON reads (org_id, id);
ALTER TABLE reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE reads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reads USING (org_id = current_org());
-- Whose row an id names, for a transaction that asks that alone.
CREATE POLICY whose ON reads FOR SELECT USING (current_org() IS NULL AND id = asked_id());

-- Records of a live source that are no run. The same record comes again with every poll: it is kept once and counted.
CREATE TABLE read_quarantine (
    org_id uuid NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    digest text NOT NULL CHECK (length(digest) = 64),
    read_id uuid NOT NULL,
    source text NOT NULL,
    code text NOT NULL,
    field text,
    reason text NOT NULL,
    text text NOT NULL CHECK (length(text) <= 2048),
    times bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, cluster, digest)
);
ALTER TABLE read_quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE read_quarantine FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read_quarantine USING (org_id = current_org());
