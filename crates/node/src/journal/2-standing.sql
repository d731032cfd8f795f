-- Tasks of each job that a provider has had verified; cleared when a result of it is found wrong.
CREATE TABLE verified (
    node TEXT NOT NULL,
    job TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (node, job)
) STRICT, WITHOUT ROWID;
