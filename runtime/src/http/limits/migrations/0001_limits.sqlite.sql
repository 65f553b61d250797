-- How often somebody has done something since a window opened.
CREATE TABLE request_limits (
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    used BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (name, subject)
);

CREATE INDEX request_limits_by_end ON request_limits (ends_at);
