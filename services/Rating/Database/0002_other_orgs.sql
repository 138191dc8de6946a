-- Whose row an id names, for a transaction that asks that alone: another org's receipt is refused, not "not found".
CREATE INDEX receipts_by_id ON receipts (id);
CREATE INDEX receipt_runs_by_id ON receipt_runs (id);
CREATE INDEX import_batches_by_import ON import_batches (import_id);
CREATE POLICY whose ON receipts FOR SELECT USING (current_org() IS NULL AND id = asked_id());
CREATE POLICY whose ON receipt_runs FOR SELECT USING (current_org() IS NULL AND id = asked_id());
CREATE POLICY whose ON import_batches FOR SELECT USING (current_org() IS NULL AND import_id = asked_id());
