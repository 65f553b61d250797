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

CREATE FUNCTION audit_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only';
END
$$;

CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_are_append_only();
