ALTER TABLE users ADD COLUMN email_verified_at BIGINT;

-- Links that were mailed. Each works once: using it deletes it.
CREATE TABLE mailed_tokens (
    digest TEXT PRIMARY KEY,
    -- verify_email, reset_password
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Where it was mailed to.
    email TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX mailed_tokens_by_user ON mailed_tokens (user_id, purpose);
CREATE INDEX mailed_tokens_by_end ON mailed_tokens (expires_at);
