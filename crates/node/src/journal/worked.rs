//! The provider's side: jobs it accepted, what it delivered in them, and the vouchers it holds for them.

use super::{Journal, JournalError, failed};
use rayswarm_model::{Address, Amount, B256, JobId, NodeId, UnixMillis};
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
    /// The node whose invitation was accepted; none where an earlier version did not note it.
    pub node: Option<NodeId>,
    /// The job's deadline.
    pub deadline: UnixMillis,
    /// What the results delivered so far are worth.
    pub delivered: Amount,
    /// What the dearest task granted so far is worth.
    pub dearest: Amount,
    /// Height of the chain when it was accepted.
    pub height: u64,
    /// What vouchers can be turned into money up to, by the caps in force when the chain was last asked.
    pub secured: Option<Amount>,
}

/// A job of which money may still come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwingJob {
    /// The job.
    pub job: JobId,
    /// Its deadline.
    pub deadline: UnixMillis,
    /// Height of the chain when it was accepted.
    pub height: u64,
    /// What the voucher held is worth; nothing without one.
    pub vouchered: Amount,
    /// The signed voucher, encoded.
    pub voucher: Option<Vec<u8>>,
}

/// Caps kept for one job. A requestor publishes one epoch in minutes, of which two count at any time; more would only fill
/// the disk.
const CAPS_PER_JOB_MAX: u32 = 256;
/// How many of those that the chain does not show stay when there are too many: the latest may be published yet.
const CAPS_PER_JOB_KEPT: u32 = CAPS_PER_JOB_MAX / 2;

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
    /// Notes that a job is worked on, for whom, and at whose invitation. A job that is known keeps what it has; the node may
    /// be another until something was delivered. Jobs long over are forgotten, unless money may still come of them.
    pub fn accept_job(
        &self,
        job: JobId,
        (requestor, node): (Address, NodeId),
        deadline: UnixMillis,
        height: u64,
        now: UnixMillis,
    ) -> Result<()> {
        let connection = self.lock();
        let over = now.0.saturating_sub(REMEMBERED_FOR_MS).cast_signed();
        connection
            .execute(
                "DELETE FROM worked_jobs WHERE deadline < ?1 AND (ended = 1 OR delivered = '0')",
                [over],
            )
            .map_err(failed("forget jobs that are over"))?;
        for table in ["caps", "delivered", "claimed"] {
            let sql = format!("DELETE FROM {table} WHERE job NOT IN (SELECT job FROM worked_jobs)");
            connection
                .execute(&sql, [])
                .map_err(failed("forget what was known of jobs that are over"))?;
        }
        let sql = "INSERT INTO worked_jobs (job, requestor, deadline, height, node) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (job) DO UPDATE SET node = excluded.node \
                   WHERE worked_jobs.node = '' OR worked_jobs.delivered = '0'";
        let row = params![
            job.to_string(),
            requestor.to_string(),
            deadline.0.cast_signed(),
            height.cast_signed(),
            node.to_string()
        ];
        connection
            .execute(sql, row)
            .map(drop)
            .map_err(failed("note an accepted job"))
    }

    /// Keeps the signed invitation to a job that was accepted. Once something was delivered it stays the one by which that was
    /// done.
    pub fn note_invite(&self, job: JobId, invite: &[u8]) -> Result<()> {
        let sql = "UPDATE worked_jobs SET invite = ?2 WHERE job = ?1 AND (invite = x'' OR delivered = '0')";
        self.lock()
            .execute(sql, params![job.to_string(), invite])
            .map(drop)
            .map_err(failed("keep an invitation"))
    }

    /// The signed invitation to a job, encoded; none where it was not kept.
    pub fn invite(&self, job: JobId) -> Result<Option<Vec<u8>>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT invite FROM worked_jobs WHERE job = ?1")
            .map_err(failed("look for an invitation"))?;
        let found = query.query_row([job.to_string()], |row| row.get::<_, Vec<u8>>(0));
        let found = found.optional().map_err(failed("read an invitation"))?;
        Ok(found.filter(|invite| !invite.is_empty()))
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

    /// Notes what vouchers of a job can be turned into money up to.
    pub fn note_secured(&self, job: JobId, secured: Amount) -> Result<()> {
        self.update_worked(job, |worked| worked.secured = Some(secured))
    }

    /// Jobs of which money may still come: the voucher held, if there is one, and what was delivered.
    pub fn owing_jobs(&self) -> Result<Vec<OwingJob>> {
        let connection = self.lock();
        let sql = "SELECT w.job, w.deadline, w.height, v.cumulative, v.voucher \
                   FROM worked_jobs w LEFT JOIN vouchers v ON v.job = w.job AND v.redeemed = 0 \
                   WHERE w.ended = 0 AND (v.job IS NOT NULL OR w.delivered <> '0') \
                   UNION ALL \
                   SELECT v.job, v.deadline, 0, v.cumulative, v.voucher FROM vouchers v \
                   WHERE v.redeemed = 0 AND v.job NOT IN (SELECT job FROM worked_jobs WHERE ended = 0)";
        let mut query = connection.prepare_cached(sql).map_err(failed("list what is owed"))?;
        let read = |row: &Row<'_>| {
            let job: String = row.get(0)?;
            let vouchered: Option<String> = row.get(3)?;
            Ok(OwingJob {
                job: job.parse().unwrap_or(JobId::from_bytes([0; 32])),
                deadline: UnixMillis(row.get::<_, i64>(1)?.cast_unsigned()),
                height: row.get::<_, i64>(2)?.cast_unsigned(),
                vouchered: Amount(vouchered.and_then(|units| units.parse().ok()).unwrap_or(0)),
                voucher: row.get(4)?,
            })
        };
        let rows = query.query_map([], read).map_err(failed("list what is owed"))?;
        rows.map(|row| row.map_err(failed("read what is owed"))).collect()
    }

    /// Notes that nothing more can come of a job but a larger voucher.
    pub fn end_owing(&self, job: JobId) -> Result<()> {
        self.lock()
            .execute("UPDATE worked_jobs SET ended = 1 WHERE job = ?1", [job.to_string()])
            .map(drop)
            .map_err(failed("note the end of a job"))
    }

    /// Keeps caps that a requestor sent. Where there are too many, earlier ones that the chain does not show are forgotten.
    pub fn save_caps(&self, job: JobId, seal: B256, document: &[u8]) -> Result<()> {
        let connection = self.lock();
        let sql = "SELECT COUNT(*) FROM caps WHERE job = ?1";
        let count: u32 = connection
            .query_row(sql, [job.to_string()], |row| row.get(0))
            .map_err(failed("count caps"))?;
        if count >= CAPS_PER_JOB_MAX {
            let sql = "DELETE FROM caps WHERE job = ?1 AND shown = 0 AND sequence NOT IN \
                       (SELECT sequence FROM caps WHERE job = ?1 AND shown = 0 ORDER BY sequence DESC LIMIT ?2)";
            connection
                .execute(sql, params![job.to_string(), CAPS_PER_JOB_KEPT])
                .map_err(failed("forget caps"))?;
        }
        let sql = "INSERT OR IGNORE INTO caps (job, seal, document) VALUES (?1, ?2, ?3)";
        connection
            .execute(sql, params![job.to_string(), seal.to_string(), document])
            .map(drop)
            .map_err(failed("keep caps"))
    }

    /// Notes which caps of a job the chain shows: those in force, and those that wait.
    pub fn note_shown_caps(&self, job: JobId, [in_force, waiting]: [B256; 2]) -> Result<()> {
        let sql = "UPDATE caps SET shown = seal IN (?2, ?3) WHERE job = ?1 AND shown <> (seal IN (?2, ?3))";
        self.lock()
            .execute(sql, params![job.to_string(), in_force.to_string(), waiting.to_string()])
            .map(drop)
            .map_err(failed("note which caps count"))
    }

    /// The document of the caps with this seal, if the requestor has sent it.
    pub fn caps(&self, job: JobId, seal: B256) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT document FROM caps WHERE job = ?1 AND seal = ?2";
        self.lock()
            .query_row(sql, [job.to_string(), seal.to_string()], |row| row.get(0))
            .optional()
            .map_err(failed("look for caps"))
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
        let sql = "UPDATE worked_jobs SET delivered = ?2, dearest = ?3, secured = ?4 WHERE job = ?1";
        let row = params![
            job.to_string(),
            after.delivered.0.to_string(),
            after.dearest.0.to_string(),
            after.secured.map_or_else(String::new, |secured| secured.0.to_string())
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
    let sql = "SELECT requestor, deadline, delivered, dearest, height, secured, node FROM worked_jobs WHERE job = ?1";
    let read = |row: &Row<'_>| {
        let requestor: String = row.get(0)?;
        Ok(WorkedJob {
            requestor: requestor.parse().unwrap_or_default(),
            node: row.get::<_, String>(6)?.parse().ok(),
            deadline: UnixMillis(row.get::<_, i64>(1)?.cast_unsigned()),
            delivered: amount(row, 2)?,
            dearest: amount(row, 3)?,
            height: row.get::<_, i64>(4)?.cast_unsigned(),
            secured: row.get::<_, String>(5)?.parse().ok().map(Amount),
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

    const NODE: NodeId = NodeId::from_bytes([4; 32]);

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
        let other = NodeId::from_bytes([5; 32]);
        for node in [other, NODE] {
            journal.accept_job(job(1), (requestor, node), deadline, 7, now).unwrap();
        }
        journal.add_delivered(job(1), Amount(u128::from(u64::MAX))).unwrap();
        journal.add_delivered(job(1), Amount(5)).unwrap();
        journal.note_dearest(job(1), Amount(7)).unwrap();
        journal.note_dearest(job(1), Amount(6)).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        journal
            .accept_job(job(1), (requestor, other), deadline, 7, now)
            .unwrap();
        let expected = WorkedJob {
            requestor,
            node: Some(NODE),
            deadline,
            delivered: Amount(u128::from(u64::MAX) + 5),
            dearest: Amount(7),
            height: 7,
            secured: None,
        };
        assert_eq!(journal.worked_job(job(1)).unwrap(), Some(expected));
        let later = UnixMillis(deadline.0 + REMEMBERED_FOR_MS + 1);
        journal.accept_job(job(2), (requestor, NODE), later, 8, later).unwrap();
        assert_eq!(
            journal.worked_job(job(1)).unwrap(),
            Some(expected),
            "money may still come"
        );
        journal.end_owing(job(1)).unwrap();
        journal.accept_job(job(2), (requestor, NODE), later, 8, later).unwrap();
        assert_eq!(journal.worked_job(job(1)).unwrap(), None, "long over");
        assert!(journal.worked_job(job(2)).unwrap().is_some());
    }

    #[test]
    fn jobs_owe_until_their_end_and_again_with_a_larger_voucher() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let owing = || -> Vec<(u128, bool)> {
            let owing = journal.owing_jobs().unwrap();
            owing
                .iter()
                .map(|owing| (owing.vouchered.0, owing.voucher.is_some()))
                .collect()
        };
        let (requestor, deadline) = (Address::repeat_byte(3), UnixMillis(9));
        journal
            .accept_job(job(1), (requestor, NODE), deadline, 7, UnixMillis(1))
            .unwrap();
        assert_eq!(owing(), [], "nothing was delivered");
        journal.add_delivered(job(1), Amount(5)).unwrap();
        assert_eq!(owing(), [(0, false)]);
        journal.save_voucher(&held(20)).unwrap();
        assert_eq!(owing(), [(20, true)]);
        journal.end_voucher(job(1), VoucherEnd::Paid).unwrap();
        assert_eq!(owing(), [(0, false)]);
        journal.end_owing(job(1)).unwrap();
        assert_eq!(owing(), []);
        journal.save_voucher(&held(21)).unwrap();
        assert_eq!(owing(), [(21, true)]);
    }

    #[test]
    fn caps_are_found_by_their_seal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let seal = B256::repeat_byte(5);
        assert_eq!(journal.caps(job(1), seal).unwrap(), None);
        journal.save_caps(job(1), seal, &[1, 2]).unwrap();
        assert_eq!(journal.caps(job(1), seal).unwrap(), Some(vec![1, 2]));
        assert_eq!(journal.caps(job(2), seal).unwrap(), None);
        let (requestor, later) = (Address::repeat_byte(3), UnixMillis(9));
        journal
            .accept_job(job(2), (requestor, NODE), later, 8, UnixMillis(1))
            .unwrap();
        assert_eq!(journal.caps(job(1), seal).unwrap(), None, "of no job that is known");
    }

    #[test]
    fn many_caps_push_out_earlier_ones_but_none_that_count() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let seal = |number: u32| B256::left_padding_from(&number.to_be_bytes());
        let is_kept = |number| journal.caps(job(1), seal(number)).unwrap().is_some();
        let (in_force, waiting, last) = (1_u32, 2_u32, 2 * CAPS_PER_JOB_MAX);
        for number in 1..=last {
            journal.save_caps(job(1), seal(number), &[1]).unwrap();
            let shown = [in_force, waiting].map(|shown| seal(shown.min(number)));
            journal.note_shown_caps(job(1), shown).unwrap();
        }
        assert_eq!(
            [in_force, waiting, 3, last - 1, last].map(is_kept),
            [true, true, false, true, true]
        );
        journal.note_shown_caps(job(1), [seal(last), B256::ZERO]).unwrap();
        for number in last + 1..=2 * last {
            journal.save_caps(job(1), seal(number), &[1]).unwrap();
        }
        assert_eq!(
            [in_force, waiting, last, 2 * last].map(is_kept),
            [false, false, true, true]
        );
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
