//! A log of records in one append-only file, safe against crashes.
//!
//! ```text
//! magic (8)  genesis hash (32)      once
//! length (4, big endian)  checksum (8: first bytes of keccak-256)  record      per record
//! ```
//!
//! What was appended is durable once [`RecordLog::sync`] has returned. A crash can damage only what was written since; such a
//! torn tail is cut off when the file is opened. Damage anywhere else is an error, not a repair. The file is locked while it
//! is open.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, keccak256};

const HEADER_BYTES: u64 = 40;
const RECORD_HEADER_BYTES: u64 = 12;
const CHECKSUM_BYTES: usize = 8;

/// What kind of log a file is.
#[derive(Debug)]
pub(crate) struct Form {
    /// First bytes of the file; the digit is the version of its format.
    pub(crate) magic: &'static [u8; 8],
    /// What it is called.
    pub(crate) name: &'static str,
    /// The longest record.
    pub(crate) record_bytes_max: usize,
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} the {name} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the log is called.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the {name} {path} is in use by another process; stop that one first")]
    InUse {
        /// What the log is called.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It is no such log, or one of another chain.
    #[error("{path} is not a {name} of chain {expected}; choose another data directory")]
    Foreign {
        /// What the log is called.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Genesis hash that was looked for.
        expected: B256,
    },
    /// Bytes in the middle are not what was written.
    #[error("the {name} {path} is damaged at byte {offset}; restore it from a copy or start a new chain")]
    Damaged {
        /// What the log is called.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Where the first bad record begins.
        offset: u64,
    },
}

/// An open log.
#[derive(Debug)]
pub(crate) struct RecordLog {
    form: &'static Form,
    file: File,
    path: PathBuf,
    /// Where each record begins.
    offsets: Vec<u64>,
    /// Where the next record goes.
    end: u64,
    /// Up to where the file is durable.
    durable: u64,
}

impl RecordLog {
    /// Opens or creates the log of the chain with this genesis hash.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(crate) fn open(form: &'static Form, path: &Path, genesis: B256) -> Result<Self, StorageError> {
        let failed = |action| failure(form, path, action);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::InUse {
                    name: form.name,
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let mut log = Self {
            form,
            file,
            path: path.to_owned(),
            offsets: Vec::new(),
            end: HEADER_BYTES,
            durable: HEADER_BYTES,
        };
        let length = log.file.metadata().map_err(failed("inspect"))?.len();
        if length < HEADER_BYTES {
            log.start(genesis)?;
        } else {
            log.check_header(genesis)?;
            log.scan(length)?;
        }
        log.durable = log.end;
        Ok(log)
    }

