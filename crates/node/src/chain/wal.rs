//! The write-ahead log of consensus: what must not be forgotten in a crash, such as what this validator has signed.
//!
//! What is written between two syncs is one record, so that a crash loses all of it or nothing: see [`super::record_log`]. Where it
//! would be longer than a record may be it is several, each of whole entries: nothing was said by them yet, so that a crash may lose
//! the later ones.

use std::path::Path;

use alloy_primitives::{B256, Bytes};

use super::record_log::{Form, RecordLog, StorageError};

static FORM: Form = Form {
    magic: b"RSVOTES1",
    name: "log of votes",
    record_bytes_max: RECORD_BYTES_MAX,
};

/// A few proposals, each with a block.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Bytes before each entry of a record: its length, big endian.
const LENGTH_BYTES: usize = 4;

/// The log of one validator.
#[derive(Debug)]
pub(crate) struct Wal {
    records: RecordLog,
    /// Records that are not in the file yet.
    unwritten: Vec<Vec<u8>>,
}

impl Wal {
    /// Opens the log; gives what was written since it was reset last.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(crate) fn open(path: &Path, genesis: B256) -> Result<(Self, Vec<Bytes>), StorageError> {
        let mut records = RecordLog::open(&FORM, path, genesis)?;
        let mut entries = Vec::new();
        for index in 0..records.len() {
            let record = records.read(index)?.unwrap_or_default();
            entries.extend(split(&record));
        }
        let wal = Self {
            records,
            unwritten: Vec::new(),
        };
        Ok((wal, entries))
    }

    /// Adds an entry. It is durable after the next [`Wal::sync`].
    pub(crate) fn write(&mut self, entry: &[u8]) {
        let length = LENGTH_BYTES + entry.len();
        let has_room = |record: &Vec<u8>| record.len() + length <= RECORD_BYTES_MAX;
        if !self.unwritten.last().is_some_and(has_room) {
            self.unwritten.push(Vec::with_capacity(length));
        }
        if let Some(record) = self.unwritten.last_mut() {
            record.extend_from_slice(&(entry.len() as u32).to_be_bytes());
            record.extend_from_slice(entry);
        }
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    /// When they could not be; they are tried again with the next.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        for record in &self.unwritten {
            self.records.append(record)?;
        }
        self.records.sync()?;
        self.unwritten.clear();
        Ok(())
    }

    /// Forgets all entries.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(crate) fn reset(&mut self) -> Result<(), StorageError> {
        self.unwritten.clear();
        if self.records.len() == 0 {
            return Ok(());
        }
        self.records.clear()
    }
}

/// The entries of a record. Its checksum was good, so it is whole.
fn split(mut record: &[u8]) -> Vec<Bytes> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = record.split_first_chunk::<LENGTH_BYTES>() {
        let Some((entry, rest)) = rest.split_at_checked(u32::from_be_bytes(*length) as usize) else {
            break;
        };
        entries.push(Bytes::copy_from_slice(entry));
        record = rest;
    }
    entries
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_synced_comes_back_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes.log");
        let open = || Wal::open(&path, B256::ZERO).unwrap();
        let (mut wal, entries) = open();
        assert!(entries.is_empty());
        wal.write(b"one");
        wal.write(b"");
        wal.sync().unwrap();
        wal.write(b"three");
        wal.sync().unwrap();
        wal.write(b"lost");
        drop(wal);
        let (mut wal, entries) = open();
        assert_eq!(entries, ["one", "", "three"].map(Bytes::from));
        wal.reset().unwrap();
        wal.write(b"after");
        wal.sync().unwrap();
        drop(wal);
        assert_eq!(open().1, [Bytes::from("after")]);
    }

    /// A proposer may say many long things before anything is answered.
    #[test]
    fn more_than_a_record_holds_comes_back_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes.log");
        let (mut wal, _) = Wal::open(&path, B256::ZERO).unwrap();
        let long = vec![7; RECORD_BYTES_MAX / 4];
        for _ in 0..5 {
            wal.write(&long);
        }
        wal.write(b"short");
        wal.sync().unwrap();
        drop(wal);
        let (_, entries) = Wal::open(&path, B256::ZERO).unwrap();
        let lengths: Vec<usize> = entries.iter().map(|entry| entry.len()).collect();
        assert_eq!(lengths, [[long.len(); 5].as_slice(), &[5]].concat());
    }
}
