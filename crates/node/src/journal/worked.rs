//! The provider's side: jobs it accepted, what it delivered in them, and the vouchers it holds for them.

use super::{Journal, JournalError, failed};
use rayswarm_model::{Address, Amount, JobId, UnixMillis};
use rusqlite::{Connection, OptionalExtension, Row, params};

type Result<T> = std::result::Result<T, JournalError>;

/// A voucher this node holds as a provider.
#[derive(Clone, Debug)]
pub struct HeldVoucher {
    /// The job.
    pub job: JobId,
    /// What it is worth in all.
    pub cumulative: Amount,
    /// The job's deadline.
    pub deadline: UnixMillis,
    /// The signed voucher, encoded.
    pub voucher: Vec<u8>,
}

/// A job this node accepted as a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkedJob {
    /// The account that pays.
    pub requestor: Address,
    /// The job's deadline.
    pub deadline: UnixMillis,
    /// What the results delivered so far are worth.
    pub delivered: Amount,
    /// What the dearest task granted so far is worth.
    pub dearest: Amount,
}

/// How long after its deadline a job is remembered: the longest exit window there is, after which nothing can be paid.
const REMEMBERED_FOR_MS: u64 = 30 * 24 * 3_600_000;

/// How a voucher ended. The numbers are those of the column `redeemed`, where 0 is a voucher that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoucherEnd {
    /// It was paid in full.
    Paid = 1,
    /// The escrow was emptied before; nobody can be paid any more.
    Lost = 2,
}

impl Journal {
    /// Notes that a job is worked on, and for whom. A job that is known keeps what it has; those long over are forgotten.
    pub fn accept_job(&self, job: JobId, requestor: Address, deadline: UnixMillis, now: UnixMillis) -> Result<()> {
        let connection = self.lock();
        let over = now.0.saturating_sub(REMEMBERED_FOR_MS).cast_signed();
        connection
            .execute("DELETE FROM worked_jobs WHERE deadline < ?1", [over])
            .map_err(failed("forget jobs that are over"))?;
        let sql = "INSERT OR IGNORE INTO worked_jobs (job, requestor, deadline) VALUES (?1, ?2, ?3)";
        let row = params![job.to_string(), requestor.to_string(), deadline.0.cast_signed()];
        connection
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note an accepted job"))
    }

    /// A job that this node accepted at some time.
    pub fn worked_job(&self, job: JobId) -> Result<Option<WorkedJob>> {
        worked_job(&self.lock(), job)
    }

    /// Adds a delivered result to what its requestor owes.
    pub fn add_delivered(&self, job: JobId, worth: Amount) -> Result<()> {
        self.update_worked(job, |worked| {
            worked.delivered = [worked.delivered, worth].into_iter().sum()
        })
    }

    /// Notes what the dearest task of a lease is worth.
    pub fn note_dearest(&self, job: JobId, worth: Amount) -> Result<()> {
        self.update_worked(job, |worked| worked.dearest = worked.dearest.max(worth))
    }

    fn update_worked(&self, job: JobId, change: impl FnOnce(&mut WorkedJob)) -> Result<()> {
        let connection = self.lock();
        let Some(before) = worked_job(&connection, job)? else {
            return Ok(());
        };
        let mut after = before;
        change(&mut after);
        if after == before {
            return Ok(());
        }
        let sql = "UPDATE worked_jobs SET delivered = ?2, dearest = ?3 WHERE job = ?1";
        let row = params![
            job.to_string(),
            after.delivered.0.to_string(),
            after.dearest.0.to_string()
        ];
        connection
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note what was delivered"))
    }

    /// Keeps a voucher if it is worth more than the one held.
    pub fn save_voucher(&self, held: &HeldVoucher) -> Result<()> {
        let connection = self.lock();
        if vouchered(&connection, held.job)? >= held.cumulative {
            return Ok(());
        }
        let sql =
            "INSERT OR REPLACE INTO vouchers (job, cumulative, deadline, voucher, redeemed) VALUES (?1,?2,?3,?4,0)";
        let deadline = held.deadline.0.cast_signed();
        let row = params![
            held.job.to_string(),
            held.cumulative.0.to_string(),
            deadline,
            held.voucher
        ];
        connection.execute(sql, row).map(drop).map_err(failed("keep a voucher"))
    }

    /// What the voucher held for a job is worth; nothing without one.
    pub fn vouchered(&self, job: JobId) -> Result<Amount> {
        vouchered(&self.lock(), job)
    }

