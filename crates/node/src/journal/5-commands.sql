-- A job of commands as it was asked for; its events are among the farm events.
CREATE TABLE command_jobs (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
