-- Rates of a tier from an instant on. Published once and never changed: receipts and priced runs refer to them.
CREATE TABLE tariffs (
    org_id uuid NOT NULL,
    tier text NOT NULL CHECK (tier ~ '^[a-z][a-z0-9-]{0,31}$'),
    version integer NOT NULL CHECK (version >= 1),
    effective_from timestamptz NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cpu_core_hour numeric(13, 6) NOT NULL CHECK (cpu_core_hour BETWEEN 0 AND 1000000),
    gpu_hour numeric(13, 6) NOT NULL CHECK (gpu_hour BETWEEN 0 AND 1000000),
    memory_gib_hour numeric(13, 6) NOT NULL CHECK (memory_gib_hour BETWEEN 0 AND 1000000),
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, tier, version)
);

-- Users whose price tier is not the default one.
CREATE TABLE user_tiers (
    org_id uuid NOT NULL,
    username text NOT NULL,
    tier text NOT NULL,
    assigned_by text NOT NULL,
    assigned_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, username)
);

-- Every run that the usage service has told of, with its price. A billed run is frozen.
CREATE TABLE runs (
    org_id uuid NOT NULL,
    job_key text COLLATE "C" NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    import_id uuid NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    raw_job_id bigint NOT NULL,
    username text NOT NULL,
    account text NOT NULL,
    partition text NOT NULL,
    qos text NOT NULL,
    state text NOT NULL,
    submitted_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    charged_seconds bigint NOT NULL CHECK (charged_seconds >= 0),
    cpus bigint NOT NULL CHECK (cpus >= 0),
    gpus bigint NOT NULL CHECK (gpus >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    nodes bigint NOT NULL CHECK (nodes >= 0),
    rating text NOT NULL CHECK (rating IN ('unfinished', 'exempt', 'unpriced', 'priced')),
    reason text,
    tier text NOT NULL,
    tariff_version integer,
    currency text,
    cpu_minor bigint CHECK (cpu_minor >= 0),
    gpu_minor bigint CHECK (gpu_minor >= 0),
    memory_minor bigint CHECK (memory_minor >= 0),
    amount_minor bigint,
    receipt_id uuid,
    received_at timestamptz NOT NULL,
    -- Where a run stands in lists and periods: its end, or the best that is known while it has none.
    listed_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(ended_at, started_at, submitted_at)) STORED,
    PRIMARY KEY (org_id, job_key),
    CONSTRAINT unfinished_has_no_end CHECK ((rating = 'unfinished') = (ended_at IS NULL)),
    CONSTRAINT reason_of_no_price CHECK ((reason IS NOT NULL) = (rating IN ('exempt', 'unpriced'))),
    CONSTRAINT price_is_whole CHECK (
        CASE WHEN rating = 'priced'
            THEN num_nonnulls(tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor) = 6
            ELSE num_nulls(tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor) = 6 END),
    CONSTRAINT amount_is_the_sum_of_its_lines CHECK (amount_minor = cpu_minor + gpu_minor + memory_minor),
    CONSTRAINT only_priced_runs_are_billed CHECK (receipt_id IS NULL OR rating = 'priced')
);
CREATE INDEX runs_of_user ON runs (org_id, username, listed_at, job_key);
CREATE INDEX runs_of_org ON runs (org_id, listed_at, job_key);
CREATE INDEX runs_due ON runs (org_id, username, ended_at) WHERE receipt_id IS NULL AND rating = 'priced';

-- Newer facts of a run that was billed already. The receipt stands; a later adjustment settles the difference.
CREATE TABLE superseded_runs (
    org_id uuid NOT NULL,
    job_key text COLLATE "C" NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    receipt_id uuid NOT NULL,
    state text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    charged_seconds bigint NOT NULL,
    cpus bigint NOT NULL,
    gpus bigint NOT NULL,
    memory_mib bigint NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, job_key)
);

-- Which batches of an import have arrived, and how many runs each added to it; a batch that comes again adds nothing.
CREATE TABLE import_batches (
    org_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    import_id uuid NOT NULL,
    runs integer NOT NULL CHECK (runs >= 0),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, batch_id)
);
CREATE INDEX import_batches_of_import ON import_batches (org_id, import_id) INCLUDE (runs);

-- Receipt numbers count without a gap within an org and a year of the site: the row is locked until the receipt commits.
CREATE TABLE receipt_counters (
    org_id uuid NOT NULL,
    year integer NOT NULL,
    last bigint NOT NULL CHECK (last >= 1),
    PRIMARY KEY (org_id, year)
);

