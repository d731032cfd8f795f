//! The short run: every input of the corpus and some thousand changes of each target's. No panic, no memory beyond the bound.
//!
//! `RAYSWARM_FUZZ_SEED` and `RAYSWARM_FUZZ_RUNS` choose others, and how many. An input is in a file while it is read, so that it
//! is still there after the process has ended; who fails names the file.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(
    clippy::print_stderr,
    reason = "whoever looks at a failure needs the file and the seed"
)]

use rayswarm_fuzzing::{Checked, TARGETS, Target, corpus, mutate::Mutator};
use std::{
    fs::{self, File},
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

const SEED: &str = "RAYSWARM_FUZZ_SEED";
const RUNS: &str = "RAYSWARM_FUZZ_RUNS";

/// Changed inputs for each target unless told otherwise.
const RUNS_USUAL: u64 = 4_000;

/// Where threads share a process, what one of them allocates must not be laid to another.
static TURN: Mutex<()> = Mutex::new(());

macro_rules! short_runs {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*
    };
}

short_runs! {
    block header executed_block transaction
    consensus_message consensus_seal consensus_log
    document
    chain_word chain_question chain_answer peer_message
    rpc_request block_file genesis_file
}

#[test]
fn every_target_has_a_run() {
    let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(all, NAMES);
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn run(name: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Target::named(name).unwrap();
    let (seed, runs) = (setting(SEED).unwrap_or(1), setting(RUNS).unwrap_or(RUNS_USUAL));
    let mut kept = Kept::new(name, seed);
    // What is made once is not laid to the first input.
    (target.decode)(&[]);
    let good: Vec<_> = corpus::read(name)
        .unwrap()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    for input in &good {
        kept.read(target, input);
    }
    let mut mutator = Mutator::new(seed, target.form, &good);
    let (mut taken, mut peak) = (0, 0);
    for _ in 0..runs {
        let checked = kept.read(target, &mutator.input());
        taken += u64::from(checked.taken);
        peak = peak.max(checked.peak);
    }
    eprintln!("{name}: {taken} of {runs} changed inputs were taken, with {peak} bytes of memory at most");
}

/// The input that is being read, in a file.
struct Kept {
    file: File,
    path: PathBuf,
    seed: u64,
}

impl Kept {
    fn new(name: &str, seed: u64) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        fs::create_dir_all(&folder).unwrap();
        // Two runs at once have two files.
        let path = folder.join(format!("{name}-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        Self { file, path, seed }
    }

    fn read(&mut self, target: &Target, input: &[u8]) -> Checked {
        self.file.rewind().unwrap();
        self.file.write_all(input).unwrap();
        self.file.set_len(input.len() as u64).unwrap();
        target.check(input)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if thread::panicking() {
            let (path, seed) = (self.path.display(), self.seed);
            eprintln!(
                "the input is in {path} ({SEED}={seed}); once it is mended, keep it as fuzz/corpus/TARGET/regression-NAME"
            );
        } else {
            fs::remove_file(&self.path).unwrap_or_default();
        }
    }
}
