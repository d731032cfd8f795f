-- The provider's side: each job it accepted, whose it is, and what was delivered. A voucher that comes after the work has
-- ended is checked against it; so is what the requestor owes.
CREATE TABLE worked_jobs (
    job TEXT PRIMARY KEY,
    requestor TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    delivered TEXT NOT NULL DEFAULT '0',
    dearest TEXT NOT NULL DEFAULT '0'
) STRICT;
