-- The request that announced the import: the worker's trace, and that of the messages it leaves behind, go on from it.
ALTER TABLE import_jobs ADD COLUMN trace_parent text;
