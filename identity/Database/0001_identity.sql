-- Tenants. A single site has the first one and never sees the word.
CREATE TABLE orgs (
    org_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO orgs (org_id, slug, name) VALUES ('01900000-0000-7000-8000-000000000001', 'default', 'This site');

CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES orgs,
    username text NOT NULL CHECK (username ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$'),
    role text NOT NULL CHECK (role IN ('user', 'admin')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    password_hash text NOT NULL,
    password_changed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (org_id, username)
);

-- A browser's sign-in. The cookie's value is kept as its SHA-256 alone: who reads this table cannot sign in with it.
CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL REFERENCES users,
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    ip_address text NOT NULL,
    user_agent text NOT NULL CHECK (length(user_agent) <= 256),
    revoked_at timestamptz
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_ended ON sessions (expires_at);

-- Personal access tokens, for the command line and scripts.
CREATE TABLE access_tokens (
    token_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL REFERENCES users,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at AND expires_at <= created_at + interval '365 days 1 minute'),
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX access_tokens_of_user ON access_tokens (user_id, created_at);

-- Failed tries per username and address; shared by replicas, survives a restart.
CREATE TABLE login_throttle (
    org_id uuid NOT NULL REFERENCES orgs,
    username text NOT NULL,
    ip_address text NOT NULL,
    failures integer NOT NULL CHECK (failures >= 0),
    window_started_at timestamptz NOT NULL,
    locked_until timestamptz,
    PRIMARY KEY (org_id, username, ip_address)
);
CREATE INDEX login_throttle_locked ON login_throttle (locked_until) WHERE locked_until IS NOT NULL;
CREATE INDEX login_throttle_window ON login_throttle (window_started_at);

ALTER TABLE orgs ENABLE ROW LEVEL SECURITY;
ALTER TABLE orgs FORCE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE access_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE login_throttle ENABLE ROW LEVEL SECURITY;
ALTER TABLE login_throttle FORCE ROW LEVEL SECURITY;

-- A credential or a sign-in name is presented before the org is known: these are looked up across orgs, the user then inside one.
CREATE POLICY tenant ON orgs USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON users USING (org_id = current_org());
CREATE POLICY tenant ON sessions USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON access_tokens USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON login_throttle USING (org_id = current_org() OR is_worker());

-- Tenants are made by the owner; accounts are disabled, never deleted.
REVOKE INSERT, UPDATE, DELETE ON orgs FROM identity_app;
REVOKE DELETE ON users FROM identity_app;
