//! The provider's side: results that are with their requestor, and what became of them.

use super::{Journal, JournalError, failed};
use rayswarm_model::{Amount, AttemptId, JobId, NodeId, Rect, TaskId, Work, canonical};
use rusqlite::{OptionalExtension, params};

type Result<T> = std::result::Result<T, JournalError>;

/// A tile that does not read back: no juror takes it.
const NO_TILE: Rect = Rect {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
};

/// What a requestor said of a delivered result. The numbers are those of the column `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveredState {
    /// Nothing yet.
    Unjudged = 0,
    /// It is verified.
    Verified = 1,
    /// It was found wrong.
    Rejected = 2,
    /// It has not arrived yet, as far as is known; a verdict may overtake the answer that says so.
    OnItsWay = 3,
    /// Another result of its task counts.
    NotNeeded = 4,
}

/// A result that is with its requestor, or on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The attempt that gave it.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// What it is worth.
    pub worth: Amount,
    /// The work that is paid for it.
    pub work: Work,
    /// What it shows, in the frame.
    pub tile: Rect,
    /// The signed receipt, encoded.
    pub receipt: Vec<u8>,
    /// What was said of it.
    pub state: DeliveredState,
}

impl Journal {
    /// Notes a result and the encoded hashes of its cells. One that is known stays as it is, but one that was on its way has
    /// arrived.
    pub fn save_delivered(&self, job: JobId, result: &Delivered, cells: &[u8]) -> Result<()> {
        let sql = "INSERT INTO delivered (job, attempt, task, worth, milli_wu, tile, receipt, cells, state) \
                   VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9) \
                   ON CONFLICT (job, attempt) DO UPDATE SET state = excluded.state WHERE delivered.state = 3";
        let row = params![
            job.to_string(),
            result.attempt.0.cast_signed(),
            result.task.0.cast_signed(),
            result.worth.0.to_string(),
            result.work.milli_wu.cast_signed(),
            canonical::encode("tile", &result.tile).unwrap_or_default(),
            result.receipt,
            cells,
            result.state as i64
        ];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note a delivered result"))
    }

