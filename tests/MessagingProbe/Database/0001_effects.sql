-- `settled` is the business key: once, however often its message comes. `deliveries` counts the effects that were committed.
CREATE TABLE effects (
    org_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    settled bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, receipt_id)
);
ALTER TABLE effects ENABLE ROW LEVEL SECURITY;
ALTER TABLE effects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON effects USING (org_id = current_org());
