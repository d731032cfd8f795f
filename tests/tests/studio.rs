//! The studio of a real node, driven in a real browser by `web/scripts/drive.mjs`: a scene dropped, quoted, started, paused,
//! cancelled, tried again, downloaded and paid for; every view checked by axe-core; no error on the console.

use anyhow::{Context, ensure};
use rayswarm_tests::Farm;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const CHROMIUM: &str = "/usr/bin/chromium";

#[test]
#[allow(clippy::print_stderr)]
fn an_artist_gets_from_a_file_to_a_paid_picture() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let chromium = std::env::var_os("CHROMIUM").map_or_else(|| CHROMIUM.into(), PathBuf::from);
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    for needed in [chromium, web.join("node_modules"), web.join("dist/index.html")] {
        if !needed.exists() {
            eprintln!(
                "skipped: there is no {}; `make web-build` and Debian's chromium bring it",
                needed.display()
            );
            return Ok(());
        }
    }
    let driven = Command::new("node")
        .arg("scripts/drive.mjs")
        .current_dir(&web)
        .env("RAYSWARM_BIN", farm.program())
        .output()
        .context("node cannot be run")?;
    let said = [driven.stdout, driven.stderr].concat();
    ensure!(driven.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}
