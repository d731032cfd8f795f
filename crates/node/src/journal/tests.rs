//! Schema migrations and settings.

#![allow(clippy::unwrap_used)]
use super::*;

fn node(byte: u8) -> NodeId {
    NodeId::from_bytes([byte; 32])
}

fn job(byte: u8) -> JobId {
    JobId::from_bytes([byte; 32])
}

#[test]
fn a_journal_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!("{} PRAGMA user_version = 1;", MIGRATIONS[0]))
        .unwrap();
    old.execute("INSERT INTO peers VALUES ('a', 1, x'00')", []).unwrap();
    drop(old);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.peers(9).unwrap(), vec![vec![0]]);
    assert_eq!(journal.verified_before(node(1), job(1)).unwrap(), 0);
    drop(journal);
    Journal::open(&path).unwrap();
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    drop(newer);
    assert!(matches!(Journal::open(&path), Err(JournalError::Newer { .. })));
}

#[test]
fn settings_are_replaced_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.setting::<u8>("answer").unwrap(), None);
    journal.save_setting("answer", &41).unwrap();
    journal.save_setting("answer", &42).unwrap();
    drop(journal);
    assert_eq!(Journal::open(&path).unwrap().setting::<u8>("answer").unwrap(), Some(42));
}
