-- What the owner of an account was told of since credits were last put in: 0 nothing, 1 that it runs low, 2 that it is empty.
ALTER TABLE credit_accounts ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
