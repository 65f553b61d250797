CREATE TRIGGER credit_entries_no_update BEFORE UPDATE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'the journal of credits is never changed'); END;

CREATE TRIGGER credit_entries_no_delete BEFORE DELETE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'the journal of credits is never changed'); END;

CREATE TRIGGER credit_allocations_no_update BEFORE UPDATE ON credit_allocations
BEGIN SELECT RAISE(ABORT, 'the journal of credits is never changed'); END;

CREATE TRIGGER credit_allocations_no_delete BEFORE DELETE ON credit_allocations
BEGIN SELECT RAISE(ABORT, 'the journal of credits is never changed'); END;
