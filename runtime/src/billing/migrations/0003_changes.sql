-- What is to begin with a subscription's next period, as the provider has it planned.
ALTER TABLE billing_subscriptions ADD COLUMN schedule TEXT;
ALTER TABLE billing_subscriptions ADD COLUMN next_price TEXT;
ALTER TABLE billing_subscriptions ADD COLUMN next_quantity BIGINT;

-- What a subscription was to from this payment on: months that are past are counted with it.
ALTER TABLE billing_payments ADD COLUMN price TEXT;
ALTER TABLE billing_payments ADD COLUMN quantity BIGINT;

-- Changes of subscriptions that somebody asked for: written down before the provider is called, with the key of that
-- call. `request_key` is the form's, so that a form sent twice is one change.
CREATE TABLE billing_changes (
    id TEXT PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES billing_subscriptions (subscription),
    verb TEXT NOT NULL,
    element TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    request_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (subscription, request_key)
);
CREATE UNIQUE INDEX billing_changes_one_at_a_time ON billing_changes (subscription) WHERE state = 'asked';
