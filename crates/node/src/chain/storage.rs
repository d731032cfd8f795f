//! The block log: one append-only file, safe against crashes.
//!
//! ```text
//! "RSBLOCK1"  genesis hash (32)      once
//! length (4, big endian)  checksum (8: first bytes of keccak-256)  block (RLP)      per block
//! ```
//!
//! `append` returns after `fdatasync`. A crash can therefore damage only the record that was being written;
//! such a torn tail is cut off when the file is opened, and the block it held was never answered for.
//! Damage anywhere else is an error, not a repair. The file is locked while it is open.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, keccak256};
use rayswarm_chain::{Storage, block::BLOCK_BYTES_MAX};

/// First bytes of the file; the digit is the version of its format.
const MAGIC: &[u8; 8] = b"RSBLOCK1";
const HEADER_BYTES: u64 = 40;
const RECORD_HEADER_BYTES: u64 = 12;
const CHECKSUM_BYTES: usize = 8;

/// Why the block log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} the block log {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the block log {0} is in use by another process; stop that one first")]
    InUse(PathBuf),
    /// It is no block log, or one of another chain.
    #[error("{path} is not a block log of chain {expected}; choose another data directory")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Genesis hash that was looked for.
        expected: B256,
    },
    /// Bytes in the middle are not what was written.
    #[error("the block log {path} is damaged at byte {offset}; restore it from a copy or start a new chain")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad record begins.
        offset: u64,
    },
}

/// The block log of one chain.
#[derive(Debug)]
pub(crate) struct BlockLog {
    file: File,
    path: PathBuf,
    /// Where each record begins; the record of block `n` is at `n - 1`.
    offsets: Vec<u64>,
    /// Where the next record goes.
    end: u64,
}

