-- Which version of its service's price a run is charged by; unknown for runs from before.
ALTER TABLE service_runs ADD COLUMN price_version BIGINT;

-- Services that the staff has switched. One that is not here is on.
CREATE TABLE service_switches (
    service TEXT PRIMARY KEY,
    is_on BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- How much services were used lately.
CREATE INDEX service_runs_by_time ON service_runs (started_at);