CREATE TABLE receipts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    number text NOT NULL,
    username text NOT NULL,
    status text NOT NULL CHECK (status IN ('issued', 'paid', 'void')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    runs integer NOT NULL CHECK (runs > 0),
    cpu_core_seconds numeric NOT NULL CHECK (cpu_core_seconds >= 0),
    gpu_seconds numeric NOT NULL CHECK (gpu_seconds >= 0),
    memory_mib_seconds numeric NOT NULL CHECK (memory_mib_seconds >= 0),
    first_ended_at timestamptz NOT NULL,
    last_ended_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    rates jsonb NOT NULL CHECK (jsonb_typeof(rates) = 'array' AND jsonb_array_length(rates) > 0),
    receipt_run_id uuid,
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    settled_at timestamptz,
    provider text,
    payment_id uuid,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, id, currency),
    UNIQUE (org_id, number),
    CONSTRAINT runs_ended_before_until CHECK (last_ended_at < until),
    CONSTRAINT paid_says_when_and_how CHECK ((status = 'paid') = (settled_at IS NOT NULL AND provider IS NOT NULL)),
    CONSTRAINT only_nothing_is_paid_without_payment CHECK (status <> 'paid' OR payment_id IS NOT NULL OR total_minor = 0)
);
CREATE INDEX receipts_of_user ON receipts (org_id, username, id);

-- One line per run: what it held, at which tariff, what it cost. A run is on one receipt only, ever.
CREATE TABLE receipt_items (
    org_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    line integer NOT NULL CHECK (line >= 1),
    job_key text COLLATE "C" NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    account text NOT NULL,
    partition text NOT NULL,
    qos text NOT NULL,
    state text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    charged_seconds bigint NOT NULL CHECK (charged_seconds > 0),
    cpus bigint NOT NULL CHECK (cpus >= 0),
    gpus bigint NOT NULL CHECK (gpus >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    tier text NOT NULL,
    tariff_version integer NOT NULL,
    currency text NOT NULL,
    cpu_minor bigint NOT NULL CHECK (cpu_minor >= 0),
    gpu_minor bigint NOT NULL CHECK (gpu_minor >= 0),
    memory_minor bigint NOT NULL CHECK (memory_minor >= 0),
    amount_minor bigint NOT NULL,
    PRIMARY KEY (org_id, receipt_id, line),
    CONSTRAINT a_run_is_billed_once UNIQUE (org_id, job_key),
    CONSTRAINT amount_is_the_sum_of_its_lines CHECK (amount_minor = cpu_minor + gpu_minor + memory_minor),
    -- The currency is in the key: a receipt cannot hold two. Deferred, since lines are written before the receipt takes its number.
    CONSTRAINT item_of_receipt FOREIGN KEY (org_id, receipt_id, currency) REFERENCES receipts (org_id, id, currency)
        DEFERRABLE INITIALLY DEFERRED
);

-- A status moves along its machine even if a statement somewhere forgets to ask.
CREATE FUNCTION refuse_illegal_receipt_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IS DISTINCT FROM NEW.status AND OLD.status <> 'issued' THEN
        RAISE EXCEPTION 'receipt % is % and cannot become %', OLD.number, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_status_moves_forward BEFORE UPDATE ON receipts FOR EACH ROW EXECUTE FUNCTION refuse_illegal_receipt_status();

-- The job of issuing everybody's receipts.
CREATE TABLE receipt_runs (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    idempotency_key text,
    request_hash text NOT NULL,
    until timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
    requested_by text NOT NULL,
    ip_address text,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    not_before timestamptz NOT NULL,
    lease_id uuid,
    lease_until timestamptz,
    users_listed boolean NOT NULL DEFAULT false,
    users integer NOT NULL DEFAULT 0 CHECK (users >= 0),
    users_done integer NOT NULL DEFAULT 0,
    receipts integer NOT NULL DEFAULT 0,
    runs bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL DEFAULT 0 CHECK (total_minor >= 0),
    currency text,
    error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, idempotency_key),
    CHECK (users_done BETWEEN 0 AND users),
    CHECK (receipts BETWEEN 0 AND users_done),
    CHECK ((finished_at IS NOT NULL) = (status IN ('succeeded', 'failed'))),
    CHECK ((lease_id IS NOT NULL) = (status = 'running'))
);
CREATE INDEX receipt_runs_open ON receipt_runs (not_before) WHERE status IN ('queued', 'running');

-- Whom a receipt run serves, and how far it is: a user is done in the transaction of his receipt.
CREATE TABLE receipt_run_users (
    org_id uuid NOT NULL,
    receipt_run_id uuid NOT NULL,
    username text NOT NULL,
    receipt_id uuid,
    done_at timestamptz,
    PRIMARY KEY (org_id, receipt_run_id, username),
    FOREIGN KEY (org_id, receipt_run_id) REFERENCES receipt_runs (org_id, id)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tariffs', 'user_tiers', 'runs', 'superseded_runs', 'import_batches', 'receipt_counters', 'receipts',
        'receipt_items', 'receipt_run_users'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (org_id = current_org())', name);
    END LOOP;
END $$;
ALTER TABLE receipt_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipt_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON receipt_runs USING (org_id = current_org() OR is_worker());

-- What was published, billed or issued is not rewritten by the service; of a receipt only its settlement changes.
REVOKE UPDATE, DELETE ON tariffs, receipt_items, receipts FROM rating_app;
GRANT UPDATE (status, settled_at, provider, payment_id) ON receipts TO rating_app;
REVOKE DELETE ON runs, user_tiers, superseded_runs, import_batches, receipt_counters, receipt_runs, receipt_run_users FROM rating_app;
