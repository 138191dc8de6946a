-- A month of a cluster, weighed: what slurmdbd holds against what is stored and what rating made of it.
CREATE TABLE reconciliations (
    id uuid PRIMARY KEY REFERENCES jobs (id),
    org_id uuid NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    month text NOT NULL CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    -- The month in the site's zone, and up to where it was compared: an open month as far as it was polled.
    zone text,
    from_at timestamptz,
    to_at timestamptz,
    position_at timestamptz,
    sources text[] NOT NULL DEFAULT '{}',
    -- Of slurmdbd in this span: runs that have not ended, which nothing is charged for yet.
    running bigint NOT NULL DEFAULT 0,
    slurmdbd_runs bigint NOT NULL DEFAULT 0,
    stored_runs bigint NOT NULL DEFAULT 0,
    billed_runs bigint NOT NULL DEFAULT 0,
    unbilled_runs bigint NOT NULL DEFAULT 0,
    exempt_runs bigint NOT NULL DEFAULT 0,
    quarantined_runs bigint NOT NULL DEFAULT 0,
    not_valued bigint NOT NULL DEFAULT 0,
    differences bigint NOT NULL DEFAULT 0 CHECK (differences >= 0),
    kinds jsonb NOT NULL DEFAULT '{}',
    CHECK (from_at < to_at)
);
CREATE INDEX reconciliations_of_cluster ON reconciliations (org_id, cluster, id);

-- TRES-seconds (memory in MiB-seconds) of each resource, by column.
CREATE TABLE reconciliation_totals (
    org_id uuid NOT NULL,
    reconciliation_id uuid NOT NULL REFERENCES reconciliations (id),
    tres text COLLATE "C" NOT NULL,
    slurmdbd numeric NOT NULL,
    stored numeric NOT NULL,
    billed numeric NOT NULL,
    unbilled numeric NOT NULL,
    exempt numeric NOT NULL,
    quarantined numeric NOT NULL,
    difference numeric NOT NULL GENERATED ALWAYS AS (slurmdbd - billed - unbilled - exempt - quarantined) STORED,
    PRIMARY KEY (org_id, reconciliation_id, tres)
);

-- The first differences by name; how many there are of each kind stands above.
CREATE TABLE reconciliation_differences (
    org_id uuid NOT NULL,
    reconciliation_id uuid NOT NULL REFERENCES reconciliations (id),
    number integer NOT NULL CHECK (number >= 1),
    kind text NOT NULL,
    is_difference boolean NOT NULL,
    subject text COLLATE "C" NOT NULL,
    job_id text,
    code text,
    changes jsonb NOT NULL,
    PRIMARY KEY (org_id, reconciliation_id, number)
);

-- Scratch: what slurmdbd says, each record once however many windows it comes in. Gone when the comparison is done.
CREATE TABLE reconciliation_records (
    org_id uuid NOT NULL,
    reconciliation_id uuid NOT NULL REFERENCES reconciliations (id),
    -- The key of the stored run that it is, by Slurm's own identity where it has one.
    job_key text COLLATE "C" NOT NULL,
    -- The answer that it came in last, and how often it came there.
    answer integer NOT NULL,
    times integer NOT NULL CHECK (times >= 1),
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
    cluster text COLLATE "C" NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    qos text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    gpus_by_type text COLLATE "C",
    other_tres text COLLATE "C",
    sluid text COLLATE "C",
    PRIMARY KEY (org_id, reconciliation_id, job_key)
);

CREATE TABLE reconciliation_refused (
    org_id uuid NOT NULL,
    reconciliation_id uuid NOT NULL REFERENCES reconciliations (id),
    digest text COLLATE "C" NOT NULL CHECK (length(digest) = 64),
    code text NOT NULL,
    text text NOT NULL CHECK (length(text) <= 2048),
    PRIMARY KEY (org_id, reconciliation_id, digest)
);

-- A worker takes what waits, and shows the last balance of each cluster as a metric.
ALTER TABLE reconciliations ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliations USING (org_id = current_org() OR is_worker());
ALTER TABLE reconciliation_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliation_totals USING (org_id = current_org() OR is_worker());
ALTER TABLE reconciliation_differences ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation_differences FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliation_differences USING (org_id = current_org());
ALTER TABLE reconciliation_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation_records FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliation_records USING (org_id = current_org());
ALTER TABLE reconciliation_refused ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation_refused FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliation_refused USING (org_id = current_org());

-- Both halves of a job, to read.
CREATE VIEW cluster_reconciliations WITH (security_invoker = true) AS
SELECT jobs.*, cluster, month, zone, from_at, to_at, position_at, sources, running, slurmdbd_runs, stored_runs, billed_runs, unbilled_runs, exempt_runs, quarantined_runs,
    not_valued, differences, kinds
FROM jobs JOIN reconciliations USING (id);
