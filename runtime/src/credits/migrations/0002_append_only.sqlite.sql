CREATE TRIGGER credit_entries_no_update BEFORE UPDATE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'rows of credit_entries are never changed'); END;

CREATE TRIGGER credit_entries_no_delete BEFORE DELETE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'rows of credit_entries are never changed'); END;

CREATE TRIGGER credit_allocations_no_update BEFORE UPDATE ON credit_allocations
BEGIN SELECT RAISE(ABORT, 'rows of credit_allocations are never changed'); END;

CREATE TRIGGER credit_allocations_no_delete BEFORE DELETE ON credit_allocations
BEGIN SELECT RAISE(ABORT, 'rows of credit_allocations are never changed'); END;

CREATE TRIGGER credit_prices_no_update BEFORE UPDATE ON credit_prices
BEGIN SELECT RAISE(ABORT, 'rows of credit_prices are never changed'); END;

CREATE TRIGGER credit_prices_no_delete BEFORE DELETE ON credit_prices
BEGIN SELECT RAISE(ABORT, 'rows of credit_prices are never changed'); END;

-- Nobody takes an account, a lot or a hold away either: the journal speaks of them.
CREATE TRIGGER credit_accounts_no_delete BEFORE DELETE ON credit_accounts
BEGIN SELECT RAISE(ABORT, 'rows of credit_accounts are never changed'); END;
CREATE TRIGGER credit_lots_no_delete BEFORE DELETE ON credit_lots
BEGIN SELECT RAISE(ABORT, 'rows of credit_lots are never changed'); END;
CREATE TRIGGER credit_holds_no_delete BEFORE DELETE ON credit_holds
BEGIN SELECT RAISE(ABORT, 'rows of credit_holds are never changed'); END;

-- `INSERT OR REPLACE` deletes without a word to the triggers above.
CREATE TRIGGER credit_entries_no_replace BEFORE INSERT ON credit_entries
WHEN EXISTS (SELECT 1 FROM credit_entries WHERE account_id = NEW.account_id AND seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM credit_entries
        WHERE account_id = NEW.account_id AND idempotency_key = NEW.idempotency_key)
BEGIN SELECT RAISE(ABORT, 'rows of credit_entries are never changed'); END;

CREATE TRIGGER credit_allocations_no_replace BEFORE INSERT ON credit_allocations
WHEN EXISTS (SELECT 1 FROM credit_allocations
    WHERE account_id = NEW.account_id AND seq = NEW.seq AND (lot_id = NEW.lot_id OR position = NEW.position))
BEGIN SELECT RAISE(ABORT, 'rows of credit_allocations are never changed'); END;

CREATE TRIGGER credit_prices_no_replace BEFORE INSERT ON credit_prices
WHEN EXISTS (SELECT 1 FROM credit_prices WHERE item = NEW.item AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'rows of credit_prices are never changed'); END;
