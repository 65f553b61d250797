-- Runs that are watched while they are under way, that wait for somebody to work on them, and that can be stopped.
ALTER TABLE service_runs ADD COLUMN attempt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE service_runs ADD COLUMN cancel_asked_at BIGINT;
-- Set once somebody was told of a run that had not ended.
ALTER TABLE service_runs ADD COLUMN told_at BIGINT;

DROP INDEX service_runs_running;
CREATE INDEX service_runs_open ON service_runs (ends_by) WHERE finished_at IS NULL;

-- What a run said while it was under way: how far it was (thousandths, what it did), more of its output, a new start.
CREATE TABLE service_run_events (
    run_id TEXT NOT NULL REFERENCES service_runs (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    permille BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);
