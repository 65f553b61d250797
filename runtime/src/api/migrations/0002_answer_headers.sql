-- Headers that a kept answer has of its own: names and values, as JSON.
ALTER TABLE api_requests ADD COLUMN headers TEXT;
