CREATE FUNCTION credit_journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal of credits is never changed';
END;
$$;

CREATE TRIGGER credit_entries_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION credit_journal_is_append_only();

CREATE TRIGGER credit_allocations_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION credit_journal_is_append_only();
