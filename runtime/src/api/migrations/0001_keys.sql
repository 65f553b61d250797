-- Keys with which programs call the API. Of the key itself only a digest is stored.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The eight characters by which a key is found and known to its owner.
    handle TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Names of scopes, with blanks between them.
    scopes TEXT NOT NULL,
    -- The filling-in of the form that made it: sent again, it makes no second key.
    form_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT,
    -- The key that takes its place.
    replaced_by TEXT,
    UNIQUE (user_id, form_key)
);

-- Requests that carry an Idempotency-Key, with their answers once there are any.
CREATE TABLE api_requests (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- Who answers it. A process that has died loses it to the next one that asks, once its time is up.
    attempt TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    status BIGINT,
    body TEXT,
    -- When it is forgotten.
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, idempotency_key)
);

CREATE INDEX api_requests_by_end ON api_requests (expires_at);
