-- The subscription that an order for a plan began: until it has been taken in, the order stands in its way.
ALTER TABLE billing_orders ADD COLUMN subscription TEXT;
