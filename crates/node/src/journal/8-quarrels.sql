-- The provider's side: what a claim counts, by what it commits to. Written down before the claim is sent.
CREATE TABLE claimed (
    sequence INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    commitment TEXT NOT NULL,
    document BLOB NOT NULL,
    UNIQUE (job, commitment)
) STRICT;
-- Quarrels that this node is a party of. A court is a contract that judges, on its chain. Role 0 is the requestor's, 1 the provider's.
CREATE TABLE quarrels (
    court TEXT NOT NULL,
    dispute INTEGER NOT NULL,
    role INTEGER NOT NULL,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (court, dispute, role)
) STRICT, WITHOUT ROWID;
-- Verdicts of this node as a juror, with what is needed to reveal them. Written down before the commitment is sent.
CREATE TABLE ballots (
    court TEXT NOT NULL,
    dispute INTEGER NOT NULL,
    round INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    crop_hash TEXT NOT NULL,
    salt TEXT NOT NULL,
    PRIMARY KEY (court, dispute, round)
) STRICT, WITHOUT ROWID;
-- Up to which block a juror has looked for its seats.
CREATE TABLE seats_seen (
    court TEXT PRIMARY KEY,
    next_block INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
