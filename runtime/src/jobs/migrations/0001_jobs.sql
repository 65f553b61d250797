CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- NULL: as often as it is enqueued.
    unique_key TEXT,
    -- Empty once the job is done.
    payload TEXT NOT NULL,
    -- open, done (kept for its key), dead
    state TEXT NOT NULL,
    -- When it is tried next; while a worker has it, when that worker's lease ends.
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- The worker that has it.
    worker TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    last_error TEXT NOT NULL
);

CREATE UNIQUE INDEX jobs_by_key ON jobs (name, unique_key);
CREATE INDEX jobs_open ON jobs (due_at) WHERE state = 'open';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';

CREATE TABLE job_schedules (
    name TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);
