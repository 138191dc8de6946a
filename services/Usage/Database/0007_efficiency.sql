-- What an ended run made use of, as its steps tell it; null is unknown. Nothing is charged by it.
ALTER TABLE runs ADD COLUMN cpu_used_ms bigint CHECK (cpu_used_ms >= 0), ADD COLUMN memory_used_bytes bigint CHECK (memory_used_bytes > 0);
