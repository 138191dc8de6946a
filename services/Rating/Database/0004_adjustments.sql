-- Newer facts of a billed run are taken up by the next receipt of who was billed; until then they are pending.
ALTER TABLE superseded_runs
    -- Who was billed, for finding his; the other facts are what is told now, and null in rows of an older version.
    ADD COLUMN billed_to text,
    ADD COLUMN username text,
    ADD COLUMN account text,
    ADD COLUMN partition text,
    ADD COLUMN qos text,
    ADD COLUMN submitted_at timestamptz,
    ADD COLUMN nodes bigint CHECK (nodes >= 0),
    ADD COLUMN adjusted_at timestamptz,
    -- Why the last receipt left them aside.
    ADD COLUMN waits_for text,
    ADD CONSTRAINT what_waits_is_pending CHECK (adjusted_at IS NULL OR waits_for IS NULL);

ALTER TABLE superseded_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE runs NO FORCE ROW LEVEL SECURITY;
UPDATE superseded_runs SET billed_to = runs.username FROM runs WHERE runs.org_id = superseded_runs.org_id AND runs.job_key = superseded_runs.job_key;
ALTER TABLE superseded_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE runs FORCE ROW LEVEL SECURITY;
ALTER TABLE superseded_runs ALTER COLUMN billed_to SET NOT NULL;
CREATE INDEX superseded_runs_pending ON superseded_runs (org_id, billed_to) WHERE adjusted_at IS NULL;

-- The gauge counts what is pending in every org.
DROP POLICY tenant ON superseded_runs;
CREATE POLICY tenant ON superseded_runs USING (org_id = current_org() OR is_worker());

-- A billed run shows the facts that were adjusted last, and these may make it free.
ALTER TABLE runs
    DROP CONSTRAINT only_priced_runs_are_billed,
    ADD CONSTRAINT billed_runs_have_a_price_or_are_free CHECK (receipt_id IS NULL OR rating IN ('priced', 'exempt'));

-- A receipt may hold adjustments besides runs, or nothing else; below zero it is a credit note, which is paid back and never paid.
ALTER TABLE receipts
    DROP CONSTRAINT receipts_status_check,
    DROP CONSTRAINT receipts_total_minor_check,
    DROP CONSTRAINT receipts_runs_check,
    DROP CONSTRAINT paid_says_when_and_how,
    ALTER COLUMN first_ended_at DROP NOT NULL,
    ALTER COLUMN last_ended_at DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'receipt' CHECK (kind IN ('receipt', 'credit_note')),
    ADD COLUMN adjustments integer NOT NULL DEFAULT 0 CHECK (adjustments >= 0),
    ADD COLUMN refunded_by text,
    ADD COLUMN refund_note text CHECK (length(refund_note) BETWEEN 1 AND 500),
    ADD CONSTRAINT below_zero_is_a_credit_note CHECK ((kind = 'credit_note') = (total_minor < 0)),
    ADD CONSTRAINT has_lines CHECK (runs >= 0 AND runs + adjustments > 0),
    ADD CONSTRAINT runs_say_when_they_ended CHECK ((runs > 0) = (first_ended_at IS NOT NULL) AND (runs > 0) = (last_ended_at IS NOT NULL)),
    ADD CONSTRAINT status_is_of_its_kind CHECK (
        CASE kind WHEN 'receipt' THEN status IN ('issued', 'paid', 'void') ELSE status IN ('issued', 'refunded') END),
    ADD CONSTRAINT settled_says_when_and_how CHECK ((status IN ('paid', 'refunded')) = (settled_at IS NOT NULL AND provider IS NOT NULL)),
    ADD CONSTRAINT refunded_says_by_whom_and_how CHECK (
        CASE status WHEN 'refunded' THEN num_nonnulls(refunded_by, refund_note) = 2 ELSE num_nonnulls(refunded_by, refund_note) = 0 END);

-- Credit notes have numbers of their own, without a gap as well.
CREATE TABLE credit_note_counters (
    org_id uuid NOT NULL,
    year integer NOT NULL,
    last bigint NOT NULL CHECK (last >= 1),
    PRIMARY KEY (org_id, year)
);

