//! Quarrels about claims: what a claim counts, disputes of this node's own, and its verdicts as a juror.

use super::{Journal, JournalError, failed};
use rayswarm_model::{Address, B256, DisputeId, JobId};
use rusqlite::{OptionalExtension, params};

type Result<T> = std::result::Result<T, JournalError>;

/// What this node is in a quarrel. The numbers are those of the column `role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarrelRole {
    /// It rejected the claim.
    Requestor = 0,
    /// It claimed.
    Provider = 1,
}

/// A quarrel that this node is a party of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarrel {
    /// Its number on the chain.
    pub dispute: DisputeId,
    /// The job.
    pub job: JobId,
    /// Whose claim it is about.
    pub provider: Address,
}

/// A verdict of this node as a juror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The quarrel.
    pub dispute: DisputeId,
    /// The round.
    pub round: u8,
    /// Whether the claim is good.
    pub good: bool,
    /// Commitment of what was rendered; zero where nothing was.
    pub crop_hash: B256,
    /// What hides the verdict until it is revealed.
    pub salt: B256,
}

impl Journal {
    /// Keeps what a claim counts, by what it commits to.
    pub fn save_claimed(&self, job: JobId, commitment: B256, document: &[u8]) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO claimed (job, commitment, document) VALUES (?1, ?2, ?3)";
        self.lock()
            .execute(sql, params![job.to_string(), commitment.to_string(), document])
            .map(drop)
            .map_err(failed("keep what is claimed"))
    }

    /// What the claim with this commitment counts.
    pub fn claimed(&self, job: JobId, commitment: B256) -> Result<Option<Vec<u8>>> {
        let connection = self.lock();
        let sql = "SELECT document FROM claimed WHERE job = ?1 AND commitment = ?2";
        let mut query = connection
            .prepare_cached(sql)
            .map_err(failed("look for what is claimed"))?;
        let row = params![job.to_string(), commitment.to_string()];
        let found = query.query_row(row, |row| row.get(0)).optional();
        found.map_err(failed("read what is claimed"))
    }

    /// Notes a quarrel of this node's own. One that is known stays as it is.
    pub fn note_quarrel(&self, court: B256, role: QuarrelRole, quarrel: Quarrel) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO quarrels (court, dispute, role, job, provider) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![
            court.to_string(),
            quarrel.dispute.0.cast_signed(),
            role as i64,
            quarrel.job.to_string(),
            quarrel.provider.to_string()
        ];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note a quarrel"))
    }

    /// Quarrels of this node's own that have not ended.
    pub fn quarrels(&self, court: B256, role: QuarrelRole) -> Result<Vec<Quarrel>> {
        let connection = self.lock();
        let sql = "SELECT dispute, job, provider FROM quarrels WHERE court = ?1 AND role = ?2 AND ended = 0";
        let mut query = connection.prepare_cached(sql).map_err(failed("list quarrels"))?;
        let rows = query.query_map(params![court.to_string(), role as i64], |row| {
            let (job, provider): (String, String) = (row.get(1)?, row.get(2)?);
            Ok(Quarrel {
                dispute: DisputeId(row.get::<_, i64>(0)?.cast_unsigned()),
                job: job.parse().unwrap_or(JobId::from_bytes([0; 32])),
                provider: provider.parse().unwrap_or_default(),
            })
        });
        let rows = rows.map_err(failed("list quarrels"))?;
        rows.map(|row| row.map_err(failed("read a quarrel"))).collect()
    }

    /// Notes that a quarrel has ended.
    pub fn end_quarrel(&self, court: B256, role: QuarrelRole, dispute: DisputeId) -> Result<()> {
        let sql = "UPDATE quarrels SET ended = 1 WHERE court = ?1 AND role = ?2 AND dispute = ?3";
        self.lock()
            .execute(sql, params![court.to_string(), role as i64, dispute.0.cast_signed()])
            .map(drop)
            .map_err(failed("note the end of a quarrel"))
    }

    /// Writes a verdict down, past the disk's cache: what was committed to must be revealed. One that is known stays.
    pub fn save_ballot(&self, court: B256, ballot: &Ballot) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO ballots (court, dispute, round, verdict, crop_hash, salt) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![
            court.to_string(),
            ballot.dispute.0.cast_signed(),
            ballot.round,
            ballot.good,
            ballot.crop_hash.to_string(),
            ballot.salt.to_string()
        ];
        self.synced(|connection| connection.execute(sql, row).map(drop).map_err(failed("keep a verdict")))
    }

    /// The verdict of this node in a round, if it has one.
    pub fn ballot(&self, court: B256, dispute: DisputeId, round: u8) -> Result<Option<Ballot>> {
        let connection = self.lock();
        let sql = "SELECT verdict, crop_hash, salt FROM ballots WHERE court = ?1 AND dispute = ?2 AND round = ?3";
        let mut query = connection.prepare_cached(sql).map_err(failed("look for a verdict"))?;
        let read = |row: &rusqlite::Row<'_>| {
            let (crop_hash, salt): (String, String) = (row.get(1)?, row.get(2)?);
            Ok(Ballot {
                dispute,
                round,
                good: row.get(0)?,
                crop_hash: crop_hash.parse().unwrap_or_default(),
                salt: salt.parse().unwrap_or_default(),
            })
        };
        let row = params![court.to_string(), dispute.0.cast_signed(), round];
        query.query_row(row, read).optional().map_err(failed("read a verdict"))
    }

    /// From which block on a juror looks for its seats.
    pub fn seats_from(&self, court: B256) -> Result<Option<u64>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT next_block FROM seats_seen WHERE court = ?1")
            .map_err(failed("look for seats"))?;
        let found = query
            .query_row([court.to_string()], |row| row.get::<_, i64>(0))
            .optional();
        Ok(found.map_err(failed("look for seats"))?.map(i64::cast_unsigned))
    }

    /// Notes that all seats drawn before this block are known to be over.
    pub fn note_seats_from(&self, court: B256, next_block: u64) -> Result<()> {
        let sql = "INSERT INTO seats_seen (court, next_block) VALUES (?1, ?2) \
                   ON CONFLICT (court) DO UPDATE SET next_block = excluded.next_block";
        self.lock()
            .execute(sql, params![court.to_string(), next_block.cast_signed()])
            .map(drop)
            .map_err(failed("note which seats are known"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COURT: B256 = B256::repeat_byte(1);
    const JOB: JobId = JobId::from_bytes([2; 32]);

    fn journal(folder: &tempfile::TempDir) -> Journal {
        Journal::open(&folder.path().join("journal.sqlite")).unwrap()
    }

    #[test]
    fn what_was_claimed_is_found_by_its_commitment_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (B256::repeat_byte(3), B256::repeat_byte(4));
        for (commitment, document) in [(first, [7]), (second, [8]), (first, [7])] {
            journal(&folder).save_claimed(JOB, commitment, &document).unwrap();
        }
        let journal = journal(&folder);
        assert_eq!(journal.claimed(JOB, second).unwrap(), Some(vec![8]));
        assert_eq!(journal.claimed(JOB, first).unwrap(), Some(vec![7]));
        assert_eq!(journal.claimed(JOB, COURT).unwrap(), None);
    }

    #[test]
    fn a_quarrel_is_open_in_each_role_until_it_ends_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(&folder);
        let quarrel = Quarrel {
            dispute: DisputeId(5),
            job: JOB,
            provider: Address::repeat_byte(6),
        };
        for role in [QuarrelRole::Requestor, QuarrelRole::Provider, QuarrelRole::Provider] {
            journal.note_quarrel(COURT, role, quarrel).unwrap();
        }
        journal.end_quarrel(COURT, QuarrelRole::Provider, DisputeId(5)).unwrap();
        journal.note_quarrel(COURT, QuarrelRole::Provider, quarrel).unwrap();
        assert_eq!(journal.quarrels(COURT, QuarrelRole::Requestor).unwrap(), [quarrel]);
        assert_eq!(journal.quarrels(COURT, QuarrelRole::Provider).unwrap(), []);
        assert_eq!(journal.quarrels(B256::ZERO, QuarrelRole::Requestor).unwrap(), []);
    }

    #[test]
    fn a_verdict_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let ballot = Ballot {
            dispute: DisputeId(5),
            round: 1,
            good: false,
            crop_hash: B256::repeat_byte(7),
            salt: B256::repeat_byte(8),
        };
        journal(&folder).save_ballot(COURT, &ballot).unwrap();
        let other = Ballot { good: true, ..ballot };
        journal(&folder).save_ballot(COURT, &other).unwrap();
        assert_eq!(journal(&folder).ballot(COURT, DisputeId(5), 1).unwrap(), Some(ballot));
        assert_eq!(journal(&folder).ballot(COURT, DisputeId(5), 0).unwrap(), None);
    }

    #[test]
    fn seats_are_looked_for_from_where_the_last_look_ended() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(journal(&folder).seats_from(COURT).unwrap(), None);
        for block in [9, 12] {
            journal(&folder).note_seats_from(COURT, block).unwrap();
        }
        assert_eq!(journal(&folder).seats_from(COURT).unwrap(), Some(12));
    }
}
