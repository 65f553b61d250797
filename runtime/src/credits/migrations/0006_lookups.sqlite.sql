-- Few entries are anything but spends, and these are looked for among very many.
CREATE INDEX credit_entries_seldom ON credit_entries (account_id, kind, seq) WHERE kind <> 'spend';
