-- Without the number: with it PostgreSQL, where it expects an account to have few entries, may take this index to find one by its
-- number, and read all of the account's. Entries of one instant are sorted by those who ask.
DROP INDEX credit_entries_by_time;
CREATE INDEX credit_entries_by_instant ON credit_entries (account_id, created_at);

-- Few entries are anything but spends, and these are looked for among very many.
CREATE INDEX credit_entries_seldom ON credit_entries (account_id, kind, seq) WHERE kind <> 'spend';
