//! What a log keeps through crashes, and what it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const FORM: Form = Form {
    magic: b"RSTESTS1",
    name: "test log",
    record_bytes_max: 1 << 20,
};
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
        self.directory.path().join("records.log")
    }

    fn open(&self) -> Result<RecordLog, StorageError> {
        RecordLog::open(&FORM, &self.path(), GENESIS)
    }

    /// A log with records of 100, 200 and 300 bytes.
    fn filled() -> Self {
        let disk = Self::new();
        let mut log = disk.open().unwrap();
        for number in 1..=3u8 {
            let record = vec![number; usize::from(number) * 100];
            log.append(&record).unwrap();
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
fn records_come_back_after_reopening() {
    let disk = Disk::filled();
    let mut log = disk.open().unwrap();
    assert_eq!(log.len(), 3);
    assert_eq!(log.read(1).unwrap(), Some(vec![2; 200]));
    assert_eq!(log.read(3).unwrap(), None);
    log.append(&[4; 50]).unwrap();
    log.sync().unwrap();
    drop(log);
    let mut log = disk.open().unwrap();
    assert_eq!(log.read(3).unwrap(), Some(vec![4; 50]));
    log.clear().unwrap();
    drop(log);
    assert_eq!(disk.open().unwrap().len(), 0);
}

#[test]
fn a_tail_cut_anywhere_loses_only_the_last_record() {
    let whole = Disk::filled().bytes();
    let third = whole.len() - 312;
    for length in (third + 1)..whole.len() {
        let disk = Disk::new();
        disk.write(&whole[..length]);
        let mut log = disk.open().unwrap();
        assert_eq!(log.len(), 2, "cut at {length}");
        log.append(&[9; 10]).unwrap();
        drop(log);
        assert_eq!(disk.open().unwrap().read(2).unwrap(), Some(vec![9; 10]));
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
        assert_eq!(disk.open().unwrap().len(), 2);
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
    let error = RecordLog::open(&FORM, &disk.path(), B256::repeat_byte(8)).unwrap_err();
    assert!(matches!(error, StorageError::Foreign { .. }), "{error}");
    disk.write(&[b'x'; 100]);
    assert!(matches!(disk.open(), Err(StorageError::Foreign { .. })));
}

#[test]
fn two_processes_cannot_have_it() {
    let disk = Disk::filled();
    let _first = disk.open().unwrap();
    assert!(matches!(disk.open(), Err(StorageError::InUse { .. })));
}
