-- 0: the password was drawn by us and nobody knows it.
ALTER TABLE users ADD COLUMN has_password BIGINT NOT NULL DEFAULT 1;
