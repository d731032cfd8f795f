//! Transactions on their way, so that a restart goes on with them.

use super::{Journal, JournalError, failed, from_json, to_json};
use rayswarm_model::{Address, B256};
use rayswarm_settlement::{Outbox, OutboxError, Outgoing};
use rusqlite::params;

/// The transactions of one account on one chain, which its first block names.
#[derive(Clone)]
pub struct JournalOutbox {
    journal: Journal,
    sender: String,
}

impl Journal {
    /// The outbox of `account` on the chain whose first block has this hash.
    pub fn outbox(&self, genesis: B256, account: Address) -> JournalOutbox {
        JournalOutbox {
            journal: self.clone(),
            sender: format!("{genesis}/{account}"),
        }
    }
}

impl std::fmt::Debug for JournalOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JournalOutbox({})", self.sender)
    }
}

impl Outbox for JournalOutbox {
    fn load(&self) -> Result<Vec<Outgoing>, OutboxError> {
        self.read().map_err(wrapped)
    }

    fn save(&self, outgoing: &Outgoing) -> Result<(), OutboxError> {
        self.write(outgoing).map_err(wrapped)
    }

    fn forget(&self, nonce: u64) -> Result<(), OutboxError> {
        let sql = "DELETE FROM outgoing WHERE sender = ?1 AND nonce = ?2";
        let row = params![self.sender, nonce.cast_signed()];
        let forgotten = self.journal.lock().execute(sql, row).map(drop);
        forgotten.map_err(failed("forget a transaction")).map_err(wrapped)
    }
}

impl JournalOutbox {
    fn read(&self) -> Result<Vec<Outgoing>, JournalError> {
        let connection = self.journal.lock();
        let mut query = connection
            .prepare_cached("SELECT document FROM outgoing WHERE sender = ?1 ORDER BY nonce")
            .map_err(failed("list transactions"))?;
        let rows = query
            .query_map([&self.sender], |row| row.get::<_, String>(0))
            .map_err(failed("list transactions"))?;
        rows.map(|row| from_json("transaction", &row.map_err(failed("read a transaction"))?))
            .collect()
    }

    /// With the disk's word that it is there: a nonce that is forgotten in a power cut would be used twice.
    fn write(&self, outgoing: &Outgoing) -> Result<(), JournalError> {
        let text = to_json("transaction", outgoing)?;
        let connection = self.journal.lock();
        let sql = "INSERT OR REPLACE INTO outgoing (sender, nonce, document) VALUES (?1, ?2, ?3)";
        connection
            .execute(sql, params![self.sender, outgoing.nonce.cast_signed(), text])
            .map(drop)
            .map_err(failed("write a transaction down"))?;
        connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(failed("write a transaction down"))
    }
}

fn wrapped(error: JournalError) -> OutboxError {
    OutboxError(Box::new(error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::UnixMillis;
    use rayswarm_settlement::outbox::Fees;

    fn outgoing(nonce: u64, priority: u128) -> Outgoing {
        Outgoing {
            nonce,
            action: "opening the job".into(),
            to: None,
            value: alloy::primitives::U256::from(7),
            input: vec![1, 2].into(),
            gas_limit: 21_000,
            fees: Fees {
                max: u128::MAX,
                priority,
            },
            hashes: vec![B256::repeat_byte(3)],
            offered_at: UnixMillis(1),
            sent_at: UnixMillis(2),
            mined: None,
            missing_since: None,
        }
    }

    #[test]
    fn a_restart_finds_what_this_account_sent_on_this_chain_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let (here, there) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let (us, others) = (Address::repeat_byte(3), Address::repeat_byte(4));
        let journal = Journal::open(&path).unwrap();
        for (nonce, priority) in [(7, 1), (5, 1), (7, 2)] {
            journal.outbox(here, us).save(&outgoing(nonce, priority)).unwrap();
        }
        journal.outbox(there, us).save(&outgoing(9, 1)).unwrap();
        journal.outbox(here, others).save(&outgoing(5, 9)).unwrap();
        drop(journal);
        let outbox = Journal::open(&path).unwrap().outbox(here, us);
        assert_eq!(outbox.load().unwrap(), [outgoing(5, 1), outgoing(7, 2)]);
        outbox.forget(5).unwrap();
        assert_eq!(outbox.load().unwrap(), [outgoing(7, 2)]);
    }
}
