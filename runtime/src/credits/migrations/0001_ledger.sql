-- Amounts are thousandths of a credit, instants microseconds since 1970 in UTC.

-- One row an account: it is what a change of its ledger locks. `available` and `held` are kept equal to the sums
-- of its lots; while there is a debt nothing is available. `due_at` is no later than the next instant at which a
-- lot or a hold of it runs out. `full_amount` is what the account came to when credits were last put in, `used` what was
-- ever spent, less what was given back.
CREATE TABLE credit_accounts (
    id TEXT PRIMARY KEY,
    owner_kind TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    available BIGINT NOT NULL CHECK (available >= 0),
    held BIGINT NOT NULL CHECK (held >= 0),
    debt BIGINT NOT NULL CHECK (debt >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    full_amount BIGINT NOT NULL CHECK (full_amount >= 0),
    last_seq BIGINT NOT NULL CHECK (last_seq >= 0),
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (owner_kind, owner_id)
);

-- For the sweeper. 9223372036854775807 stands for never.
CREATE INDEX credit_accounts_due ON credit_accounts (due_at) WHERE due_at < 9223372036854775807;

-- What was put in at once, by the entry `seq`, with what became of it. `source` is what it was put in for, such as
-- a line of an invoice, which can be granted once. `is_live` changes seldom, so that the indexes change seldom.
CREATE TABLE credit_lots (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    priority BIGINT NOT NULL,
    source TEXT UNIQUE,
    expires_at BIGINT,
    amount BIGINT NOT NULL CHECK (amount > 0),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    held BIGINT NOT NULL CHECK (held >= 0),
    spent BIGINT NOT NULL CHECK (spent >= 0),
    expired BIGINT NOT NULL CHECK (expired >= 0),
    revoked BIGINT NOT NULL CHECK (revoked >= 0),
    is_live BIGINT NOT NULL GENERATED ALWAYS AS (CASE WHEN remaining + held > 0 THEN 1 ELSE 0 END) STORED,
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, seq),
    CHECK (amount = remaining + held + spent + expired + revoked),
    CHECK (kind <> 'subscription' OR expires_at IS NOT NULL),
    CHECK (kind <> 'purchase' OR expires_at IS NULL)
);

-- The order of use.
CREATE INDEX credit_lots_in_order ON credit_lots
    (account_id, priority, COALESCE(expires_at, 9223372036854775807), seq) WHERE is_live = 1;
CREATE INDEX credit_lots_by_expiry ON credit_lots (account_id, expires_at)
    WHERE is_live = 1 AND expires_at IS NOT NULL;

-- The journal. Rows are added and never changed. `hash` covers the row, its allocations and the hash before it.
-- A balance is below zero by what is owed at most: what was set aside before a debt came up may still be spent.
-- `refers_to` is the entry that this one takes back. `price_version` is of the price in force.
CREATE TABLE credit_entries (
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    seq BIGINT NOT NULL CHECK (seq > 0),
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    debt_after BIGINT NOT NULL CHECK (debt_after >= 0),
    used_after BIGINT NOT NULL CHECK (used_after >= 0),
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    reference TEXT,
    refers_to BIGINT,
    price_item TEXT,
    price_version BIGINT,
    idempotency_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, seq),
    UNIQUE (account_id, idempotency_key),
    CHECK (amount <> 0 OR kind = 'settlement'),
    CHECK (balance_after + debt_after >= 0)
);

CREATE INDEX credit_entries_by_time ON credit_entries (account_id, created_at, seq);
CREATE INDEX credit_entries_that_refer ON credit_entries (account_id, refers_to)
    WHERE refers_to IS NOT NULL;

-- Which lots an entry touched, in this order, by how much. They add up to the entry's amount, less what it changed of the debt.
CREATE TABLE credit_allocations (
    account_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    position BIGINT NOT NULL,
    lot_id TEXT NOT NULL REFERENCES credit_lots (id),
    amount BIGINT NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (account_id, seq, position),
    UNIQUE (account_id, seq, lot_id),
    FOREIGN KEY (account_id, seq) REFERENCES credit_entries (account_id, seq)
);

-- Credits set aside for work under way. `parts` says from which lots, as JSON [[lot, amount], …]; it is read
-- only together with its hold.
CREATE TABLE credit_holds (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    state TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    captured BIGINT NOT NULL CHECK (captured >= 0 AND captured <= amount),
    parts TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    UNIQUE (account_id, idempotency_key)
);

CREATE INDEX credit_holds_open ON credit_holds (account_id, expires_at) WHERE state = 'open';

-- What things cost, and cost before. Rows are added and never changed.
CREATE TABLE credit_prices (
    item TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (item, version)
);
