-- Money is in minor units of its currency, credits in thousandths, instants in microseconds since 1970 in UTC. Names
-- of objects are the provider's (cus_, cs_, sub_, in_, ch_, …). Nothing here is deleted with a user.

-- Who buys. `customer` is unknown until the provider has made one.
CREATE TABLE billing_customers (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    email TEXT NOT NULL,
    customer TEXT CHECK (customer <> ''),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (provider, owner_id),
    UNIQUE (provider, customer)
);

-- What the provider's prices stand for. Rows stay: what was sold under an old price is renewed under it.
CREATE TABLE billing_prices (
    price TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    item TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    period TEXT,
    credits BIGINT NOT NULL CHECK (credits >= 0),
    is_current BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX billing_prices_current ON billing_prices (provider, item, currency) WHERE is_current = 1;

-- What somebody set out to buy. `request_key` is the form's, so that a form sent twice is one order.
CREATE TABLE billing_orders (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES billing_customers (id),
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    state TEXT NOT NULL,
    session TEXT UNIQUE,
    url TEXT,
    request_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (customer_id, request_key)
);
-- Two tabs cannot subscribe twice.
CREATE UNIQUE INDEX billing_orders_one_subscription ON billing_orders (customer_id)
    WHERE kind = 'plan' AND state IN ('open', 'pending');

-- `paid_until` is the end of the last period that was paid for, `failing_since` when its renewal first failed.
CREATE TABLE billing_subscriptions (
    subscription TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES billing_customers (id),
    status TEXT NOT NULL,
    price TEXT NOT NULL,
    element TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    period_start BIGINT NOT NULL,
    period_end BIGINT NOT NULL,
    trial_end BIGINT,
    cancels_at_end BIGINT NOT NULL,
    is_paused BIGINT NOT NULL,
    ended_at BIGINT,
    paid_until BIGINT,
    failing_since BIGINT,
    is_alert BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX billing_subscriptions_by_customer ON billing_subscriptions (customer_id, started_at);

-- What was, or is to be, paid: a session of the payment page or an invoice. `lost` is what went back by refunds and
-- disputes.
CREATE TABLE billing_payments (
    id TEXT PRIMARY KEY,
    object TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL REFERENCES billing_customers (id),
    kind TEXT NOT NULL,
    subscription TEXT,
    item TEXT NOT NULL,
    description TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    refunded BIGINT NOT NULL CHECK (refunded >= 0),
    disputed BIGINT NOT NULL CHECK (disputed >= 0),
    state TEXT NOT NULL,
    intent TEXT,
    number TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    paid_at BIGINT,
    changed_at BIGINT NOT NULL
);
CREATE INDEX billing_payments_by_customer ON billing_payments (customer_id, id);
CREATE INDEX billing_payments_by_intent ON billing_payments (intent) WHERE intent IS NOT NULL;
CREATE INDEX billing_payments_by_state ON billing_payments (state, id);

-- What a payment brought to the ledger, by the ledger's source. `taken` is what was to be taken back of it, `revoked`
-- what could be. A lot that restores another names it.
CREATE TABLE billing_lots (
    source TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES billing_payments (id),
    subscription TEXT,
    restores TEXT,
    credits BIGINT NOT NULL CHECK (credits >= 0),
    taken BIGINT NOT NULL CHECK (taken >= 0),
    revoked BIGINT NOT NULL CHECK (revoked >= 0),
    period_start BIGINT,
    period_end BIGINT,
    is_over BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX billing_lots_by_payment ON billing_lots (payment_id);
CREATE INDEX billing_lots_by_subscription ON billing_lots (subscription, period_start) WHERE subscription IS NOT NULL;

-- Money that went back, by the charge: it may be told before the payment is.
CREATE TABLE billing_charges (
    charge TEXT PRIMARY KEY,
    intent TEXT,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX billing_charges_by_intent ON billing_charges (intent) WHERE intent IS NOT NULL;

CREATE TABLE billing_disputes (
    dispute TEXT PRIMARY KEY,
    charge TEXT NOT NULL,
    intent TEXT,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX billing_disputes_by_intent ON billing_disputes (intent) WHERE intent IS NOT NULL;

-- Refunds that staff asked for: written down before the provider is called, with the key of that call.
CREATE TABLE billing_refunds (
    id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES billing_payments (id),
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    refund TEXT UNIQUE,
    request_key TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    error TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (payment_id, request_key)
);

-- What the provider said, as it said it. `event` is unique, so that what comes twice is stored once.
CREATE TABLE billing_events (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (provider, event)
);
CREATE INDEX billing_events_by_state ON billing_events (state, id);

-- How often an object of the provider was taken in: who read it before somebody else took it in reads it again.
CREATE TABLE billing_versions (
    object TEXT PRIMARY KEY,
    version BIGINT NOT NULL
);

-- The provider that stands in for a real one: its own objects, as JSON in the real one's shapes.
CREATE TABLE billing_sandbox (
    object TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX billing_sandbox_by_customer ON billing_sandbox (customer);
