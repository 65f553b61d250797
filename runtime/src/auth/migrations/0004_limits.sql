CREATE TABLE auth_limits (
    -- What is counted, and for whom.
    name TEXT PRIMARY KEY,
    -- When as many as allowed may be done at once again: the later, the more has been done.
    free_at BIGINT NOT NULL
);

CREATE INDEX auth_limits_by_time ON auth_limits (free_at);
