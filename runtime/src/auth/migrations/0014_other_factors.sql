-- Second factors that other modules keep: which of them somebody has.
CREATE TABLE other_factors (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The module's name; it counts while the module is there.
    kind TEXT NOT NULL,
    PRIMARY KEY (user_id, kind)
);
