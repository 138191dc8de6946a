-- The other side of the development provider: what a real one keeps in its own database. Empty in production.
CREATE TABLE dummy_checkouts (
    org_id uuid NOT NULL,
    session text PRIMARY KEY,
    payment_id uuid NOT NULL UNIQUE,
    description text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    return_path text NOT NULL CHECK (return_path LIKE '/%'),
    -- The decision and its event, which is sent until the platform has taken it.
    event_id text UNIQUE,
    event_type text CHECK (event_type IN ('payment.succeeded', 'payment.failed')),
    decided_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    CHECK ((event_id IS NULL) = (event_type IS NULL) AND (event_id IS NULL) = (decided_at IS NULL))
);
CREATE INDEX dummy_checkouts_due ON dummy_checkouts (next_attempt_at) WHERE delivered_at IS NULL AND event_id IS NOT NULL;
ALTER TABLE dummy_checkouts ENABLE ROW LEVEL SECURITY;
ALTER TABLE dummy_checkouts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON dummy_checkouts USING (org_id = current_org() OR is_worker());
