//! Everything a node must still know after `kill -9`, in one SQLite file (write-ahead log, versioned schema).
//!
//! Calls are short and synchronous; the lock is never held across an await.

mod commands;
mod delivered;
mod outgoing;
mod quarrels;
mod standing;
mod worked;

pub use delivered::{Delivered, DeliveredState};
pub use outgoing::JournalOutbox;
pub use quarrels::{Ballot, Quarrel, QuarrelRole};
pub use standing::Standing;
pub use worked::{HeldVoucher, OwingJob, VoucherEnd, WorkedJob};

use crate::requestor::record::JobRecord;
use rayswarm_model::{AttemptId, JobId, NodeId, TaskId, UnixMillis};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The journal of one node.
#[derive(Clone)]
pub struct Journal {
    connection: Arc<Mutex<Connection>>,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite refused.
    #[error("the journal cannot {action}; check free space and permissions of the data folder")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Written by a newer Rayswarm.
    #[error("the journal {path} has schema {found}, this version reads up to {SCHEMA_VERSION}; use a newer rayswarm")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A row is not what was written.
    #[error("the journal's {what} cannot be read back")]
    Unreadable {
        /// Which kind of row.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// A result that is complete on disk.
#[derive(Clone, Debug)]
pub struct StoredResult {
    /// The attempt that gave it.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// Who rendered it.
    pub node: NodeId,
    /// Where the bytes are.
    pub file: PathBuf,
    /// The provider's signed receipt, encoded.
    pub receipt: Vec<u8>,
}

const SCHEMA_VERSION: u32 = 8;

/// What leads from each version of the schema to the next, from nothing on.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = [
    include_str!("journal/1-jobs.sql"),
    include_str!("journal/2-standing.sql"),
    include_str!("journal/3-worked.sql"),
    include_str!("journal/4-standing.sql"),
    include_str!("journal/5-commands.sql"),
    include_str!("journal/6-caps.sql"),
    include_str!("journal/7-outgoing.sql"),
    include_str!("journal/8-quarrels.sql"),
];

type Result<T> = std::result::Result<T, JournalError>;

fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
    move |source| JournalError::Sqlite { action, source }
}

