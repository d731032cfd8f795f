-- The provider's side: caps that requestors have sent. Only those whose seal the chain shows count; `shown` is 1 for those in
-- force or waiting when the chain was last asked.
CREATE TABLE caps (
    sequence INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    seal TEXT NOT NULL,
    document BLOB NOT NULL,
    shown INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job, seal)
) STRICT;
-- Results that are with their requestor, or on their way: a claim commits to their receipts. State 0 is unjudged, 1 verified,
-- 2 rejected, 3 on its way, 4 not needed. The tile and the hashes of the picture's cells are what jurors are given.
CREATE TABLE delivered (
    job TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    task INTEGER NOT NULL,
    worth TEXT NOT NULL,
    milli_wu INTEGER NOT NULL,
    tile BLOB NOT NULL,
    receipt BLOB NOT NULL,
    cells BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
-- The invitation that was accepted, signed, and the node it came from; empty where they were not noted. Verdicts and caps of
-- other nodes are not heard.
ALTER TABLE worked_jobs ADD COLUMN invite BLOB NOT NULL DEFAULT x'';
ALTER TABLE worked_jobs ADD COLUMN node TEXT NOT NULL DEFAULT '';
-- Height of the chain when the job was accepted: its events are looked for from there on.
ALTER TABLE worked_jobs ADD COLUMN height INTEGER NOT NULL DEFAULT 0;
-- What vouchers can be turned into money up to, by the caps in force when the chain was last asked; empty before.
ALTER TABLE worked_jobs ADD COLUMN secured TEXT NOT NULL DEFAULT '';
-- Whether nothing more can come of the job.
ALTER TABLE worked_jobs ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
