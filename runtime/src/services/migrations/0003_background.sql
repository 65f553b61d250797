-- What a run in the background was asked for, files included, as long as it has not ended.
CREATE TABLE service_run_inputs (
    run_id TEXT PRIMARY KEY REFERENCES service_runs (id),
    body TEXT NOT NULL
);
