-- What an ended run made use of, as the usage service learnt it; null is unknown. No price depends on it, and it may come after the run is billed.
ALTER TABLE runs ADD COLUMN cpu_used_ms bigint CHECK (cpu_used_ms >= 0), ADD COLUMN memory_used_bytes bigint CHECK (memory_used_bytes > 0);
