-- One row an account: it is what a change of the ledger locks. `available` and `held` are kept equal to the
-- sums of its lots. `due_at` is no later than the next instant at which a lot or a hold of it runs out.
CREATE TABLE credit_accounts (
    id TEXT PRIMARY KEY,
    owner_kind TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    available BIGINT NOT NULL CHECK (available >= 0),
    held BIGINT NOT NULL CHECK (held >= 0),
    last_seq BIGINT NOT NULL CHECK (last_seq >= 0),
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (owner_kind, owner_id)
);

-- What was put in at once, by the entry `seq`, with what became of it. Amounts are thousandths of a credit.
CREATE TABLE credit_lots (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    priority BIGINT NOT NULL,
    expires_at BIGINT,
    amount BIGINT NOT NULL CHECK (amount > 0),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    held BIGINT NOT NULL CHECK (held >= 0),
    spent BIGINT NOT NULL CHECK (spent >= 0),
    expired BIGINT NOT NULL CHECK (expired >= 0),
    revoked BIGINT NOT NULL CHECK (revoked >= 0),
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, seq),
    CHECK (amount = remaining + held + spent + expired + revoked)
);

-- The order of use. 9223372036854775807 stands for never.
CREATE INDEX credit_lots_in_order ON credit_lots
    (account_id, priority, COALESCE(expires_at, 9223372036854775807), seq) WHERE remaining > 0;
CREATE INDEX credit_lots_by_expiry ON credit_lots (account_id, expires_at)
    WHERE remaining > 0 AND expires_at IS NOT NULL;

-- The journal. Rows are added and never changed.
CREATE TABLE credit_entries (
    account_id TEXT NOT NULL REFERENCES credit_accounts (id),
    seq BIGINT NOT NULL CHECK (seq > 0),
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount <> 0),
    balance_after BIGINT NOT NULL CHECK (balance_after >= 0),
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    reference TEXT,
    idempotency_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, seq),
    UNIQUE (account_id, idempotency_key)
);

-- Which lots an entry touched; the amounts carry the entry's sign and add up to its amount.
CREATE TABLE credit_allocations (
    account_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    lot_id TEXT NOT NULL REFERENCES credit_lots (id),
    amount BIGINT NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (account_id, seq, lot_id),
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
