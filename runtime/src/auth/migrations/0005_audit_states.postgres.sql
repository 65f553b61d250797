-- What was so before an act, and after it, as JSON; NULL where nothing changed its state.
ALTER TABLE audit_entries ADD COLUMN before_state TEXT;
ALTER TABLE audit_entries ADD COLUMN after_state TEXT;

CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id, id);