impl BlockLog {
    /// Opens or creates the log of the chain with this genesis hash.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(crate) fn open(path: &Path, genesis: B256) -> Result<Self, StorageError> {
        let failed = |action| failure(path, action);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StorageError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let mut log = Self {
            file,
            path: path.to_owned(),
            offsets: Vec::new(),
            end: HEADER_BYTES,
        };
        let length = log.file.metadata().map_err(failed("inspect"))?.len();
        if length < HEADER_BYTES {
            log.start(genesis)?;
        } else {
            log.check_header(genesis)?;
            log.scan(length)?;
        }
        Ok(log)
    }

    /// How many blocks it holds.
    pub(crate) fn blocks(&self) -> usize {
        self.offsets.len()
    }

    fn start(&mut self, genesis: B256) -> Result<(), StorageError> {
        let header = [&MAGIC[..], genesis.as_slice()].concat();
        self.file.set_len(0).map_err(failure(&self.path, "start"))?;
        self.write_at(0, &header)?;
        // The name of a new file is durable only once its directory is.
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failure(&self.path, "make durable"))
    }

    fn check_header(&mut self, genesis: B256) -> Result<(), StorageError> {
        let header = self.read_at(0, HEADER_BYTES as usize)?;
        let expected = [&MAGIC[..], genesis.as_slice()].concat();
        if header == expected {
            return Ok(());
        }
        Err(StorageError::Foreign {
            path: self.path.clone(),
            expected: genesis,
        })
    }

    /// Finds the records and cuts a torn one off.
    fn scan(&mut self, length: u64) -> Result<(), StorageError> {
        while self.end < length {
            match self.record_at(self.end, length)? {
                Record::Good { block } => {
                    self.offsets.push(self.end);
                    self.end += RECORD_HEADER_BYTES + block.len() as u64;
                }
                Record::Torn => {
                    tracing::warn!(path = %self.path.display(), offset = self.end, "cutting off a block that was never finished");
                    return self.cut();
                }
                Record::Bad => {
                    return Err(StorageError::Damaged {
                        path: self.path.clone(),
                        offset: self.end,
                    });
                }
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
        let possible = (1..=BLOCK_BYTES_MAX as u64).contains(&size);
        if possible && RECORD_HEADER_BYTES + size <= left {
            let block = self.read_at(offset + RECORD_HEADER_BYTES, size as usize)?;
            if keccak256(&block).get(..CHECKSUM_BYTES) == Some(checksum) {
                return Ok(Record::Good { block });
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

    /// Whether all bytes from `offset` on are zero. More than a block's worth is no tail.
    fn is_blank(&mut self, offset: u64, left: u64) -> Result<bool, StorageError> {
        if left > RECORD_HEADER_BYTES + BLOCK_BYTES_MAX as u64 {
            return Ok(false);
        }
        Ok(self.read_at(offset, left as usize)?.iter().all(|byte| *byte == 0))
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.sync_all())
            .map_err(failure(&self.path, "repair"))
    }

    fn read_at(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; length];
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(failure(&self.path, "read"))?;
        Ok(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(bytes))
            .and_then(|()| self.file.sync_data())
            .map_err(failure(&self.path, "write"))
    }
}

enum Record {
    Good { block: Vec<u8> },
    Torn,
    Bad,
}

fn failure(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StorageError + use<> {
    let path = path.to_owned();
    move |source| StorageError::Io { action, path, source }
}

impl Storage for BlockLog {
    type Error = StorageError;

    fn append(&mut self, _number: u64, _hash: B256, block: &[u8]) -> Result<(), StorageError> {
        let checksum = keccak256(block);
        let record = [
            &(block.len() as u32).to_be_bytes()[..],
            checksum.get(..CHECKSUM_BYTES).unwrap_or_default(),
            block,
        ]
        .concat();
        // A failed write may have left half a record (disk full); the next attempt starts at the same place,
        // so the file is cut back first.
        if let Err(error) = self.write_at(self.end, &record) {
            let _ = self.cut();
            return Err(error);
        }
        self.offsets.push(self.end);
        self.end += record.len() as u64;
        Ok(())
    }

    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let Some(&offset) = index.and_then(|index| self.offsets.get(index)) else {
            return Ok(None);
        };
        match self.record_at(offset, self.end)? {
            Record::Good { block } => Ok(Some(block)),
            Record::Torn | Record::Bad => Err(StorageError::Damaged {
                path: self.path.clone(),
                offset,
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const GENESIS: B256 = B256::repeat_byte(7);

    struct Disk {
        directory: tempfile::TempDir,
    }

    impl Disk {
        fn new() -> Self {
            Self {
                directory: tempfile::tempdir().unwrap(),
            }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("blocks.log")
        }

        fn open(&self) -> Result<BlockLog, StorageError> {
            BlockLog::open(&self.path(), GENESIS)
        }

        /// A log with blocks of 100, 200 and 300 bytes.
        fn filled() -> Self {
            let disk = Self::new();
            let mut log = disk.open().unwrap();
            for number in 1..=3u8 {
                let block = vec![number; usize::from(number) * 100];
                log.append(u64::from(number), B256::ZERO, &block).unwrap();
            }
            disk
        }

        fn bytes(&self) -> Vec<u8> {
            std::fs::read(self.path()).unwrap()
        }

        fn write(&self, bytes: &[u8]) {
            std::fs::write(self.path(), bytes).unwrap();
        }
    }

    #[test]
    fn blocks_come_back_after_reopening() {
        let disk = Disk::filled();
        let mut log = disk.open().unwrap();
        assert_eq!(log.blocks(), 3);
        assert_eq!(log.read(2).unwrap(), Some(vec![2; 200]));
        assert_eq!(log.read(4).unwrap(), None);
        assert_eq!(log.read(0).unwrap(), None);
        log.append(4, B256::ZERO, &[4; 50]).unwrap();
        drop(log);
        assert_eq!(disk.open().unwrap().read(4).unwrap(), Some(vec![4; 50]));
    }

    #[test]
    fn a_tail_cut_anywhere_loses_only_the_last_block() {
        let whole = Disk::filled().bytes();
        let third = whole.len() - 312;
        for length in (third + 1)..whole.len() {
            let disk = Disk::new();
            disk.write(&whole[..length]);
            let mut log = disk.open().unwrap();
            assert_eq!(log.blocks(), 2, "cut at {length}");
            log.append(3, B256::ZERO, &[9; 10]).unwrap();
            drop(log);
            assert_eq!(disk.open().unwrap().read(3).unwrap(), Some(vec![9; 10]));
        }
    }

    #[test]
    fn a_tail_that_was_never_filled_in_is_dropped() {
        let whole = Disk::filled().bytes();
        let third = whole.len() - 312;
        let blank = [&whole[..third], &[0; 312][..]].concat();
        let half = [&whole[..third + 40], &[0; 272][..]].concat();
        for bytes in [blank, half] {
            let disk = Disk::new();
            disk.write(&bytes);
            assert_eq!(disk.open().unwrap().blocks(), 2);
        }
    }

    #[test]
    fn damage_in_the_middle_is_an_error_and_changes_nothing() {
        let disk = Disk::filled();
        let mut bytes = disk.bytes();
        bytes[HEADER_BYTES as usize + 50] ^= 1;
        disk.write(&bytes);
        let error = disk.open().unwrap_err();
        assert!(
            matches!(
                error,
                StorageError::Damaged {
                    offset: HEADER_BYTES,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(disk.bytes(), bytes);
    }

    #[test]
    fn the_log_of_another_chain_is_refused() {
        let disk = Disk::filled();
        let error = BlockLog::open(&disk.path(), B256::repeat_byte(8)).unwrap_err();
        assert!(matches!(error, StorageError::Foreign { .. }), "{error}");
        disk.write(&[b'x'; 100]);
        assert!(matches!(disk.open(), Err(StorageError::Foreign { .. })));
    }

    #[test]
    fn two_processes_cannot_have_it() {
        let disk = Disk::filled();
        let _first = disk.open().unwrap();
        assert!(matches!(disk.open(), Err(StorageError::InUse(_))));
    }
}
