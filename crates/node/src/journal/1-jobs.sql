-- A job's record is what the requestor decided; its farm events replayed give the farm.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE farm_events (
    job TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event BLOB NOT NULL,
    PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;
-- A result whose bytes are complete on disk and match their receipt.
CREATE TABLE results (
    job TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    task INTEGER NOT NULL,
    node TEXT NOT NULL,
    file TEXT NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
-- Kept after a mismatch: what was claimed, what was found.
CREATE TABLE evidence (
    job TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE peers (
    node TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    hello BLOB NOT NULL
) STRICT;
-- The provider's side: the highest voucher of each job it worked on.
CREATE TABLE vouchers (
    job TEXT PRIMARY KEY,
    cumulative TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    voucher BLOB NOT NULL,
    redeemed INTEGER NOT NULL DEFAULT 0
) STRICT;
