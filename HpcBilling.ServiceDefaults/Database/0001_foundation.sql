-- Tenant of the current transaction; null outside one, so that a forgotten setting shows no row at all.
CREATE FUNCTION current_org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.org_id', true), '')::uuid;

-- Background workers (outbox relay, job queues) serve every org and say so.
CREATE FUNCTION is_worker() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('app.scope', true) IS NOT DISTINCT FROM 'worker';

-- Messages that the business transaction wants said; the relay says them after the commit.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL UNIQUE,
    org_id uuid NOT NULL,
    kind text NOT NULL,
    body jsonb,
    reference text,
    trace_parent text,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    retry_at timestamptz,
    CHECK ((body IS NULL) <> (reference IS NULL))
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox USING (org_id = current_org() OR is_worker());

-- Messages that were consumed; claimed in the transaction of their effect.
CREATE TABLE inbox (
    message_id uuid NOT NULL,
    consumer text NOT NULL,
    org_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (message_id, consumer)
);
CREATE INDEX inbox_received ON inbox (received_at);
ALTER TABLE inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON inbox USING (org_id = current_org() OR is_worker());