    /// How many records it holds.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Adds a record. It is durable after the next [`RecordLog::sync`].
    ///
    /// # Errors
    /// When it could not be written; it then counts as never added.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let checksum = keccak256(bytes);
        let record = [
            &(bytes.len() as u32).to_be_bytes()[..],
            checksum.get(..CHECKSUM_BYTES).unwrap_or_default(),
            bytes,
        ]
        .concat();
        // A failed write may have left half a record (disk full); the next attempt starts at the same place, so the file is
        // cut back first.
        if let Err(error) = self.write_at(self.end, &record) {
            let _ = self.cut();
            return Err(error);
        }
        self.offsets.push(self.end);
        self.end += record.len() as u64;
        Ok(())
    }

    /// Makes all records durable.
    ///
    /// # Errors
    /// When they could not be; what was added since the last time then counts as never added.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        if self.durable == self.end {
            return Ok(());
        }
        if let Err(source) = self.file.sync_data() {
            self.end = self.durable;
            self.offsets.retain(|offset| *offset < self.durable);
            let _ = self.cut();
            return Err(failure(self.form, &self.path, "write")(source));
        }
        self.durable = self.end;
        Ok(())
    }

    /// The record at an index, or `None` past the end.
    ///
    /// # Errors
    /// When a record that was added cannot be read back.
    pub(crate) fn read(&mut self, index: usize) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(&offset) = self.offsets.get(index) else {
            return Ok(None);
        };
        match self.record_at(offset, self.end)? {
            Record::Good { bytes } => Ok(Some(bytes)),
            Record::Torn | Record::Bad => Err(self.damaged(offset)),
        }
    }

    /// Forgets all records. A crash before the next [`RecordLog::sync`] may bring them back.
    ///
    /// # Errors
    /// When the file could not be cut.
    pub(crate) fn clear(&mut self) -> Result<(), StorageError> {
        self.offsets.clear();
        self.end = HEADER_BYTES;
        self.durable = HEADER_BYTES;
        self.cut()
    }

    fn start(&mut self, genesis: B256) -> Result<(), StorageError> {
        let header = [&self.form.magic[..], genesis.as_slice()].concat();
        self.file.set_len(0).map_err(failure(self.form, &self.path, "start"))?;
        self.write_at(0, &header)?;
        self.file.sync_data().map_err(failure(self.form, &self.path, "start"))?;
        // The name of a new file is durable only once its directory is.
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failure(self.form, &self.path, "make durable"))
    }

    fn check_header(&mut self, genesis: B256) -> Result<(), StorageError> {
        let header = self.read_at(0, HEADER_BYTES as usize)?;
        let expected = [&self.form.magic[..], genesis.as_slice()].concat();
        if header == expected {
            return Ok(());
        }
        Err(StorageError::Foreign {
            name: self.form.name,
            path: self.path.clone(),
            expected: genesis,
        })
    }

    /// Finds the records and cuts a torn one off.
    fn scan(&mut self, length: u64) -> Result<(), StorageError> {
        while self.end < length {
            match self.record_at(self.end, length)? {
                Record::Good { bytes } => {
                    self.offsets.push(self.end);
                    self.end += RECORD_HEADER_BYTES + bytes.len() as u64;
                }
                Record::Torn => {
                    tracing::warn!(path = %self.path.display(), offset = self.end, "cutting off a record that was never finished");
                    return self.cut();
                }
                Record::Bad => return Err(self.damaged(self.end)),
            }
        }
        Ok(())
    }

    fn record_at(&mut self, offset: u64, length: u64) -> Result<Record, StorageError> {
        let left = length - offset;
        if left < RECORD_HEADER_BYTES {
            return Ok(Record::Torn);
        }
        let header = self.read_at(offset, RECORD_HEADER_BYTES as usize)?;
        let (size, checksum) = header.split_at(4);
        let size = size.iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
        let possible = (1..=self.form.record_bytes_max as u64).contains(&size);
        if possible && RECORD_HEADER_BYTES + size <= left {
            let bytes = self.read_at(offset + RECORD_HEADER_BYTES, size as usize)?;
            if keccak256(&bytes).get(..CHECKSUM_BYTES) == Some(checksum) {
                return Ok(Record::Good { bytes });
            }
        }
        // What a crash leaves is the tail of the file: cut short, of the right length with the wrong bytes,
        // or never filled in.
        let is_tail = possible && RECORD_HEADER_BYTES + size >= left;
        if is_tail || self.is_blank(offset, left)? {
            Ok(Record::Torn)
        } else {
            Ok(Record::Bad)
        }
    }

    /// Whether all bytes from `offset` on are zero. More than a record's worth is no tail.
    fn is_blank(&mut self, offset: u64, left: u64) -> Result<bool, StorageError> {
        if left > RECORD_HEADER_BYTES + self.form.record_bytes_max as u64 {
            return Ok(false);
        }
        Ok(self.read_at(offset, left as usize)?.iter().all(|byte| *byte == 0))
    }

    /// The error of a record that was written as it is and does not read.
    pub(crate) fn damaged_record(&self, index: usize) -> StorageError {
        self.damaged(self.offsets.get(index).copied().unwrap_or(self.end))
    }

    fn damaged(&self, offset: u64) -> StorageError {
        StorageError::Damaged {
            name: self.form.name,
            path: self.path.clone(),
            offset,
        }
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.sync_all())
            .map_err(failure(self.form, &self.path, "repair"))
    }

    fn read_at(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; length];
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(failure(self.form, &self.path, "read"))?;
        Ok(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(failure(self.form, &self.path, "write"))
    }
}

enum Record {
    Good { bytes: Vec<u8> },
    Torn,
    Bad,
}

fn failure(form: &'static Form, path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StorageError + use<> {
    let path = path.to_owned();
    move |source| StorageError::Io {
        action,
        name: form.name,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