    /// The encoded hashes of a delivered result's cells.
    pub fn cells_of(&self, job: JobId, attempt: AttemptId) -> Result<Option<Vec<u8>>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT cells FROM delivered WHERE job = ?1 AND attempt = ?2")
            .map_err(failed("look for a delivered result"))?;
        query
            .query_row(params![job.to_string(), attempt.0.cast_signed()], |row| row.get(0))
            .optional()
            .map_err(failed("read a delivered result"))
    }

    /// Notes what `from` said of a result, if it is the node that invited to the job; of one that was not sent it says
    /// nothing.
    pub fn judge_delivered(&self, from: NodeId, job: JobId, attempt: AttemptId, state: DeliveredState) -> Result<()> {
        let sql = "UPDATE delivered SET state = ?3 WHERE job = ?1 AND attempt = ?2 AND NOT (?3 = 4 AND state IN (1, 2)) \
                   AND EXISTS (SELECT 1 FROM worked_jobs WHERE job = ?1 AND node = ?4)";
        let row = params![job.to_string(), attempt.0.cast_signed(), state as i64, from.to_string()];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note what became of a result"))
    }

    /// What each verified result of a job is worth.
    pub fn verified_worth(&self, job: JobId) -> Result<Vec<Amount>> {
        let connection = self.lock();
        let sql = "SELECT worth FROM delivered WHERE job = ?1 AND state = 1";
        let mut query = connection
            .prepare_cached(sql)
            .map_err(failed("list verified results"))?;
        let rows = query.query_map([job.to_string()], |row| {
            let worth: String = row.get(0)?;
            Ok(Amount(worth.parse().unwrap_or(0)))
        });
        let rows = rows.map_err(failed("list verified results"))?;
        rows.map(|row| row.map_err(failed("read a verified result"))).collect()
    }

    /// The results of a job that have arrived, in the order of their tasks.
    pub fn delivered(&self, job: JobId) -> Result<Vec<Delivered>> {
        let connection = self.lock();
        let sql = "SELECT attempt, task, worth, milli_wu, tile, receipt, state FROM delivered \
                   WHERE job = ?1 AND state <> 3 ORDER BY task, attempt";
        let mut query = connection
            .prepare_cached(sql)
            .map_err(failed("list delivered results"))?;
        let rows = query.query_map([job.to_string()], |row| {
            let worth: String = row.get(2)?;
            let tile: Vec<u8> = row.get(4)?;
            Ok(Delivered {
                attempt: AttemptId(row.get::<_, i64>(0)?.cast_unsigned()),
                task: TaskId(row.get::<_, i64>(1)?.cast_unsigned()),
                worth: Amount(worth.parse().unwrap_or(0)),
                work: Work {
                    milli_wu: row.get::<_, i64>(3)?.cast_unsigned(),
                },
                tile: canonical::decode("tile", &tile).unwrap_or(NO_TILE),
                receipt: row.get(5)?,
                state: match row.get::<_, i64>(6)? {
                    0 => DeliveredState::Unjudged,
                    1 => DeliveredState::Verified,
                    4 => DeliveredState::NotNeeded,
                    _ => DeliveredState::Rejected,
                },
            })
        });
        let rows = rows.map_err(failed("list delivered results"))?;
        rows.map(|row| row.map_err(failed("read a delivered result"))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::{Address, UnixMillis};

    const JOB: JobId = JobId::from_bytes([1; 32]);
    const NODE: NodeId = NodeId::from_bytes([2; 32]);
    const TILE: Rect = Rect {
        x: 1,
        y: 2,
        width: 3,
        height: u32::MAX,
    };

    fn journal(folder: &tempfile::TempDir) -> Journal {
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let accepted = journal.accept_job(JOB, (Address::ZERO, NODE), UnixMillis(9), 1, UnixMillis(1));
        accepted.unwrap();
        journal
    }

    #[test]
    fn results_come_in_order_with_what_was_said_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, job) = (journal(&folder), JOB);
        let result = |attempt, task| Delivered {
            attempt: AttemptId(attempt),
            task: TaskId(task),
            worth: Amount(u128::from(u64::MAX) + 1),
            work: Work { milli_wu: u64::MAX },
            tile: TILE,
            receipt: vec![7],
            state: DeliveredState::Unjudged,
        };
        for (attempt, task) in [(1, 9), (2, 3), (3, 5)] {
            journal.save_delivered(job, &result(attempt, task), &[1, 2]).unwrap();
        }
        let stranger = NodeId::from_bytes([3; 32]);
        for (from, attempt, state) in [
            (NODE, 1, DeliveredState::Verified),
            (NODE, 3, DeliveredState::Rejected),
            (NODE, 4, DeliveredState::Verified),
            (stranger, 1, DeliveredState::Rejected),
            (stranger, 2, DeliveredState::Rejected),
        ] {
            journal.judge_delivered(from, job, AttemptId(attempt), state).unwrap();
        }
        // Told again, it is still what it was judged.
        journal.save_delivered(job, &result(1, 9), &[]).unwrap();
        let verified = Delivered {
            state: DeliveredState::Verified,
            ..result(1, 9)
        };
        let rejected = Delivered {
            state: DeliveredState::Rejected,
            ..result(3, 5)
        };
        assert_eq!(journal.delivered(job).unwrap(), [result(2, 3), rejected, verified]);
        assert_eq!(journal.cells_of(job, AttemptId(1)).unwrap(), Some(vec![1, 2]));
        assert_eq!(journal.cells_of(job, AttemptId(4)).unwrap(), None);
    }

    #[test]
    fn a_result_counts_once_it_has_arrived_and_a_verdict_may_come_before() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, job) = (journal(&folder), JOB);
        let save = |attempt, state| {
            let result = Delivered {
                attempt: AttemptId(attempt),
                task: TaskId(attempt),
                worth: Amount(5),
                work: Work { milli_wu: 5 },
                tile: TILE,
                receipt: vec![7],
                state,
            };
            journal.save_delivered(job, &result, &[]).unwrap();
        };
        let states = || -> Vec<_> {
            let delivered = journal.delivered(job).unwrap();
            delivered.iter().map(|result| result.state).collect()
        };
        for attempt in 1..=3 {
            save(attempt, DeliveredState::OnItsWay);
        }
        assert_eq!(states(), []);
        let judge = |attempt, state| journal.judge_delivered(NODE, job, AttemptId(attempt), state).unwrap();
        judge(1, DeliveredState::Verified);
        judge(2, DeliveredState::Rejected);
        for attempt in 1..=3 {
            save(attempt, DeliveredState::Unjudged);
            save(attempt, DeliveredState::OnItsWay);
        }
        let expected = [
            DeliveredState::Verified,
            DeliveredState::Rejected,
            DeliveredState::Unjudged,
        ];
        assert_eq!(states(), expected);
    }
}
