-- One row a run. `input` and `output` are JSON; of files only name and size are kept.
CREATE TABLE service_runs (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    service TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    status TEXT NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    hold_id TEXT,
    input TEXT NOT NULL,
    output TEXT,
    error TEXT,
    started_at BIGINT NOT NULL,
    ends_by BIGINT NOT NULL,
    finished_at BIGINT,
    UNIQUE (user_id, idempotency_key)
);

CREATE INDEX service_runs_by_user ON service_runs (user_id, id);
CREATE INDEX service_runs_running ON service_runs (ends_by) WHERE status = 'running';
