-- Whose row an id names, for a transaction that asks that alone: another org's receipt is refused, not "not found".
CREATE INDEX payables_by_receipt ON payables (receipt_id);
CREATE INDEX payments_by_id ON payments (id);
CREATE POLICY whose ON payables FOR SELECT USING (current_org() IS NULL AND receipt_id = asked_id());
CREATE POLICY whose ON payments FOR SELECT USING (current_org() IS NULL AND id = asked_id());
