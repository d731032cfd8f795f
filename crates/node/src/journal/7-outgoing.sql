-- Transactions that are on their way, or in a block that does not stay yet, by sender: first block of the chain, "/", account.
CREATE TABLE outgoing (
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (sender, nonce)
) STRICT, WITHOUT ROWID;
