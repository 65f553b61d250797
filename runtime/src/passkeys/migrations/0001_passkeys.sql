-- Public keys whose other half stays on its owner's device.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What the device calls it, as base64url.
    credential_id TEXT NOT NULL UNIQUE,
    -- What its owner calls it.
    name TEXT NOT NULL,
    -- The key, how often it was used by the device's count, and what else signatures are checked against, as JSON.
    credential TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- What devices are to sign. Answering one deletes it, whether the answer is right or not.
CREATE TABLE passkey_questions (
    digest TEXT PRIMARY KEY,
    -- What the answer is for.
    purpose TEXT NOT NULL,
    -- Whom alone it was put to; none at sign-in, where the answer says who it is.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX passkey_questions_by_user ON passkey_questions (user_id);
CREATE INDEX passkey_questions_by_end ON passkey_questions (expires_at);
