CREATE FUNCTION credit_rows_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END;
$$;

CREATE TRIGGER credit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();

CREATE TRIGGER credit_allocations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();

CREATE TRIGGER credit_prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_prices
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();

-- Nobody takes an account, a lot or a hold away either: the journal speaks of them.
CREATE TRIGGER credit_accounts_kept BEFORE DELETE OR TRUNCATE ON credit_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();
CREATE TRIGGER credit_lots_kept BEFORE DELETE OR TRUNCATE ON credit_lots
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();
CREATE TRIGGER credit_holds_kept BEFORE DELETE OR TRUNCATE ON credit_holds
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();
