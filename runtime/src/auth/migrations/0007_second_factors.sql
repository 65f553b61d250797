CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Encrypted with a key of the application's.
    secret TEXT NOT NULL,
    -- The last time step whose code was used: it and those before it count no more.
    used_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Each works once: using it deletes it.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    PRIMARY KEY (user_id, digest)
);

-- Whoever gave the right password, and has still to give a code.
CREATE TABLE sign_in_challenges (
    digest TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tries BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sign_in_challenges_by_user ON sign_in_challenges (user_id);
CREATE INDEX sign_in_challenges_by_end ON sign_in_challenges (expires_at);
