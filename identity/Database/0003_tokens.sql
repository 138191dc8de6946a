-- Keys that sign access tokens. They are the site's, so its first org owns them. The private half is protected with the shared
-- master key, and erased when the key has retired.
CREATE TABLE signing_keys (
    key_id text PRIMARY KEY CHECK (key_id ~ '^[A-Za-z0-9_-]{43}$'),
    org_id uuid NOT NULL REFERENCES orgs,
    public_key bytea NOT NULL,
    private_key bytea,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL CHECK (signs_from >= created_at),
    retires_at timestamptz
);
-- The newest key has no end; every other one has.
CREATE UNIQUE INDEX signing_keys_newest ON signing_keys (org_id) WHERE retires_at IS NULL;

-- What may be presented once: client assertions (RFC 7523) and the states of sign-ins at other providers, by their SHA-256.
CREATE TABLE used_once (
    used_hash bytea PRIMARY KEY CHECK (octet_length(used_hash) = 32),
    org_id uuid NOT NULL REFERENCES orgs,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_once_expired ON used_once (expires_at);

-- Access tokens that were called back before their end.
CREATE TABLE revoked_tokens (
    token_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES orgs,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_expired ON revoked_tokens (expires_at);

-- Who an account is at another provider.
CREATE TABLE external_logins (
    issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 500),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL REFERENCES users,
    name text NOT NULL CHECK (length(name) <= 200),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_logins_of_user ON external_logins (user_id);

ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE signing_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE used_once ENABLE ROW LEVEL SECURITY;
ALTER TABLE used_once FORCE ROW LEVEL SECURITY;
ALTER TABLE revoked_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE revoked_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE external_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE external_logins FORCE ROW LEVEL SECURITY;

-- Keys, and what has been presented, are looked up before an org is known; who somebody is elsewhere only inside one.
CREATE POLICY tenant ON signing_keys USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON used_once USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON revoked_tokens USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON external_logins USING (org_id = current_org());

-- A key that retired stays on record, so that it is never taken for a new one.
REVOKE DELETE ON signing_keys FROM identity_app;