impl Journal {
    /// Opens the journal at `path`, making it if it is not there.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).map_err(failed("be opened"))?;
        let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;";
        connection.execute_batch(setup).map_err(failed("be set up"))?;
        let found: u32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed("tell its version"))?;
        match found {
            0..SCHEMA_VERSION => {
                let steps = MIGRATIONS[found as usize..].concat();
                let all = format!("BEGIN; {steps}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;");
                connection
                    .execute_batch(&all)
                    .map_err(failed("be brought to this version's schema"))?;
            }
            SCHEMA_VERSION => {}
            found => {
                return Err(JournalError::Newer {
                    path: path.into(),
                    found,
                });
            }
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot leave a statement half done: SQLite rolls back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a job's record, past the disk's cache: what was said before money moves must outlive a power cut too.
    pub fn save_job(&self, record: &JobRecord) -> Result<()> {
        let text = to_json("job", record)?;
        let sql = "INSERT INTO jobs (id, created_at, record) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET record = excluded.record";
        let row = params![record.id.to_string(), record.created_at.0.cast_signed(), text];
        self.synced(|connection| connection.execute(sql, row).map(drop).map_err(failed("save a job")))
    }

    /// Writes past the disk's cache.
    fn synced<T>(&self, write: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = self.lock();
        let synchronous = |level: &str| {
            let set = connection.pragma_update(None, "synchronous", level);
            set.map_err(failed("be set up"))
        };
        synchronous("FULL")?;
        let written = write(&connection);
        synchronous("NORMAL")?;
        written
    }

    /// All jobs, newest first.
    pub fn jobs(&self) -> Result<Vec<JobRecord>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT record FROM jobs ORDER BY created_at DESC, id")
            .map_err(failed("list jobs"))?;
        let texts = query
            .query_map([], |row| row.get::<_, String>(0))
            .map_err(failed("list jobs"))?;
        texts
            .map(|text| from_json("job", &text.map_err(failed("read a job"))?))
            .collect()
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRecord>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT record FROM jobs WHERE id = ?1")
            .map_err(failed("read a job"))?;
        let text = query
            .query_row([id.to_string()], |row| row.get::<_, String>(0))
            .optional();
        let text = text.map_err(failed("read a job"))?;
        text.map(|text| from_json("job", &text)).transpose()
    }

    /// Appends one farm event.
    pub fn append_event<E: Serialize>(&self, job: JobId, sequence: u64, at: UnixMillis, event: &E) -> Result<()> {
        let sql = "INSERT INTO farm_events (job, sequence, at, event) VALUES (?1, ?2, ?3, ?4)";
        let blob = to_json("farm event", event)?.into_bytes();
        let row = params![job.to_string(), sequence.cast_signed(), at.0.cast_signed(), blob];
        let connection = self.lock();
        let mut statement = connection.prepare_cached(sql).map_err(failed("append an event"))?;
        statement.execute(row).map(drop).map_err(failed("append an event"))
    }

    /// A job's farm events in order.
    pub fn events<E: DeserializeOwned>(&self, job: JobId) -> Result<Vec<(UnixMillis, E)>> {
        self.events_from(job, 0)
    }

    /// Those from a sequence number on.
    pub fn events_from<E: DeserializeOwned>(&self, job: JobId, first: u64) -> Result<Vec<(UnixMillis, E)>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT at, event FROM farm_events WHERE job = ?1 AND sequence >= ?2 ORDER BY sequence")
            .map_err(failed("read events"))?;
        let rows = query
            .query_map(params![job.to_string(), first.cast_signed()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .map_err(failed("read events"))?;
        rows.map(|row| {
            let (at, blob) = row.map_err(failed("read an event"))?;
            let event = serde_json::from_slice(&blob).map_err(|source| JournalError::Unreadable {
                what: "farm event",
                source,
            })?;
            Ok((UnixMillis(at.cast_unsigned()), event))
        })
        .collect()
    }

    /// Notes a complete result.
    pub fn save_result(&self, job: JobId, result: &StoredResult) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO results (job, attempt, task, node, file, receipt) VALUES (?1,?2,?3,?4,?5,?6)";
        let row = params![
            job.to_string(),
            result.attempt.0.cast_signed(),
            result.task.0.cast_signed(),
            result.node.to_string(),
            result.file.to_string_lossy(),
            result.receipt,
        ];
        self.lock().execute(sql, row).map(drop).map_err(failed("note a result"))
    }

    /// The complete results of a job.
    pub fn results(&self, job: JobId) -> Result<Vec<StoredResult>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT attempt, task, node, file, receipt FROM results WHERE job = ?1 ORDER BY attempt")
            .map_err(failed("read results"))?;
        let rows = query
            .query_map([job.to_string()], |row| {
                let node: String = row.get(2)?;
                Ok(StoredResult {
                    attempt: AttemptId(row.get::<_, i64>(0)?.cast_unsigned()),
                    task: TaskId(row.get::<_, i64>(1)?.cast_unsigned()),
                    node: node.parse().unwrap_or(NodeId::from_bytes([0; 32])),
                    file: PathBuf::from(row.get::<_, String>(3)?),
                    receipt: row.get(4)?,
                })
            })
            .map_err(failed("read results"))?;
        rows.map(|row| row.map_err(failed("read a result"))).collect()
    }

    /// Keeps what a mismatch showed.
    pub fn save_evidence(
        &self,
        job: JobId,
        attempt: AttemptId,
        at: UnixMillis,
        document: &impl Serialize,
    ) -> Result<()> {
        let text = to_json("evidence", document)?;
        let sql = "INSERT INTO evidence (job, attempt, at, document) VALUES (?1, ?2, ?3, ?4)";
        let row = params![job.to_string(), attempt.0.cast_signed(), at.0.cast_signed(), text];
        self.lock().execute(sql, row).map(drop).map_err(failed("keep evidence"))
    }

    /// A setting that was saved under this name.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT value FROM settings WHERE name = ?1")
            .map_err(failed("read a setting"))?;
        let text = query.query_row([name], |row| row.get::<_, String>(0)).optional();
        let text = text.map_err(failed("read a setting"))?;
        text.map(|text| from_json("setting", &text)).transpose()
    }

    /// Saves a setting in place of what it was.
    pub fn save_setting(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = to_json("setting", value)?;
        let sql = "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)";
        self.lock()
            .execute(sql, [name, &text])
            .map(drop)
            .map_err(failed("save a setting"))
    }

    /// Remembers a peer.
    pub fn save_peer(&self, node: NodeId, seen_at: UnixMillis, hello: &[u8]) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO peers (node, seen_at, hello) VALUES (?1, ?2, ?3)";
        let row = params![node.to_string(), seen_at.0.cast_signed(), hello];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("remember a peer"))
    }

    /// The peers heard of, latest first, at most `limit`.
    pub fn peers(&self, limit: u32) -> Result<Vec<Vec<u8>>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT hello FROM peers ORDER BY seen_at DESC LIMIT ?1")
            .map_err(failed("list peers"))?;
        let rows = query
            .query_map([limit], |row| row.get(0))
            .map_err(failed("list peers"))?;
        rows.map(|row| row.map_err(failed("read a peer"))).collect()
    }
}

fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|source| JournalError::Unreadable { what, source })
}

fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|source| JournalError::Unreadable { what, source })
}

#[cfg(test)]
mod tests;
