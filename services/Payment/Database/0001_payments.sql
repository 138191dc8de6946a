-- What receipts still owe: opened by ReceiptIssued, settled once.
CREATE TABLE payables (
    org_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    number text NOT NULL,
    username text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'settled')),
    opened_at timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by uuid,
    PRIMARY KEY (org_id, receipt_id),
    CHECK ((status = 'settled') = (settled_at IS NOT NULL AND settled_by IS NOT NULL))
);
ALTER TABLE payables ENABLE ROW LEVEL SECURITY;
ALTER TABLE payables FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON payables USING (org_id = current_org());

-- Attempts to pay. A duplicate is money that came for a settled payable and has to be given back.
CREATE TABLE payments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_]{0,31}$'),
    session text CHECK (length(session) BETWEEN 1 AND 200),
    checkout_url text,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL CHECK (status IN ('pending', 'failed', 'succeeded', 'duplicate')),
    started_by text NOT NULL,
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, receipt_id) REFERENCES payables (org_id, receipt_id),
    UNIQUE (provider, session),
    CHECK ((status = 'pending') = (finished_at IS NULL)),
    CHECK ((provider = 'manual') = (reason IS NOT NULL))
);
-- One open checkout and one settling payment for each receipt, whatever the code does.
CREATE UNIQUE INDEX payments_one_pending ON payments (org_id, receipt_id) WHERE status = 'pending';
CREATE UNIQUE INDEX payments_one_succeeded ON payments (org_id, receipt_id) WHERE status = 'succeeded';
CREATE INDEX payments_receipt ON payments (org_id, receipt_id, id);
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments FORCE ROW LEVEL SECURITY;
-- A webhook carries no tenant: its worker finds the payment by session first.
CREATE POLICY tenant ON payments USING (org_id = current_org() OR is_worker());
ALTER TABLE payables ADD FOREIGN KEY (org_id, settled_by) REFERENCES payments (org_id, id);

-- Status moves forward only; the code decides, this refuses what it must never decide.
CREATE FUNCTION payments_move_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'failed'), ('pending', 'succeeded'), ('pending', 'duplicate'), ('failed', 'succeeded'), ('failed', 'duplicate')) THEN
        RAISE EXCEPTION 'a payment does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_move_forward BEFORE UPDATE OF status ON payments FOR EACH ROW EXECUTE FUNCTION payments_move_forward();

CREATE FUNCTION payables_settle_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'settled' THEN
        RAISE EXCEPTION 'payable of receipt % is settled and stays as it is', OLD.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payables_settle_once BEFORE UPDATE OR DELETE ON payables FOR EACH ROW EXECUTE FUNCTION payables_settle_once();

-- Authentic events, each once; the payload keeps only the fields that are acted on.
CREATE TABLE webhook_events (
    org_id uuid NOT NULL,
    provider text NOT NULL,
    external_event_id text NOT NULL CHECK (length(external_event_id) BETWEEN 1 AND 200),
    payment_id uuid,
    verdict text NOT NULL DEFAULT 'received'
        CHECK (verdict IN ('received', 'settled', 'refund_needed', 'failed', 'amount_mismatch', 'no_change', 'unknown_session')),
    payload jsonb NOT NULL,
    body_sha256 text NOT NULL CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
    received_at timestamptz NOT NULL,
    UNIQUE (provider, external_event_id)
);
ALTER TABLE webhook_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_events USING (org_id = current_org() OR is_worker());

-- Calls that were refused, counted by minute and reason: a flood of forgeries is a few rows.
CREATE TABLE webhook_rejections (
    org_id uuid NOT NULL,
    provider text NOT NULL,
    minute timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason IN ('missing', 'malformed', 'stale', 'wrong', 'unreadable')),
    calls bigint NOT NULL DEFAULT 1 CHECK (calls > 0),
    PRIMARY KEY (org_id, provider, minute, reason)
);
ALTER TABLE webhook_rejections ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_rejections FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_rejections USING (org_id = current_org());
