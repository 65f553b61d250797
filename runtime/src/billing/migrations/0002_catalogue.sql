-- What the provider sells: its products and prices as they were last read, of which the catalogue is made where the
-- provider keeps it. A price that was declared here has no body until the provider tells of it.
CREATE TABLE billing_products (
    provider TEXT NOT NULL,
    product TEXT NOT NULL,
    body TEXT NOT NULL,
    is_active BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (provider, product)
);
ALTER TABLE billing_prices ADD COLUMN product TEXT;
ALTER TABLE billing_prices ADD COLUMN body TEXT;
-- Whether the provider sells under it. Of several the newest is current.
ALTER TABLE billing_prices ADD COLUMN is_offered BIGINT NOT NULL DEFAULT 0;
CREATE INDEX billing_prices_by_product ON billing_prices (provider, product) WHERE product IS NOT NULL;

-- The provider's names of customers whom it deleted: what it still tells of them finds its owner.
CREATE TABLE billing_former_names (
    provider TEXT NOT NULL,
    customer TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES billing_customers (id),
    PRIMARY KEY (provider, customer)
);

-- What was told of an object that the provider has no more.
CREATE INDEX billing_events_by_object ON billing_events (object, happened_at);
