//! What others read: our keystore with cast.
//!
//! Without cast (`npm ci --prefix contracts`) the test says so and passes.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use rayswarm_settlement::keystore;
use std::{path::PathBuf, process::Command};

#[test]
fn cast_opens_our_keystore() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let cast = manifest.join("../../contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    if !cast.is_file() {
        eprintln!(
            "skipped: there is no cast at {}; run: npm ci --prefix contracts",
            cast.display()
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = keystore::load_or_create(folder.path(), None).unwrap();
    let output = Command::new(cast)
        .args(["wallet", "address", "--keystore"])
        .arg(folder.path().join("account.json"))
        .arg("--password-file")
        .arg(folder.path().join("keystore.password"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), key.address().to_string(), "{output:?}");
}
