//! The miner: threads that look for the nonce of a puzzle while rendering goes first.
//!
//! Each thread searches a slice of a second's tenth and rests for the rest of it, as its intensity says, at the lowest
//! priority that the system has. So a busy renderer loses next to nothing, and a puzzle can be exchanged at any moment.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use rayswarm_consensus::pow::puzzle;
use tokio::sync::mpsc;

/// How long a thread works and rests together.
const CYCLE: Duration = Duration::from_millis(100);
/// Nonces tried between two looks at the clock: a few milliseconds.
const BATCH: u64 = 4_096;

/// How much of this machine mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// Threads.
    pub threads: usize,
    /// The part of the time that each works, in percent.
    pub percent: u8,
}

/// A solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Solution {
    pub(crate) puzzle: B256,
    pub(crate) nonce: u64,
}

#[derive(Clone, Copy, Debug)]
struct Puzzle {
    hash: B256,
    target: U256,
}

#[derive(Debug)]
struct Shared {
    puzzle: Mutex<Option<Puzzle>>,
    /// Counts changes of the puzzle, so that threads see them without the lock.
    version: AtomicU64,
}

/// Running threads. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Miner {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// The version that ends the threads.
const ENDED: u64 = u64::MAX;

impl Miner {
    /// Starts the threads; they wait for a puzzle. Solutions come over the channel.
    pub(crate) fn start(intensity: Intensity) -> std::io::Result<(Self, mpsc::UnboundedReceiver<Solution>)> {
        let (found, solutions) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            puzzle: Mutex::default(),
            version: AtomicU64::new(0),
        });
        let parts = intensity.threads.max(1) as u64;
        let spawn = |part: u64| {
            let (shared, found) = (shared.clone(), found.clone());
            // Each thread has a range of nonces of its own.
            let width = u64::MAX / parts;
            let nonces = part * width..part.saturating_add(1) * width;
            let work = move || mine(&shared, nonces, intensity.percent, &found);
            thread::Builder::new().name(format!("miner-{part}")).spawn(work)
        };
        let threads = (0..parts).map(spawn).collect::<Result<_, _>>()?;
        Ok((Self { shared, threads }, solutions))
    }

    /// The puzzle to solve from now on, or none.
    pub(crate) fn set(&self, puzzle: Option<(B256, U256)>) {
        let puzzle = puzzle.map(|(hash, target)| Puzzle { hash, target });
        *self.shared.puzzle.lock().unwrap_or_else(PoisonError::into_inner) = puzzle;
        self.shared.version.fetch_add(1, Ordering::Release);
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.shared.version.store(ENDED, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // An error is a panic of the thread, which the log has already.
            let _ = thread.join();
        }
    }
}

fn mine(shared: &Shared, nonces: Range<u64>, percent: u8, found: &mpsc::UnboundedSender<Solution>) {
    lower_priority();
    let work = CYCLE * u32::from(percent.clamp(1, 100)) / 100;
    loop {
        let version = shared.version.load(Ordering::Acquire);
        if version == ENDED {
            return;
        }
        let puzzle = *shared.puzzle.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(puzzle) = puzzle else {
            thread::park();
            continue;
        };
        let mut next = nonces.start;
        let is_current = || shared.version.load(Ordering::Acquire) == version;
        'puzzle: while is_current() && next < nonces.end {
            let begun = Instant::now();
            while begun.elapsed() < work {
                let end = next.saturating_add(BATCH).min(nonces.end);
                let solution = puzzle::search(puzzle.hash, puzzle.target, next..end);
                next = end;
                if let Some(nonce) = solution {
                    let puzzle = puzzle.hash;
                    // Nobody listens while the node stops.
                    let _ = found.send(Solution { puzzle, nonce });
                    // The puzzle is over until another is set.
                    while is_current() {
                        thread::park();
                    }
                    break 'puzzle;
                }
                if !is_current() || next == nonces.end {
                    break;
                }
            }
            if work < CYCLE {
                thread::park_timeout(CYCLE - work);
            }
        }
        while is_current() {
            thread::park();
        }
    }
}

/// On Linux a thread has a priority of its own. Elsewhere intensity alone must do.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the miner keeps its priority");
    }
}
