//! Schema migrations and standings.

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
fn standing_is_what_other_jobs_verified_and_starts_over_after_a_fraud() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
    journal.save_verified(job(1), node(1), 7).unwrap();
    journal.save_verified(job(1), node(1), 8).unwrap();
    journal.save_verified(job(2), node(1), 3).unwrap();
    journal.save_verified(job(2), node(2), 5).unwrap();
    assert_eq!(journal.verified_before(node(1), job(3)).unwrap(), 11);
    assert_eq!(journal.verified_before(node(1), job(2)).unwrap(), 8);
    journal.clear_verified(node(1)).unwrap();
    assert_eq!(journal.verified_before(node(1), job(3)).unwrap(), 0);
    assert_eq!(journal.verified_before(node(2), job(3)).unwrap(), 5);
}
