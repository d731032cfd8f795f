//! What became of every provider's work, over all jobs of this node.

use super::{Journal, JournalError, failed};
use rayswarm_model::{Amount, JobId, NodeId};
use rusqlite::params;
use std::collections::HashMap;

type Result<T> = std::result::Result<T, JournalError>;

/// One provider's work for this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tasks verified since a result of it was last found wrong.
    pub verified: u64,
    /// Results found wrong.
    pub rejected: u64,
    /// What it was paid.
    pub earned: Amount,
}

impl Journal {
    /// Notes how many tasks of a job a provider has had verified. Saying it again changes nothing.
    pub fn save_verified(&self, job: JobId, node: NodeId, tasks: u64) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO verified (node, job, tasks) VALUES (?1, ?2, ?3)";
        let row = params![node.to_string(), job.to_string(), tasks.cast_signed()];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note verified tasks"))
    }

    /// Forgets what a provider has had verified: its standing starts over.
    pub fn clear_verified(&self, node: NodeId) -> Result<()> {
        self.lock()
            .execute("DELETE FROM verified WHERE node = ?1", [node.to_string()])
            .map(drop)
            .map_err(failed("lower a standing"))
    }

    /// Tasks a provider has had verified in jobs other than `job`.
    pub fn verified_before(&self, node: NodeId, job: JobId) -> Result<u64> {
        let sql = "SELECT COALESCE(SUM(tasks), 0) FROM verified WHERE node = ?1 AND job <> ?2";
        let count = self
            .lock()
            .query_row(sql, [node.to_string(), job.to_string()], |row| row.get::<_, i64>(0));
        count.map(i64::cast_unsigned).map_err(failed("tell a standing"))
    }

    /// Counts a result that was found wrong.
    pub fn note_rejected(&self, node: NodeId) -> Result<()> {
        let sql = "INSERT INTO rejected (node, results) VALUES (?1, 1)
                   ON CONFLICT (node) DO UPDATE SET results = results + 1";
        self.lock()
            .execute(sql, [node.to_string()])
            .map(drop)
            .map_err(failed("count a rejected result"))
    }

    /// Notes what a provider was paid in a job. Saying it again changes nothing.
    pub fn save_earned(&self, job: JobId, node: NodeId, amount: Amount) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO earned (node, job, amount) VALUES (?1, ?2, ?3)";
        let row = params![node.to_string(), job.to_string(), amount.0.to_string()];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note what a provider was paid"))
    }

    /// The standing of every provider that ever worked for this node.
    pub fn standings(&self) -> Result<HashMap<NodeId, Standing>> {
        let mut standings: HashMap<NodeId, Standing> = HashMap::new();
        self.each(
            "SELECT node, CAST(SUM(tasks) AS TEXT) FROM verified GROUP BY node",
            |node, tasks| {
                standings.entry(node).or_default().verified = tasks.parse().unwrap_or(0);
            },
        )?;
        self.each("SELECT node, CAST(results AS TEXT) FROM rejected", |node, results| {
            standings.entry(node).or_default().rejected = results.parse().unwrap_or(0);
        })?;
        // Base units do not fit SQLite's integers, so they are added up here.
        self.each("SELECT node, amount FROM earned", |node, amount| {
            let earned = &mut standings.entry(node).or_default().earned;
            *earned = [*earned, Amount(amount.parse().unwrap_or(0))].into_iter().sum();
        })?;
        Ok(standings)
    }

    /// Every row of a query that gives a node and a number as text.
    fn each(&self, sql: &str, mut take: impl FnMut(NodeId, String)) -> Result<()> {
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql).map_err(failed("tell standings"))?;
        let rows = query
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .map_err(failed("tell standings"))?;
        for row in rows {
            let (node, number) = row.map_err(failed("read a standing"))?;
            if let Ok(node) = node.parse() {
                take(node, number);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn node(byte: u8) -> NodeId {
        NodeId::from_bytes([byte; 32])
    }

    fn job(byte: u8) -> JobId {
        JobId::from_bytes([byte; 32])
    }

    #[test]
    fn standing_is_what_other_jobs_verified_and_starts_over_after_a_fraud() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        journal.save_verified(job(1), node(1), 7).unwrap();
        journal.save_verified(job(1), node(1), 8).unwrap();
        journal.save_verified(job(2), node(1), 3).unwrap();
        journal.save_verified(job(2), node(2), 5).unwrap();
        assert_eq!(journal.verified_before(node(1), job(3)).unwrap(), 11);
        assert_eq!(journal.verified_before(node(1), job(2)).unwrap(), 8);
        journal.clear_verified(node(1)).unwrap();
        assert_eq!(journal.verified_before(node(1), job(3)).unwrap(), 0);
        assert_eq!(journal.verified_before(node(2), job(3)).unwrap(), 5);
    }

    #[test]
    fn standings_add_up_all_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        assert!(journal.standings().unwrap().is_empty());
        journal.save_verified(job(1), node(1), 7).unwrap();
        journal.save_verified(job(2), node(1), 3).unwrap();
        journal.note_rejected(node(2)).unwrap();
        journal.note_rejected(node(2)).unwrap();
        for _ in 0..2 {
            journal
                .save_earned(job(1), node(1), Amount(u128::from(u64::MAX)))
                .unwrap();
        }
        journal.save_earned(job(2), node(1), Amount(5)).unwrap();
        let standings = journal.standings().unwrap();
        let first = Standing {
            verified: 10,
            rejected: 0,
            earned: Amount(u128::from(u64::MAX) + 5),
        };
        let second = Standing {
            rejected: 2,
            ..Standing::default()
        };
        assert_eq!(standings, HashMap::from([(node(1), first), (node(2), second)]));
    }
}
