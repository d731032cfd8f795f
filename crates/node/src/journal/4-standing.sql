-- Results of a provider that were found wrong, over all jobs.
CREATE TABLE rejected (
    node TEXT PRIMARY KEY,
    results INTEGER NOT NULL
) STRICT;
-- What each provider was paid in each job of this node.
CREATE TABLE earned (
    node TEXT NOT NULL,
    job TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (node, job)
) STRICT, WITHOUT ROWID;
-- What the node's owner has changed while it ran.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
