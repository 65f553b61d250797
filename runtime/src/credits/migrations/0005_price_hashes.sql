-- Covers the row and the one before it. Rows from before have none; the first that has one covers them.
ALTER TABLE credit_prices ADD COLUMN hash TEXT;
