-- The picture that somebody shows of himself, as it was written here.
CREATE TABLE pictures (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Of the bytes; stands in the picture's address.
    digest TEXT NOT NULL,
    jpeg BLOB NOT NULL,
    changed_at BIGINT NOT NULL
);
