-- Who asked for a mail to sign in with. Addresses without an account stand here too, so that nobody learns which have one.
CREATE TABLE magic_links (
    -- Of what the browser holds that asked.
    browser_digest TEXT PRIMARY KEY,
    email_key TEXT NOT NULL,
    -- Where to go afterwards.
    next TEXT NOT NULL,
    -- These three are there once the mail is on its way.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    link_digest TEXT UNIQUE,
    code_digest TEXT,
    tries BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX magic_links_by_user ON magic_links (user_id);
CREATE INDEX magic_links_by_end ON magic_links (expires_at);
