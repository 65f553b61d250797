-- When the result of a run in the background was removed, and what it had said; the run stays.
ALTER TABLE service_runs ADD COLUMN forgotten_at BIGINT;

CREATE INDEX service_runs_kept ON service_runs (finished_at) WHERE attempt > 0 AND forgotten_at IS NULL;
