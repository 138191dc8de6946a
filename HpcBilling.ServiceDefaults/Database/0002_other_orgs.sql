-- One id that a transaction names, to learn whose row it is and nothing else; null outside such a transaction.
CREATE FUNCTION asked_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.asked_id', true), '')::uuid;
