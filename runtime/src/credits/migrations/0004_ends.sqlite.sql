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

CREATE TRIGGER credit_lot_ends_no_update BEFORE UPDATE ON credit_lot_ends
BEGIN SELECT RAISE(ABORT, 'rows of credit_lot_ends are never changed'); END;

CREATE TRIGGER credit_lot_ends_no_delete BEFORE DELETE ON credit_lot_ends
BEGIN SELECT RAISE(ABORT, 'rows of credit_lot_ends are never changed'); END;

CREATE TRIGGER credit_lot_ends_no_replace BEFORE INSERT ON credit_lot_ends
WHEN EXISTS (SELECT 1 FROM credit_lot_ends WHERE account_id = NEW.account_id AND lot_id = NEW.lot_id)
BEGIN SELECT RAISE(ABORT, 'rows of credit_lot_ends are never changed'); END;
