-- When the person behind an account is to be forgotten, unless he signs in before; and when that was done.
ALTER TABLE users ADD COLUMN removal_due_at BIGINT;
ALTER TABLE users ADD COLUMN removed_at BIGINT;

CREATE INDEX users_by_removal ON users (removal_due_at) WHERE removal_due_at IS NOT NULL;
