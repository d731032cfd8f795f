//! The files of the corpus are what the code makes, and they are good; every target has all that belongs to it.
#![allow(clippy::unwrap_used)]

use rayswarm_fuzzing::{TARGETS, corpus, samples};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Set to write the files anew instead of comparing them.
const REWRITE: &str = "RAYSWARM_REWRITE";

/// What the name of an input begins with that once went wrong: such files stay as they are.
const REGRESSION: &str = "regression-";

/// The most bytes of a file, and the most files.
const FILE_BYTES_MAX: usize = 2 << 10;
const FILES_MAX: usize = 100;

#[test]
fn the_committed_corpus_is_this_one() {
    let mut files = 0;
    for target in TARGETS {
        let folder = corpus::folder(target.name);
        let samples: BTreeMap<_, _> = samples::of(target.name).into_iter().collect();
        assert!(samples.len() > 1, "{} has no samples", target.name);
        if std::env::var_os(REWRITE).is_some() {
            fs::create_dir_all(&folder).unwrap();
            for (name, bytes) in &samples {
                fs::write(folder.join(name), bytes).unwrap();
            }
        }
        let committed = corpus::read(target.name).unwrap_or_default();
        files += committed.len();
        let committed: BTreeMap<_, _> = committed
            .into_iter()
            .filter(|(name, _)| !name.starts_with(REGRESSION))
            .collect();
        let names = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(
            names(committed.keys().map(String::as_str).collect()),
            names(samples.keys().copied().collect()),
            "fuzz/corpus/{} has other files than the samples; write them with {REWRITE}=1 and remove the rest",
            target.name
        );
        for (name, bytes) in samples {
            assert!(
                committed.get(name) == Some(&bytes),
                "fuzz/corpus/{}/{name} differs; write it with {REWRITE}=1 and look at what changed an encoding",
                target.name
            );
        }
    }
    assert!(files <= FILES_MAX, "{files} files");
}

#[test]
fn every_sample_is_taken_and_short() {
    for target in TARGETS {
        for (name, bytes) in samples::of(target.name) {
            assert!(bytes.len() <= FILE_BYTES_MAX, "{}/{name}: {}", target.name, bytes.len());
            assert!(target.check(&bytes).taken, "{}/{name} is refused", target.name);
        }
    }
}

#[test]
fn every_target_has_a_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let program = fs::read_to_string(root.join(format!("fuzz_targets/{}.rs", target.name))).unwrap_or_default();
        assert!(
            program.contains(&format!("rayswarm_fuzzing::check(\"{}\", bytes)", target.name)),
            "fuzz/fuzz_targets/{}.rs does not fuzz it",
            target.name
        );
        assert!(
            manifest.contains(&format!("name = \"{}\"", target.name)),
            "fuzz/Cargo.toml does not name {}",
            target.name
        );
    }
    let programs = fs::read_dir(root.join("fuzz_targets")).unwrap().count();
    assert_eq!(programs, TARGETS.len());
}
