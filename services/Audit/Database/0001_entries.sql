-- One hash chain for each org. Lengths are those of EntryLimits, in characters.
CREATE TABLE audit_entries (
    org_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 1),
    entry_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL CHECK (isfinite(occurred_at)),
    recorded_at timestamptz NOT NULL CHECK (isfinite(recorded_at)),
    service text NOT NULL CHECK (length(service) <= 100),
    actor text NOT NULL CHECK (length(actor) <= 100),
    action text NOT NULL CHECK (length(action) <= 100),
    subject text NOT NULL CHECK (length(subject) <= 300),
    details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
    ip_address text CHECK (length(ip_address) BETWEEN 1 AND 64),
    prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (org_id, seq),
    UNIQUE (org_id, entry_id)
);
CREATE INDEX audit_entries_action ON audit_entries (org_id, action, seq DESC);
CREATE INDEX audit_entries_actor ON audit_entries (org_id, actor, seq DESC);
CREATE INDEX audit_entries_occurred ON audit_entries (org_id, occurred_at);
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_entries USING (org_id = current_org());

-- What is in the chain stays as it is: the serving role may read and append.
REVOKE UPDATE, DELETE ON audit_entries FROM audit_app;
