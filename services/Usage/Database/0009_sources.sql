-- Sources that an org's admins set up, beside those of the configuration. What they may point at is the configuration's to say,
-- whenever one is saved and whenever it is loaded.
CREATE TABLE sources (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    cluster text COLLATE "C" NOT NULL CHECK (length(cluster) BETWEEN 1 AND 250),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    kind text NOT NULL CHECK (kind IN ('slurmrestd', 'sacct', 'directory')),
    preference integer NOT NULL CHECK (preference BETWEEN 1 AND 99),
    -- Names of files, never what is in them.
    settings jsonb NOT NULL,
    enabled boolean NOT NULL,
    revision integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (org_id, cluster, name)
);
ALTER TABLE sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE sources FORCE ROW LEVEL SECURITY;
-- A worker reads the clusters of all orgs.
CREATE POLICY tenant ON sources USING (org_id = current_org() OR is_worker());
-- Whose row an id names, for a transaction that asks that alone.
CREATE POLICY whose ON sources FOR SELECT USING (current_org() IS NULL AND id = asked_id());

-- A worker looks which orgs have clusters that nobody is left to tell of, and sources that are no more.
DROP POLICY tenant ON clusters;
CREATE POLICY tenant ON clusters USING (org_id = current_org() OR is_worker());
DROP POLICY tenant ON source_states;
CREATE POLICY tenant ON source_states USING (org_id = current_org() OR is_worker());
