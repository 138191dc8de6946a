-- Whose row an id names, for a transaction that asks that alone: another org's import is refused, not "not found".
CREATE POLICY whose ON import_jobs FOR SELECT USING (current_org() IS NULL AND id = asked_id());
