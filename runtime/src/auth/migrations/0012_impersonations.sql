-- The staff acting as users: in which session, for how long. Rows stay.
CREATE TABLE impersonations (
    id TEXT PRIMARY KEY,
    staff_id TEXT NOT NULL REFERENCES users (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    -- No foreign key: it outlives the session.
    session_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ends_by BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE UNIQUE INDEX impersonations_open ON impersonations (session_id) WHERE ended_at IS NULL;
CREATE INDEX impersonations_by_end ON impersonations (ends_by) WHERE ended_at IS NULL;
