-- From when on what a subscription brought is over, where it ended before its period did.
ALTER TABLE billing_subscriptions ADD COLUMN credits_end BIGINT;

-- An invoice can be paid in several movements of money: what came by each. Where nothing stands here, all of a payment
-- came by the one that it names.
CREATE TABLE billing_payment_parts (
    payment_id TEXT NOT NULL REFERENCES billing_payments (id),
    intent TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (payment_id, intent)
);
CREATE INDEX billing_payment_parts_by_intent ON billing_payment_parts (intent);

-- The movement that a refund is of; that of its payment where nothing stands.
ALTER TABLE billing_refunds ADD COLUMN intent TEXT;
