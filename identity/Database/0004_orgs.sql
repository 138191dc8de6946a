-- Further tenants are listed in the configuration and entered at the start; a worker's transaction alone may add one, none is changed or removed.
GRANT INSERT ON orgs TO identity_app;

-- Whose row an id names, for a transaction that asks that alone: another org's is refused, not "not found".
CREATE POLICY whose ON users FOR SELECT USING (current_org() IS NULL AND user_id = asked_id());
CREATE POLICY whose ON access_tokens FOR SELECT USING (current_org() IS NULL AND token_id = asked_id());