    /// Vouchers not yet known to be paid or lost.
    pub fn open_vouchers(&self) -> Result<Vec<HeldVoucher>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT job, cumulative, deadline, voucher FROM vouchers WHERE redeemed = 0")
            .map_err(failed("list vouchers"))?;
        let rows = query
            .query_map([], |row| {
                let job: String = row.get(0)?;
                Ok(HeldVoucher {
                    job: job.parse().unwrap_or(JobId::from_bytes([0; 32])),
                    cumulative: amount(row, 1)?,
                    deadline: UnixMillis(row.get::<_, i64>(2)?.cast_unsigned()),
                    voucher: row.get(3)?,
                })
            })
            .map_err(failed("list vouchers"))?;
        rows.map(|row| row.map_err(failed("read a voucher"))).collect()
    }

    /// Notes how a job's voucher ended. A larger one opens it again.
    pub fn end_voucher(&self, job: JobId, end: VoucherEnd) -> Result<()> {
        let sql = "UPDATE vouchers SET redeemed = ?2 WHERE job = ?1";
        self.lock()
            .execute(sql, params![job.to_string(), end as i64])
            .map(drop)
            .map_err(failed("note the end of a voucher"))
    }
}

fn worked_job(connection: &Connection, job: JobId) -> Result<Option<WorkedJob>> {
    let sql = "SELECT requestor, deadline, delivered, dearest FROM worked_jobs WHERE job = ?1";
    let read = |row: &Row<'_>| {
        let requestor: String = row.get(0)?;
        Ok(WorkedJob {
            requestor: requestor.parse().unwrap_or_default(),
            deadline: UnixMillis(row.get::<_, i64>(1)?.cast_unsigned()),
            delivered: amount(row, 2)?,
            dearest: amount(row, 3)?,
        })
    };
    let mut query = connection
        .prepare_cached(sql)
        .map_err(failed("look for an accepted job"))?;
    query
        .query_row([job.to_string()], read)
        .optional()
        .map_err(failed("read an accepted job"))
}

fn vouchered(connection: &Connection, job: JobId) -> Result<Amount> {
    let sql = "SELECT cumulative FROM vouchers WHERE job = ?1";
    let mut query = connection.prepare_cached(sql).map_err(failed("look for a voucher"))?;
    let found = query.query_row([job.to_string()], |row| amount(row, 0)).optional();
    Ok(found.map_err(failed("read a voucher"))?.unwrap_or_default())
}

/// Base units as text: they do not fit SQLite's integers.
fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<Amount> {
    let units: String = row.get(column)?;
    Ok(Amount(units.parse().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn job(byte: u8) -> JobId {
        JobId::from_bytes([byte; 32])
    }

    fn held(cumulative: u128) -> HeldVoucher {
        HeldVoucher {
            job: job(1),
            cumulative: Amount(cumulative),
            deadline: UnixMillis(9),
            voucher: cumulative.to_string().into(),
        }
    }

    #[test]
    fn what_a_requestor_owes_outlives_the_worker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        journal.add_delivered(job(1), Amount(5)).unwrap();
        assert_eq!(journal.worked_job(job(1)).unwrap(), None, "never accepted");
        let (requestor, deadline, now) = (Address::repeat_byte(3), UnixMillis(9), UnixMillis(8));
        journal.accept_job(job(1), requestor, deadline, now).unwrap();
        journal.add_delivered(job(1), Amount(u128::from(u64::MAX))).unwrap();
        journal.add_delivered(job(1), Amount(5)).unwrap();
        journal.note_dearest(job(1), Amount(7)).unwrap();
        journal.note_dearest(job(1), Amount(6)).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        journal.accept_job(job(1), requestor, deadline, now).unwrap();
        let expected = WorkedJob {
            requestor,
            deadline,
            delivered: Amount(u128::from(u64::MAX) + 5),
            dearest: Amount(7),
        };
        assert_eq!(journal.worked_job(job(1)).unwrap(), Some(expected));
        let later = UnixMillis(deadline.0 + REMEMBERED_FOR_MS + 1);
        journal.accept_job(job(2), requestor, later, later).unwrap();
        assert_eq!(journal.worked_job(job(1)).unwrap(), None, "long over");
        assert!(journal.worked_job(job(2)).unwrap().is_some());
    }

    #[test]
    fn a_voucher_only_grows_and_a_larger_one_is_open_again() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let open = || -> Vec<u128> {
            let open = journal.open_vouchers().unwrap();
            open.iter().map(|held| held.cumulative.0).collect()
        };
        assert_eq!(journal.vouchered(job(1)).unwrap(), Amount(0));
        journal.save_voucher(&held(20)).unwrap();
        journal.save_voucher(&held(9)).unwrap();
        assert_eq!((journal.vouchered(job(1)).unwrap(), open()), (Amount(20), vec![20]));
        for end in [VoucherEnd::Paid, VoucherEnd::Lost] {
            journal.end_voucher(job(1), end).unwrap();
            assert_eq!(
                (journal.vouchered(job(1)).unwrap(), open()),
                (Amount(20), vec![]),
                "{end:?}"
            );
        }
        journal.save_voucher(&held(21)).unwrap();
        assert_eq!(open(), [21]);
    }
}
