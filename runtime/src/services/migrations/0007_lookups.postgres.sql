-- Most users have one run or two, some have a million: as with the entries of an account, PostgreSQL is to expect many of each, lest
-- it takes any index that begins with the user. Statistics that are there go with a change of the type, even to the same.
ALTER TABLE service_runs ALTER COLUMN user_id TYPE TEXT;
ALTER TABLE service_runs ALTER COLUMN user_id SET STATISTICS 0;
