//! Ethereum's state tests: what one transaction makes of a state, by the rules of a hardfork.
//!
//! `scripts/fetch-state-tests.sh` makes the fixtures. They ask what [ethereum/tests](https://github.com/ethereum/tests)
//! asks, and what `fill/` adds for everything later, and the answers are those of Ethereum's executable specification for
//! the hardforks that a genesis may name. Another folder of state tests in the same format, such as the releases of
//! [execution-spec-tests](https://github.com/ethereum/execution-spec-tests), is named by `RAYSWARM_STATE_TESTS`.
//!
//! Every test goes through what a node does with a transaction: the pool, a block that is built, and the check of a
//! block that somebody else has built. What no block may hold must be refused there. [`left_out`] says what is not asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use rayswarm_chain::Hardfork;

mod fixture;
mod left_out;
mod sample;
mod trial;

use fixture::StateTests;
use left_out::LeftOut;
use trial::Verdict;

/// Fewer than these were not the fixtures that the script makes.
const EXECUTED_MIN: usize = 3_900;
const REFUSED_MIN: usize = 450;

/// How many failures are told in full.
const FAILURES_TOLD: usize = 20;

#[test]
fn transactions_do_what_ethereums_specification_says() {
    let (folder, ours) = folder();
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: no state tests in {}; run: scripts/fetch-state-tests.sh",
            folder.display()
        );
        return;
    }
    let mut tally = Tally::default();
    for file in files(&folder) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        match serde_json::from_str(&text) {
            Ok(tests) => tally.run(&name, &tests),
            Err(error) => tally.failures.push(format!("{name} does not read: {error}")),
        }
    }
    eprintln!("{tally}");
    let told = &tally.failures[..tally.failures.len().min(FAILURES_TOLD)];
    assert!(told.is_empty(), "{} failed:\n{}", tally.failures.len(), told.join("\n"));
    if ours {
        assert!(tally.executed >= EXECUTED_MIN, "too few were executed: {tally}");
        assert!(tally.refused >= REFUSED_MIN, "too few were to be refused: {tally}");
        let sample = fs::read_to_string(folder.join("own/sample.json")).unwrap();
        assert_eq!(sample::SAMPLE, sample, "sample.json is to be a copy of own/sample.json");
    } else {
        assert!(tally.executed > 0, "none was executed: {tally}");
    }
}

/// Where the fixtures are, and whether they are those of the script.
fn folder() -> (PathBuf, bool) {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("state-tests");
    match env::var_os("RAYSWARM_STATE_TESTS") {
        Some(folder) => (folder.into(), false),
        None => (made, true),
    }
}

/// Every JSON file below a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    paths.sort_by_key(fs::DirEntry::file_name);
    for path in paths.iter().map(fs::DirEntry::path) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found
}

/// What became of the tests.
#[derive(Debug, Default)]
pub struct Tally {
    executed: usize,
    refused: usize,
    left_out: BTreeMap<LeftOut, usize>,
    failures: Vec<String>,
}

impl Tally {
    /// Runs every test of a file for every hardfork and every choice of data, gas and value.
    fn run(&mut self, file: &str, tests: &StateTests) {
        for (name, test) in tests {
            for (fork, outcomes) in &test.post {
                for outcome in outcomes {
                    let verdict = hardfork(fork).map_or(Ok(Verdict::LeftOut(LeftOut::Hardfork)), |hardfork| {
                        trial::run(name, test, hardfork, outcome)
                    });
                    match verdict {
                        Ok(Verdict::Executed) => self.executed += 1,
                        Ok(Verdict::Refused) => self.refused += 1,
                        Ok(Verdict::LeftOut(reason)) => *self.left_out.entry(reason).or_default() += 1,
                        Err(failure) => {
                            self.failures
                                .push(format!("{file}, {name}, {fork} {}: {failure}", outcome.indexes));
                        }
                    }
                }
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} executed, {} refused as they must be",
            self.executed, self.refused
        )?;
        for (reason, count) in &self.left_out {
            write!(formatter, "; {count} left out: {reason}")?;
        }
        Ok(())
    }
}

/// The hardfork that fixtures call so, if a genesis may name it.
fn hardfork(name: &str) -> Option<Hardfork> {
    match name {
        "Prague" => Some(Hardfork::Prague),
        "Osaka" => Some(Hardfork::Osaka),
        _ => None,
    }
}
