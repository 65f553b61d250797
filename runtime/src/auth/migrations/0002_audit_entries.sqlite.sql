CREATE TABLE audit_entries (
    id TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    -- NULL: the command line. No foreign keys: an entry outlives whom and what it names.
    actor_id TEXT,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    details TEXT NOT NULL
);

CREATE INDEX audit_entries_by_target ON audit_entries (target_kind, target_id, created_at);

CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;

CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;
