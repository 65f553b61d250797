-- Few entries are anything but spends, and these are looked for among very many.
CREATE INDEX credit_entries_seldom ON credit_entries (account_id, kind, seq) WHERE kind <> 'spend';

-- Most accounts have one entry, some have a million. Where the statistics of the accounts say that one has a single entry, every
-- index that begins with the account is as good as the one for the entry's number, and PostgreSQL may take another and
-- read all that the account has. Without these statistics it expects many of each account. Those that are there go with a
-- change of the type, even to the same.
ALTER TABLE credit_entries ALTER COLUMN account_id TYPE TEXT;
ALTER TABLE credit_entries ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE credit_holds ALTER COLUMN account_id TYPE TEXT;
ALTER TABLE credit_holds ALTER COLUMN account_id SET STATISTICS 0;