-- What later facts of a billed run change in what is owed: what its lines so far say together, what it costs now. The first line stays as it is.
CREATE TABLE receipt_adjustments (
    org_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    line integer NOT NULL CHECK (line >= 1),
    job_key text COLLATE "C" NOT NULL,
    revision integer NOT NULL CHECK (revision >= 2),
    corrects uuid NOT NULL,
    changed text[] NOT NULL,
    reason text,
    cluster text NOT NULL,
    job_id text NOT NULL,
    account text NOT NULL,
    partition text NOT NULL,
    qos text NOT NULL,
    state text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz NOT NULL,
    charged_seconds bigint NOT NULL CHECK (charged_seconds >= 0),
    cpus bigint NOT NULL CHECK (cpus >= 0),
    gpus bigint NOT NULL CHECK (gpus >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    before_ended_at timestamptz NOT NULL,
    before_charged_seconds bigint NOT NULL CHECK (before_charged_seconds >= 0),
    before_cpus bigint NOT NULL CHECK (before_cpus >= 0),
    before_gpus bigint NOT NULL CHECK (before_gpus >= 0),
    before_memory_mib bigint NOT NULL CHECK (before_memory_mib >= 0),
    tier text NOT NULL,
    tariff_version integer,
    before_tariff_version integer,
    currency text NOT NULL,
    cpu_minor bigint NOT NULL CHECK (cpu_minor >= 0),
    gpu_minor bigint NOT NULL CHECK (gpu_minor >= 0),
    memory_minor bigint NOT NULL CHECK (memory_minor >= 0),
    before_cpu_minor bigint NOT NULL CHECK (before_cpu_minor >= 0),
    before_gpu_minor bigint NOT NULL CHECK (before_gpu_minor >= 0),
    before_memory_minor bigint NOT NULL CHECK (before_memory_minor >= 0),
    amount_minor bigint NOT NULL GENERATED ALWAYS AS (cpu_minor + gpu_minor + memory_minor) STORED,
    before_minor bigint NOT NULL GENERATED ALWAYS AS (before_cpu_minor + before_gpu_minor + before_memory_minor) STORED,
    difference_minor bigint NOT NULL GENERATED ALWAYS AS (
        cpu_minor + gpu_minor + memory_minor - (before_cpu_minor + before_gpu_minor + before_memory_minor)) STORED,
    PRIMARY KEY (org_id, receipt_id, line),
    CONSTRAINT facts_are_adjusted_once UNIQUE (org_id, job_key, revision),
    CONSTRAINT something_differs CHECK ((cpu_minor, gpu_minor, memory_minor) <> (before_cpu_minor, before_gpu_minor, before_memory_minor)),
    CONSTRAINT free_has_a_reason CHECK ((reason IS NOT NULL) = (tariff_version IS NULL)),
    CONSTRAINT free_costs_nothing CHECK (reason IS NULL OR cpu_minor + gpu_minor + memory_minor = 0),
    CONSTRAINT adjustment_of_billed_run FOREIGN KEY (org_id, job_key) REFERENCES receipt_items (org_id, job_key),
    CONSTRAINT adjustment_corrects_receipt FOREIGN KEY (org_id, corrects) REFERENCES receipts (org_id, id),
    CONSTRAINT adjustment_of_receipt FOREIGN KEY (org_id, receipt_id, currency) REFERENCES receipts (org_id, id, currency)
        DEFERRABLE INITIALLY DEFERRED
);

-- Corrections may take back more than the rest of a receipt run bills.
ALTER TABLE receipt_runs
    DROP CONSTRAINT receipt_runs_total_minor_check,
    ADD COLUMN adjustments bigint NOT NULL DEFAULT 0 CHECK (adjustments >= 0),
    ADD COLUMN credit_notes integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT credit_notes_are_receipts CHECK (credit_notes BETWEEN 0 AND receipts);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['credit_note_counters', 'receipt_adjustments'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (org_id = current_org())', name);
    END LOOP;
END $$;
REVOKE UPDATE, DELETE ON receipt_adjustments FROM rating_app;
REVOKE DELETE ON credit_note_counters FROM rating_app;
GRANT UPDATE (refunded_by, refund_note) ON receipts TO rating_app;
