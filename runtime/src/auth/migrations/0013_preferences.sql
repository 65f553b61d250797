-- How somebody wants to read dates and times: a zone of the IANA database, a locale (BCP 47). Empty: not chosen.
ALTER TABLE users ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN locale TEXT NOT NULL DEFAULT '';
-- The topics of mails that he does without, with a space between each two.
ALTER TABLE users ADD COLUMN unwanted_mails TEXT NOT NULL DEFAULT '';
