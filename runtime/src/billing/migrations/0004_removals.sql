-- Whom an event is about, as the provider calls him: who leaves is taken out of what was said of him.
ALTER TABLE billing_events ADD COLUMN customer TEXT;
UPDATE billing_events SET customer = (
    SELECT MIN(c.customer) FROM billing_customers c
    WHERE c.provider = billing_events.provider AND billing_events.body LIKE '%"' || c.customer || '"%'
);
CREATE INDEX billing_events_by_customer ON billing_events (customer) WHERE customer IS NOT NULL;
