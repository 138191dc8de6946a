-- An account may have no password: one that waits for its first, one that was reset, and one that signs in elsewhere.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE users ALTER COLUMN password_changed_at DROP NOT NULL;

-- A code that an admin hands over, with which its owner sets a password once.
CREATE TABLE password_codes (
    code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL UNIQUE REFERENCES users,
    made_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

-- A right password whose second factor is still missing; it holds for one browser and a few minutes.
CREATE TABLE pending_sign_ins (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE INDEX pending_sign_ins_of_user ON pending_sign_ins (user_id);
CREATE INDEX pending_sign_ins_ended ON pending_sign_ins (expires_at);

-- Secrets are encrypted with the shared key of the services: who reads this table makes no codes.
CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY REFERENCES users,
    org_id uuid NOT NULL REFERENCES orgs,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    enabled_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    org_id uuid NOT NULL REFERENCES orgs,
    user_id uuid NOT NULL REFERENCES users,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

ALTER TABLE password_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE pending_sign_ins ENABLE ROW LEVEL SECURITY;
ALTER TABLE pending_sign_ins FORCE ROW LEVEL SECURITY;
ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
ALTER TABLE second_factors FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY;

-- A pending sign-in is presented before its org is known, and both kinds of what has ended are swept up for all orgs.
CREATE POLICY tenant ON password_codes USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON pending_sign_ins USING (org_id = current_org() OR is_worker());
CREATE POLICY tenant ON second_factors USING (org_id = current_org());
CREATE POLICY tenant ON recovery_codes USING (org_id = current_org());
