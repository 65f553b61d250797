-- What was so before an act, and after it, as JSON; NULL where nothing changed its state.
ALTER TABLE audit_entries ADD COLUMN before_state TEXT;
ALTER TABLE audit_entries ADD COLUMN after_state TEXT;

CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id, id);

-- REPLACE deletes what was there without asking the trigger that forbids it.
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;
