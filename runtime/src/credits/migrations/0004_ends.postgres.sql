-- Lots that were ended before their time: what they said before, and since when they have run out. `hash` covers the row and
-- the hash of the entry `seq`, which was the account's last.
CREATE TABLE credit_lot_ends (
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    lot_id TEXT NOT NULL REFERENCES credit_lots (id),
    seq BIGINT NOT NULL,
    was BIGINT,
    ended_at BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (account_id, lot_id)
);

CREATE TRIGGER credit_lot_ends_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_lot_ends
    FOR EACH STATEMENT EXECUTE FUNCTION credit_rows_are_kept();
