//! The end of a ZIP archive, which is all that opening it may read.
//!
//! An archive's directory says how long it is, and the `zip` crate believes it: it sets memory aside for billions of
//! entries, and when a directory does not read it looks for another one further up. So opening sees only the last part
//! of the file, reads only so much in all, and begins only after that part was searched for a count that is too high.

use super::list::FILES_MAX;
use std::{
    cell::Cell,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
};

/// Bytes at the end that must hold the directory: 1.6 kB for each of the most entries taken.
const TAIL_BYTES: u64 = 16 << 20;
/// Bytes read while opening: the directory is searched and then read.
const OPENING_BYTES_MAX: u64 = 4 * TAIL_BYTES;
/// Begins the record that counts entries in 64 bits (APPNOTE 4.3.14).
const ZIP64_RECORD: &[u8] = b"PK\x06\x06";
/// Where in it the number of all entries stands.
const ZIP64_ENTRIES: std::ops::Range<usize> = 32..40;

/// An archive's file: only its end while it is opened, all of it afterwards.
#[derive(Debug)]
pub struct Tail {
    file: File,
    at: u64,
    /// Where the end begins.
    floor: u64,
    left: u64,
    opening: Rc<Cell<bool>>,
}

impl Tail {
    /// Of a file whose end claims no more entries than are taken. The second half ends the opening when set to false.
    pub fn new(mut file: File) -> io::Result<(Self, Rc<Cell<bool>>)> {
        let floor = file.metadata()?.len().saturating_sub(TAIL_BYTES);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(floor))?;
        (&mut file).take(TAIL_BYTES).read_to_end(&mut tail)?;
        if claims_too_much(&tail) {
            return Err(refused(format!("it claims more than {FILES_MAX} entries")));
        }
        file.rewind()?;
        let opening = Rc::new(Cell::new(true));
        let tail = Self {
            file,
            at: 0,
            floor,
            left: OPENING_BYTES_MAX,
            opening: opening.clone(),
        };
        Ok((tail, opening))
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.opening.get() && (self.at < self.floor || self.left == 0) {
            let detail = format!("its directory is not found in its last {} MiB", TAIL_BYTES >> 20);
            return Err(refused(detail));
        }
        let count = self.file.read(buffer)?;
        self.at = self.at.saturating_add(count as u64);
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Seek for Tail {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

fn claims_too_much(tail: &[u8]) -> bool {
    let records = tail.windows(ZIP64_ENTRIES.end);
    let mut counts = records
        .filter(|record| record.starts_with(ZIP64_RECORD))
        .filter_map(|record| {
            let count = record.get(ZIP64_ENTRIES)?;
            Some(u64::from_le_bytes(count.try_into().ok()?))
        });
    counts.any(|count| count > FILES_MAX as u64)
}

fn refused(detail: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn record(entries: u64) -> Vec<u8> {
        let mut record = vec![7; 3];
        record.extend(ZIP64_RECORD);
        record.extend([0; 28]);
        record.extend(entries.to_le_bytes());
        record.extend([0; 16]);
        record
    }

    fn file(bytes: &[u8], from: u64) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.seek(SeekFrom::Start(from)).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn archives_that_claim_billions_of_entries_are_not_opened() {
        for (entries, too_much) in [(0, false), (10_000, false), (10_001, true), (u64::MAX, true)] {
            assert_eq!(Tail::new(file(&record(entries), 0)).is_err(), too_much, "{entries}");
        }
        assert!(Tail::new(file(b"PK\x06\x06", 0)).is_ok());
    }

    #[test]
    fn only_the_end_is_read_until_the_archive_is_open() {
        let (mut tail, opening) = Tail::new(file(b"end", TAIL_BYTES)).unwrap();
        let mut read = [0; 3];
        assert!(tail.read(&mut read).is_err());
        tail.seek(SeekFrom::End(-3)).unwrap();
        tail.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"end");
        tail.rewind().unwrap();
        opening.set(false);
        tail.read_exact(&mut read).unwrap();
        assert_eq!(read, [0; 3]);
    }

    #[test]
    fn opening_reads_only_so_much() {
        let (mut tail, _opening) = Tail::new(file(&[1; 1 << 20], 0)).unwrap();
        let mut buffer = vec![0; 1 << 20];
        let mut read = 0;
        let refused = loop {
            tail.rewind().unwrap();
            match tail.read(&mut buffer) {
                Ok(count) => read += count as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(read, OPENING_BYTES_MAX);
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}
