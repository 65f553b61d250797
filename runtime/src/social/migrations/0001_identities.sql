-- Who somebody is at a provider, and here.
CREATE TABLE social_identities (
    issuer TEXT NOT NULL,
    -- Never changes and is never given to somebody else, as addresses are.
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What people recognise it by.
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX social_identities_by_user ON social_identities (user_id);
