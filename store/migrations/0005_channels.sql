-- How far a delivery of several messages came; and where a session's last message came from, so that what has no place of its own
-- (the result of a sub-agent, a reminder) goes there.
ALTER TABLE deliveries ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
CREATE TABLE session_routes (
    session    INTEGER PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    route      TEXT NOT NULL,                   -- JSON
    updated_ms INTEGER NOT NULL
) STRICT;
